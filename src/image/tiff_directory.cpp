#include "image/tiff_directory.h"

#include <array>
#include <cstring>
#include <string_view>

#include "image/file_numbers.h"

namespace calib8 {
namespace {

/// Bytes of a value of a TIFF field type; 0 for types that don't exist.
std::size_t value_size(std::uint64_t type) {
  constexpr std::array<std::size_t, 19> kSizes = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 0, 0};
  return type < kSizes.size() ? kSizes[type] : 0;
}

bool is_whole_number(std::uint64_t type) {
  return type == 3 || type == 4 || type == 6 || type == 8 || type == 9 || type == 13 || type == 16;
}

}  // namespace

std::optional<std::uint64_t> find_tiff_number(ByteView file, std::uint64_t tag) {
  if (file.size() < 8) return std::nullopt;
  const std::string_view head(reinterpret_cast<const char*>(file.data()), 4);
  const FileNumbers tiff{file, head[0] == 'M'};
  const std::uint64_t version = *tiff.at(2, 2);
  const bool big = version == 43;
  if ((head.substr(0, 2) != "II" && head.substr(0, 2) != "MM") || (version != 42 && !big))
    return std::nullopt;

  // BigTIFF has numbers of 8 bytes where classic TIFF has 4 (and 2 for the number of entries).
  const std::size_t word = big ? 8 : 4;
  const std::size_t count_size = big ? 8 : 2;
  const std::size_t entry_size = 4 + 2 * word;
  const auto directory = tiff.at(big ? 8 : 4, word);
  const auto count = directory ? tiff.at(*directory, count_size) : std::nullopt;
  std::uint64_t total = 0;
  for (std::uint64_t i = 0; count && i < *count; ++i) {
    const std::size_t entry = *directory + count_size + entry_size * i;
    if (!tiff.has(entry, entry_size)) break;
    const std::uint64_t type = *tiff.at(entry + 2, 2);
    const std::uint64_t values = *tiff.at(entry + 4, word);
    if (values > file.size()) continue;
    const std::uint64_t size = values * value_size(type);
    std::size_t offset = entry + 4 + word;
    if (size > word) {
      total += size;
      if (total > file.size()) continue;
      offset = *tiff.at(offset, word);
      if (!tiff.has(offset, size)) break;
    }
    if (size == 0 || *tiff.at(entry, 2) != tag) continue;
    return is_whole_number(type) ? *tiff.at(offset, value_size(type)) : 0;
  }
  return std::nullopt;
}

}  // namespace calib8
