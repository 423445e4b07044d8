#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace calib8 {

/// Whole numbers at any place of a file, without alignment.
struct FileNumbers {
  ByteView file;
  bool big_endian = false;

  bool has(std::size_t offset, std::size_t size) const {
    return offset <= file.size() && file.size() - offset >= size;
  }

  /// The unsigned number of `size` (1 to 8) bytes at `offset`, or none where the file ends before it does.
  std::optional<std::uint64_t> at(std::size_t offset, std::size_t size) const {
    if (!has(offset, size)) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      value = value << 8 | std::to_integer<std::uint64_t>(file[offset + (big_endian ? i : size - 1 - i)]);
    }
    return value;
  }
};

}  // namespace calib8
