#include "array_samples/array_file.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <span>

#include "base/interrupt.h"
#include "calib8/error.h"
#include "container/zip.h"

namespace calib8 {
namespace {

/// An array that must be unpacked and is larger than this is refused: it fills the disk.
constexpr std::uint64_t kMostUnpacked = std::uint64_t{4} << 30;
constexpr std::size_t kBlock = std::size_t{1} << 18;

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& message) {
  throw Error(ErrorCode::dataset, message, path.string());
}

struct InflateState {
  InflateState() {
    if (::inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw Error(ErrorCode::internal, "zlib doesn't start");
  }
  ~InflateState() { ::inflateEnd(&stream); }
  InflateState(const InflateState&) = delete;
  InflateState& operator=(const InflateState&) = delete;
  z_stream stream{};
};

/// Unpacks a part of a file, block by block, until `sink` returns false; never more than `size` bytes.
/// Returns whether all came and its checksum is right.
bool inflate_part(const InputFile& file, std::uint64_t offset, std::uint64_t stored_size, std::uint64_t size,
                  std::uint32_t checksum, const std::function<bool(ByteView)>& sink) {
  InflateState state;
  std::vector<std::byte> out(kBlock);
  std::uint64_t unpacked = 0;
  auto crc = ::crc32_z(0, nullptr, 0);
  int status = Z_OK;
  for (std::uint64_t read = 0; status != Z_STREAM_END && read < stored_size;) {
    throw_if_interrupted();
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, stored_size - read));
    std::vector<std::byte> in = file.read(offset + read, count);
    read += count;
    state.stream.next_in = reinterpret_cast<Bytef*>(in.data());
    state.stream.avail_in = static_cast<uInt>(in.size());
    while (status != Z_STREAM_END) {
      state.stream.next_out = reinterpret_cast<Bytef*>(out.data());
      state.stream.avail_out = static_cast<uInt>(out.size());
      status = ::inflate(&state.stream, Z_NO_FLUSH);
      const std::size_t produced = out.size() - state.stream.avail_out;
      if ((status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) || produced > size - unpacked)
        return false;
      unpacked += produced;
      crc = ::crc32_z(crc, reinterpret_cast<const Bytef*>(out.data()), produced);
      if (produced > 0 && !sink(ByteView(out).first(produced))) return false;
      if (produced < out.size()) break;  // all of `in` was taken
    }
  }
  return status == Z_STREAM_END && unpacked == size && crc == checksum;
}

std::uint32_t checksum_of(const InputFile& file, std::uint64_t offset, std::uint64_t size) {
  auto crc = ::crc32_z(0, nullptr, 0);
  for (std::uint64_t done = 0; done < size; done += kBlock) {
    throw_if_interrupted();
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, size - done));
    const std::vector<std::byte> bytes = file.read(offset + done, count);
    crc = ::crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  }
  return static_cast<std::uint32_t>(crc);
}

std::string names_of(const auto& members) {
  std::string names;
  for (const auto& [name, member] : members) names += (names.empty() ? "" : ", ") + name;
  return names.substr(0, 200);
}

/// [N, C, H, W] -> [N, H, W, C], whose shape is `shape`.
std::vector<float> to_channels_last(const std::vector<float>& values, const Shape& shape) {
  const auto channels = static_cast<std::size_t>(shape[3]),
             pixels = static_cast<std::size_t>(shape[1] * shape[2]);
  std::vector<float> moved(values.size());
  for (std::size_t image = 0; image < values.size(); image += channels * pixels) {
    for (std::size_t channel = 0; channel < channels; ++channel) {
      for (std::size_t pixel = 0; pixel < pixels; ++pixel)
        moved[image + pixel * channels + channel] = values[image + channel * pixels + pixel];
    }
  }
  return moved;
}

/// Elements of a sample whose first index runs fastest, with the last one fastest.
std::vector<float> to_row_major(const std::vector<float>& values, const Shape& shape) {
  std::vector<float> ordered(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::size_t rest = i, position = 0;
    for (const std::int64_t side : shape) {
      position = position * static_cast<std::size_t>(side) + rest % static_cast<std::size_t>(side);
      rest /= static_cast<std::size_t>(side);
    }
    ordered[position] = values[i];
  }
  return ordered;
}

/// A batch in Fortran's order holds the first element of all rows, then the second of all, and so on: many
/// rows are gathered at a time, each element's with one read.
void gather_rows(std::size_t rows, std::size_t elements, std::size_t width,
                 const std::function<void(std::uint64_t offset, std::span<std::byte> bytes)>& read,
                 SpoolFile& spool) {
  constexpr std::size_t most_bytes = std::size_t{64} << 20;
  const std::size_t row_size = elements * width;
  const std::size_t at_once = std::clamp<std::size_t>(most_bytes / row_size, 1, rows);
  std::vector<std::byte> gathered(at_once * row_size), run(at_once * width);
  for (std::size_t first = 0; first < rows; first += at_once) {
    throw_if_interrupted();
    const std::size_t count = std::min(at_once, rows - first);
    for (std::size_t i = 0; i < elements; ++i) {
      read((static_cast<std::uint64_t>(i) * rows + first) * width, std::span(run).first(count * width));
      for (std::size_t row = 0; row < count; ++row)
        std::memcpy(gathered.data() + row * row_size + i * width, run.data() + row * width, width);
    }
    spool.append(ByteView(gathered).first(count * row_size));
  }
}

}  // namespace

