#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace calib8 {

/// Appends a number in little-endian bytes.
template <class T>
void append_number(std::string& bytes, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
}

inline Data data_of(std::string_view text) {
  return Data::from_vector(std::vector<char>(text.begin(), text.end()));
}

/// A file of a test's archive. The lies are for tests of what is refused.
struct ArchiveMember {
  std::string name;
  std::string content;
  std::uint16_t method = 0;
  std::uint16_t flags = 0;
  std::uint32_t checksum_lie = 0;    // added to the checksum everywhere
  std::uint32_t local_size_lie = 0;  // added to the size in the local header
  int descriptor = 0;                // 0 none; otherwise bytes per size, 4 or 8
};

struct ArchiveOptions {
  bool zip64 = false;           // a ZIP64 end record, and sizes in extra fields of the directory
  std::uint16_t count_lie = 0;  // added to the number of members
  std::uint32_t size_lie = 0;   // added to the size of the directory
  std::string tail;             // bytes behind the archive
};

/// A ZIP archive written down byte by byte, independent of the reader.
inline std::string make_archive(const std::vector<ArchiveMember>& members,
                                const ArchiveOptions& options = {}) {
  std::string bytes;
  std::string directory;
  for (const ArchiveMember& member : members) {
    const auto checksum =
        static_cast<std::uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(member.content.data()),
                                         static_cast<uInt>(member.content.size()))) +
        member.checksum_lie;
    const auto size = static_cast<std::uint32_t>(member.content.size());
    const auto offset = static_cast<std::uint32_t>(bytes.size());
    const auto flags = static_cast<std::uint16_t>(member.flags | (member.descriptor != 0 ? 8 : 0));
    append_number<std::uint32_t>(bytes, 0x04034b50);
    append_number<std::uint16_t>(bytes, 20);
    append_number<std::uint16_t>(bytes, flags);
    append_number<std::uint16_t>(bytes, member.method);
    append_number<std::uint32_t>(bytes, 0);
    append_number<std::uint32_t>(bytes, member.descriptor != 0 ? 0 : checksum);
    append_number<std::uint32_t>(bytes, member.descriptor != 0 ? 0 : size + member.local_size_lie);
    append_number<std::uint32_t>(bytes, member.descriptor != 0 ? 0 : size + member.local_size_lie);
    append_number<std::uint16_t>(bytes, static_cast<std::uint16_t>(member.name.size()));
    append_number<std::uint16_t>(bytes, 0);
    bytes += member.name + member.content;
    if (member.descriptor != 0) {
      append_number<std::uint32_t>(bytes, 0x08074b50);
      append_number<std::uint32_t>(bytes, checksum);
      for (int i = 0; i < 2; ++i) {
        if (member.descriptor == 4) append_number<std::uint32_t>(bytes, size);
        if (member.descriptor == 8) append_number<std::uint64_t>(bytes, size);
      }
    }

    append_number<std::uint32_t>(directory, 0x02014b50);
    append_number<std::uint32_t>(directory, 20);
    append_number<std::uint16_t>(directory, flags);
    append_number<std::uint16_t>(directory, member.method);
    append_number<std::uint32_t>(directory, 0);
    append_number<std::uint32_t>(directory, checksum);
    append_number<std::uint32_t>(directory, options.zip64 ? 0xffffffff : size);
    append_number<std::uint32_t>(directory, options.zip64 ? 0xffffffff : size);
    append_number<std::uint16_t>(directory, static_cast<std::uint16_t>(member.name.size()));
    append_number<std::uint16_t>(directory, options.zip64 ? 28 : 0);
    append_number<std::uint64_t>(directory,
                                 0);  // comment, disk, internal attributes, half of the external ones
    append_number<std::uint16_t>(directory, 0);
    append_number<std::uint32_t>(directory, options.zip64 ? 0xffffffff : offset);
    directory += member.name;
    if (options.zip64) {
      append_number<std::uint16_t>(directory, 1);
      append_number<std::uint16_t>(directory, 24);
      append_number<std::uint64_t>(directory, size);
      append_number<std::uint64_t>(directory, size);
      append_number<std::uint64_t>(directory, offset);
    }
  }
  const std::uint64_t directory_offset = bytes.size();
  const std::uint64_t directory_size = directory.size() + options.size_lie;
  const auto count = static_cast<std::uint16_t>(members.size() + options.count_lie);
  bytes += directory;
  if (options.zip64) {
    const std::uint64_t record = bytes.size();
    append_number<std::uint32_t>(bytes, 0x06064b50);
    append_number<std::uint64_t>(bytes, 44);
    append_number<std::uint32_t>(bytes, 0);
    append_number<std::uint64_t>(bytes, 0);
    for (const std::uint64_t field :
         {std::uint64_t{count}, std::uint64_t{count}, directory_size, directory_offset})
      append_number<std::uint64_t>(bytes, field);
    append_number<std::uint32_t>(bytes, 0x07064b50);
    append_number<std::uint32_t>(bytes, 0);
    append_number<std::uint64_t>(bytes, record);
    append_number<std::uint32_t>(bytes, 1);
  }
  append_number<std::uint32_t>(bytes, 0x06054b50);
  append_number<std::uint32_t>(bytes, 0);
  append_number<std::uint16_t>(bytes, count);
  append_number<std::uint16_t>(bytes, count);
  append_number<std::uint32_t>(bytes,
                               options.zip64 ? 0xffffffff : static_cast<std::uint32_t>(directory_size));
  append_number<std::uint32_t>(bytes,
                               options.zip64 ? 0xffffffff : static_cast<std::uint32_t>(directory_offset));
  append_number<std::uint16_t>(bytes, 0);
  return bytes + options.tail;
}

}  // namespace calib8
