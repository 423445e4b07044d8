#include "container/zip.h"

#include <zlib.h>

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "container/byte_cursor.h"

namespace calib8 {
namespace {

constexpr std::uint32_t local_signature = 0x04034b50;
constexpr std::uint32_t central_signature = 0x02014b50;
constexpr std::uint32_t end_signature = 0x06054b50;
constexpr std::uint32_t end64_signature = 0x06064b50;
constexpr std::uint32_t locator64_signature = 0x07064b50;
constexpr std::uint32_t descriptor_signature = 0x08074b50;
constexpr std::size_t end_size = 22;
constexpr std::size_t end64_size = 56;
constexpr std::size_t locator64_size = 20;
constexpr std::uint16_t in_extra16 = 0xffff;      // the value stands in the ZIP64 record
constexpr std::uint32_t in_extra32 = 0xffffffff;  // the value stands in the ZIP64 record or extra field
constexpr std::uint16_t flag_descriptor = 1 << 3;
constexpr std::uint16_t flags_known = 0x6 | flag_descriptor | 1 << 11;  // deflate's level, descriptor, UTF-8
constexpr std::uint16_t method_stored = 0;
constexpr std::uint16_t method_deflated = 8;
constexpr std::uint16_t extra_zip64 = 1;

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw Error(ErrorCode::model, what + ": the archive is damaged or was tampered with, get it anew", where);
}

std::string member_named(std::string_view name) {
  return "member " + printable(name);
}

struct Directory {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t count = 0;
};

/// The fields that the central directory, the local header and the data descriptor repeat.
struct Header {
  std::string_view name;
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::uint32_t checksum = 0;
  std::uint64_t stored_size = 0;
  std::uint64_t size = 0;
  std::uint64_t offset = 0;  // of the local header
};

/// Where a member lies in the file, from its local header to the end of its data descriptor.
struct Extent {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::size_t member = 0;
};

Directory read_end64(ByteView bytes, std::size_t locator_at, const std::string& where) {
  ByteCursor locator(bytes, "the ZIP64 locator", where, locator_at + 4);
  const auto disk = locator.number<std::uint32_t>();
  const auto record_at = locator.number<std::uint64_t>();
  const auto disks = locator.number<std::uint32_t>();
  if (disk != 0 || disks > 1 || locator_at < end64_size || record_at != locator_at - end64_size)
    refuse(where, "the ZIP64 locator points astray");
  ByteCursor record(bytes, "the ZIP64 end record", where, static_cast<std::size_t>(record_at));
  if (record.number<std::uint32_t>() != end64_signature || record.number<std::uint64_t>() != end64_size - 12)
    refuse(where, "the ZIP64 end record is not one");
  record.take(4);  // versions
  const auto this_disk = record.number<std::uint32_t>();
  const auto directory_disk = record.number<std::uint32_t>();
  const auto count_here = record.number<std::uint64_t>();
  Directory directory;
  directory.count = record.number<std::uint64_t>();
  directory.size = record.number<std::uint64_t>();
  directory.offset = record.number<std::uint64_t>();
  if (this_disk != 0 || directory_disk != 0 || count_here != directory.count)
    refuse(where, "the archive claims several disks");
  if (directory.offset > record_at || directory.size != record_at - directory.offset)
    refuse(where, "the central directory lies about its size");
  return directory;
}

Directory find_directory(ByteView bytes, const std::string& where) {
  if (bytes.size() < end_size) refuse(where, "the archive is truncated");
  const std::size_t end_at = bytes.size() - end_size;
  ByteCursor end(bytes, "the end record", where, end_at);
  if (end.number<std::uint32_t>() != end_signature)
    refuse(where, "the archive is truncated (no ZIP directory at its end)");
  const auto disk = end.number<std::uint16_t>();
  const auto directory_disk = end.number<std::uint16_t>();
  const auto count_here = end.number<std::uint16_t>();
  const auto count = end.number<std::uint16_t>();
  const auto size = end.number<std::uint32_t>();
  const auto offset = end.number<std::uint32_t>();
  if (end.number<std::uint16_t>() != 0) refuse(where, "the archive has a comment or bytes behind its end");
  if (disk != 0 || directory_disk != 0 || count_here != count)
    refuse(where, "the archive claims several disks");

  const std::size_t locator_at = end_at < locator64_size ? 0 : end_at - locator64_size;
  if (end_at >= locator64_size &&
      ByteCursor(bytes, "", where, locator_at).number<std::uint32_t>() == locator64_signature) {
    const Directory directory = read_end64(bytes, locator_at, where);
    if ((count != in_extra16 && count != directory.count) || (size != in_extra32 && size != directory.size) ||
        (offset != in_extra32 && offset != directory.offset))
      refuse(where, "the two end records differ");
    return directory;
  }
  if (offset > end_at || size != end_at - offset) refuse(where, "the central directory lies about its size");
  return {offset, size, count};
}

/// Replaces the values that a ZIP64 extra field holds instead of the header.
void resolve_zip64(ByteView extra, Header& header, bool with_offset, const std::string& where) {
  ByteCursor fields(extra, "an extra field", where);
  while (fields.remaining() >= 4) {
    const auto id = fields.number<std::uint16_t>();
    const auto size = fields.number<std::uint16_t>();
    ByteCursor field(fields.take(size), "a ZIP64 field", where);
    if (id != extra_zip64) continue;
    if (header.size == in_extra32) header.size = field.number<std::uint64_t>();
    if (header.stored_size == in_extra32) header.stored_size = field.number<std::uint64_t>();
    if (with_offset && header.offset == in_extra32) header.offset = field.number<std::uint64_t>();
    return;
  }
}

Header read_central(ByteCursor& cursor, const std::string& where) {
  if (cursor.number<std::uint32_t>() != central_signature)
    refuse(where, "the central directory has a broken entry");
  cursor.take(4);  // versions
  Header header;
  header.flags = cursor.number<std::uint16_t>();
  header.method = cursor.number<std::uint16_t>();
  cursor.take(4);  // time and date
  header.checksum = cursor.number<std::uint32_t>();
  header.stored_size = cursor.number<std::uint32_t>();
  header.size = cursor.number<std::uint32_t>();
  const auto name_size = cursor.number<std::uint16_t>();
  const auto extra_size = cursor.number<std::uint16_t>();
  const auto comment_size = cursor.number<std::uint16_t>();
  const auto disk = cursor.number<std::uint16_t>();
  cursor.take(6);  // attributes
  header.offset = cursor.number<std::uint32_t>();
  header.name = text_of(cursor.take(name_size));
  resolve_zip64(cursor.take(extra_size), header, true, where);
  cursor.take(comment_size);
  if (disk != 0) refuse(where, "the archive claims several disks");
  if (header.name.empty() || header.name.find('\0') != std::string_view::npos)
    refuse(where, "a member has no proper name");
  if ((header.flags & ~flags_known) != 0)
    refuse(where, member_named(header.name) + " is encrypted or has unknown flags");
  if (header.method == method_stored && header.size != header.stored_size)
    refuse(where, member_named(header.name) + " lies about its size");
  return header;
}

/// Size of the data descriptor at `at`, in any of its four forms; nothing where none agrees with the
/// directory.
std::optional<std::size_t> descriptor_size(ByteView bytes, std::uint64_t at, const Header& central) {
  for (const bool signature : {true, false}) {
    for (const std::size_t width : {std::size_t{4}, std::size_t{8}}) {
      const std::size_t size = (signature ? 4 : 0) + 4 + 2 * width;
      if (bytes.size() - at < size) continue;
      ByteCursor cursor(bytes, "a data descriptor", "", static_cast<std::size_t>(at));
      if (signature && cursor.number<std::uint32_t>() != descriptor_signature) continue;
      const auto next = [&] {
        return width == 4 ? cursor.number<std::uint32_t>() : cursor.number<std::uint64_t>();
      };
      if (cursor.number<std::uint32_t>() != central.checksum) continue;
      if (next() == central.stored_size && next() == central.size) return size;
    }
  }
  return std::nullopt;
}

/// Holds the local header against the central one; the data's offset and the end of all that belongs to the
/// member.
struct Placement {
  std::uint64_t data = 0;
  std::uint64_t end = 0;
};

Placement place_member(ByteView members, const Header& central, const std::string& where) {
  if (central.offset >= members.size())
    refuse(where, member_named(central.name) + " begins outside the archive");
  const std::string who = member_named(central.name);
  ByteCursor cursor(members, who, where, static_cast<std::size_t>(central.offset));
  if (cursor.number<std::uint32_t>() != local_signature)
    refuse(where, member_named(central.name) + " has no local header");
  cursor.take(2);  // version
  Header local;
  local.flags = cursor.number<std::uint16_t>();
  local.method = cursor.number<std::uint16_t>();
  cursor.take(4);  // time and date
  local.checksum = cursor.number<std::uint32_t>();
  local.stored_size = cursor.number<std::uint32_t>();
  local.size = cursor.number<std::uint32_t>();
  const auto name_size = cursor.number<std::uint16_t>();
  const auto extra_size = cursor.number<std::uint16_t>();
  local.name = text_of(cursor.take(name_size));
  const ByteView extra = cursor.take(extra_size);
  const bool described = (central.flags & flag_descriptor) != 0;
  if (!described) resolve_zip64(extra, local, false, where);

  const auto agrees = [&](std::uint64_t here, std::uint64_t there) {
    return here == there || (described && (here == 0 || here == in_extra32));
  };
  if (local.name != central.name || local.flags != central.flags || local.method != central.method ||
      !agrees(local.checksum, central.checksum) || !agrees(local.stored_size, central.stored_size) ||
      !agrees(local.size, central.size))
    refuse(where, member_named(central.name) + " has a local header that differs from the directory");
  if (central.stored_size > cursor.remaining())
    refuse(where, member_named(central.name) + " lies about its size");

  Placement placement{cursor.position(), cursor.position() + central.stored_size};
  if (described) {
    const auto size = descriptor_size(members, placement.end, central);
    if (!size)
      refuse(where, member_named(central.name) + " has a data descriptor that differs from the directory");
    placement.end += *size;
  }
  return placement;
}

void refuse_overlaps(std::vector<Extent> extents, const ZipArchive& archive) {
  std::sort(extents.begin(), extents.end(),
            [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
  for (std::size_t i = 1; i < extents.size(); ++i) {
    if (extents[i].begin < extents[i - 1].end)
      refuse(archive.where, member_named(archive.members[extents[i].member].name) + " overlaps " +
                                member_named(archive.members[extents[i - 1].member].name));
  }
}

}  // namespace

const ZipMember* ZipArchive::find(std::string_view name) const {
  const auto found = index.find(name);
  return found == index.end() ? nullptr : &members[found->second];
}

ZipArchive open_zip(const Data& bytes, std::string where) {
  ZipArchive archive;
  archive.where = std::move(where);
  const Directory directory = find_directory(bytes.bytes(), archive.where);
  const ByteView before_directory = bytes.bytes().first(static_cast<std::size_t>(directory.offset));
  ByteCursor cursor(bytes.bytes().subspan(before_directory.size(), static_cast<std::size_t>(directory.size)),
                    "the central directory", archive.where);
  std::vector<Extent> extents;
  while (cursor.remaining() > 0) {
    const Header header = read_central(cursor, archive.where);
    const Placement placement = place_member(before_directory, header, archive.where);
    const std::size_t position = archive.members.size();
    if (!archive.index.emplace(header.name, position).second)
      refuse(archive.where, member_named(header.name) + " occurs twice");
    extents.push_back({header.offset, placement.end, position});
    archive.members.push_back(
        {std::string(header.name),
         bytes.part(static_cast<std::size_t>(placement.data), static_cast<std::size_t>(header.stored_size)),
         header.checksum, header.method == method_stored, header.method == method_deflated, header.size});
  }
  if (archive.members.size() != directory.count)
    refuse(archive.where, "the archive lies about its number of members");
  refuse_overlaps(std::move(extents), archive);
  return archive;
}

Data read_member(const ZipArchive& archive, const ZipMember& member) {
  if (!member.stored)
    throw Error(ErrorCode::model,
                member_named(member.name) +
                    " is compressed, which torch.save never does: load and save the file with torch again",
                archive.where);
  const ByteView bytes = member.data.bytes();
  const auto checksum = crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  if (checksum != member.checksum)
    refuse(archive.where, member_named(member.name) + " has a wrong checksum (CRC-32)");
  return member.data;
}

}  // namespace calib8