ArrayFile::ArrayFile(const std::filesystem::path& path, const std::vector<ArrayInput>& inputs,
                     const std::shared_ptr<SpoolFile>& spool)
    : path_(path), spool_(spool) {
  const InputFile file(path, ErrorCode::dataset);
  bool is_zip = false;
  std::map<std::string, Member> found = open_members(file, is_zip);
  for (const ArrayInput& input : inputs) {
    auto member = found.find(input.name);
    if (member == found.end() && inputs.size() == 1 && found.size() == 1) member = found.begin();
    if (member == found.end()) {
      refuse(path, fmt::format("holds no array named '{}' for that input of the model; it holds {}",
                               input.name, is_zip ? names_of(found) : "one array without a name"));
    }
    fit(member->second, input.name, input);
    members_.emplace(input.name, member->second);
    shapes_.emplace(input.name, input.shape);
  }
  for (auto& [name, member] : members_) {
    if (!member.deflated && is_zip && checksum_of(file, member.offset, member.size) != member.checksum)
      refuse(path, fmt::format("array '{}' is damaged: its checksum (CRC-32) is wrong", name));
    if (rows_ > 1) spool_rows(member, name, file, *spool);
  }
}

void ArrayFile::spool_rows(Member& member, const std::string& name, const InputFile& file,
                           SpoolFile& spool) const {
  const NpyHeader& header = member.header;
  const bool scattered = header.fortran_order && member.is_batch;
  if (scattered && header.data_size() > kMostUnpacked) {
    refuse(path_, fmt::format("an array in Fortran's order of {} bytes, over the limit of {} for that: save "
                              "it in C's order (np.ascontiguousarray)",
                              header.data_size(), kMostUnpacked));
  }
  std::function<void(std::uint64_t, std::span<std::byte>)> read = [&](std::uint64_t offset,
                                                                      std::span<std::byte> bytes) {
    file.read(member.offset + header.data_offset + offset, bytes);
  };
  SpoolFile unpacked;  // what is only gathered from is gone afterwards
  if (member.deflated) {
    SpoolFile& target = scattered ? unpacked : spool;
    const std::uint64_t begin = target.size() + header.data_offset;
    const bool whole = inflate_part(file, member.offset, member.stored_size, member.size, member.checksum,
                                    [&](ByteView bytes) {
                                      target.append(bytes);
                                      return true;
                                    });
    if (!whole) refuse(path_, fmt::format("array '{}' is damaged", name));
    if (!scattered) member.spooled = begin;
    read = [&unpacked, begin](std::uint64_t offset, std::span<std::byte> bytes) {
      unpacked.read(begin + offset, bytes);
    };
  }
  if (!scattered) return;
  const std::uint64_t begin = spool.size();
  const std::size_t width = size_of(header.dtype);
  gather_rows(rows_, static_cast<std::size_t>(header.data_size() / width) / rows_, width, read, spool);
  member.spooled = begin;
}

std::map<std::string, Shape> array_shapes(const std::filesystem::path& path) {
  const InputFile file(path, ErrorCode::dataset);
  bool is_zip = false;
  std::map<std::string, Shape> shapes;
  for (const auto& [name, member] : ArrayFile(path).open_members(file, is_zip))
    shapes.emplace(name, member.header.shape);
  return shapes;
}

std::map<std::string, ArrayFile::Member> ArrayFile::open_members(const InputFile& file, bool& is_zip) const {
  const std::vector<std::byte> start = file.read_at_most(0, kMostNpyHeader);
  is_zip = start.size() >= 4 && start[0] == std::byte{'P'} && start[1] == std::byte{'K'};
  if (is_zip) return open_npz(file);
  Member member;
  member.header = read_npy_header(start, file.size(), path_.string());
  member.size = member.stored_size = file.size();
  std::map<std::string, Member> found;
  found.emplace("", member);
  return found;
}

std::map<std::string, ArrayFile::Member> ArrayFile::open_npz(const InputFile& file) const {
  std::map<std::string, Member> found;
  try {
    const Data bytes = map_file(path_);  // for its directory only
    const ZipArchive archive = open_zip(bytes, path_.string());
    for (const ZipMember& packed : archive.members) {
      std::string name = packed.name;
      if (!name.ends_with(".npy")) continue;
      name.resize(name.size() - 4);
      if (!packed.stored && !packed.deflated)
        refuse(path_, "array '" + name + "' is compressed in an unknown way");
      if (packed.deflated && packed.size > kMostUnpacked) {
        refuse(path_,
               fmt::format("array '{}' claims {} bytes unpacked, over the limit of {}: save it with np.savez",
                           name, packed.size, kMostUnpacked));
      }
      Member member;
      member.offset = static_cast<std::uint64_t>(packed.data.bytes().data() - bytes.bytes().data());
      member.stored_size = packed.data.size();
      member.size = packed.size;
      member.checksum = packed.checksum;
      member.deflated = packed.deflated;
      found.emplace(name, member);
    }
  } catch (const Error& error) {
    if (error.code() == ErrorCode::model) throw Error(ErrorCode::dataset, error.message(), error.where());
    throw;
  }
  if (found.empty()) refuse(path_, "holds no array");
  for (auto& [name, member] : found) {
    std::vector<std::byte> start;
    if (member.deflated) {
      inflate_part(file, member.offset, member.stored_size, member.size, member.checksum,
                   [&](ByteView bytes) {
                     start.insert(start.end(), bytes.begin(), bytes.end());
                     return start.size() < kMostNpyHeader;
                   });
      if (start.empty()) refuse(path_, fmt::format("array '{}' is damaged", name));
    } else {
      start = file.read_at_most(
          member.offset, static_cast<std::size_t>(std::min<std::uint64_t>(kMostNpyHeader, member.size)));
    }
    if (start.size() > kMostNpyHeader) start.resize(kMostNpyHeader);
    member.header = read_npy_header(start, member.size, path_.string() + ", array '" + name + "'");
  }
  return found;
}

void ArrayFile::fit(Member& member, const std::string& name, const ArrayInput& input) {
  const Shape& shape = member.header.shape;
  // A model that takes one sample at a time has a first size that arrays may leave out, or count samples
  // with; one that takes several has all of them in each sample.
  const bool is_single = !input.shape.empty() && input.shape[0] == 1;
  const Shape wanted(input.shape.begin() + (is_single ? 1 : 0), input.shape.end());
  member.is_batch = shape.size() == wanted.size() + 1;
  const Shape sample(shape.begin() + (member.is_batch ? 1 : 0), shape.end());
  const bool has_image = input.shape.size() == 4;
  Shape first = wanted;
  if (has_image) std::rotate(first.end() - 3, first.end() - 1, first.end());
  const bool both_ways = has_image && first == wanted && sample == wanted && wanted.back() > 1;
  ambiguous_ = ambiguous_ || both_ways;
  member.channels_first = both_ways ? input.channels_first : has_image && sample != wanted && sample == first;
  if (sample != wanted && !member.channels_first) {
    refuse(path_, fmt::format("an array {} doesn't fit the model's input '{}' {}: it must be that, {}",
                              to_string(shape), name, to_string(input.shape),
                              is_single ? "without its first size, or with any other first size"
                                        : "or several of them with their number in front"));
  }
  const std::size_t rows = member.is_batch ? static_cast<std::size_t>(shape[0]) : 1;
  if (rows_ != 0 && rows != rows_) refuse(path_, "its arrays hold different numbers of samples");
  rows_ = rows;
  if (member.deflated && member.size != member.header.data_offset + member.header.data_size())
    refuse(path_, fmt::format("array '{}' is not as large as the archive claims", name));
}

bool ArrayFile::holds_integers() const {
  return std::any_of(members_.begin(), members_.end(),
                     [](const auto& member) { return !is_floating(member.second.header.dtype); });
}

std::vector<float> ArrayFile::read_row_of(const Member& member, const InputFile& file,
                                          std::size_t row) const {
  const NpyHeader& header = member.header;
  const auto row_size =
      static_cast<std::size_t>(header.data_size() / (member.is_batch ? header.shape[0] : 1));
  std::vector<std::byte> bytes(row_size);
  if (member.spooled) {
    spool_->read(*member.spooled + row * row_size, bytes);
  } else if (member.deflated) {
    std::vector<std::byte> all;
    const bool whole = inflate_part(file, member.offset, member.stored_size, member.size, member.checksum,
                                    [&](ByteView part) {
                                      all.insert(all.end(), part.begin(), part.end());
                                      return true;
                                    });
    if (!whole) refuse(path_, "an array in it is damaged");
    std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(header.data_offset), row_size, bytes.begin());
  } else {
    file.read(member.offset + header.data_offset + row * row_size, bytes);
  }
  std::vector<float> values = npy_to_float(header, bytes);
  if (!header.fortran_order) return values;
  return to_row_major(values, Shape(header.shape.begin() + (member.is_batch ? 1 : 0), header.shape.end()));
}

std::map<std::string, std::vector<float>> ArrayFile::read_row(std::size_t row) const {
  const InputFile file(path_, ErrorCode::dataset);
  std::map<std::string, std::vector<float>> values;
  for (const auto& [name, member] : members_) {
    std::vector<float> read = read_row_of(member, file, row);
    if (member.channels_first) read = to_channels_last(read, shapes_.at(name));
    values.emplace(name, std::move(read));
  }
  return values;
}

}  // namespace calib8
