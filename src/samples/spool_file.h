#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"

namespace calib8 {

/// A temporary file without a name, for what comes in one order and must be read in any; made when something
/// is put into it. May be read from several threads.
class SpoolFile {
 public:
  SpoolFile() = default;
  ~SpoolFile();
  SpoolFile(const SpoolFile&) = delete;
  SpoolFile& operator=(const SpoolFile&) = delete;

  int descriptor() const { return descriptor_; }
  std::uint64_t size() const { return size_; }
  /// Fails with ErrorCode::dataset where the disk is full.
  void append(ByteView bytes);
  /// Fills `bytes` with what was put in from `offset` on. Fails with ErrorCode::dataset where it can't be
  /// read.
  void read(std::uint64_t offset, std::span<std::byte> bytes) const;

 private:
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace calib8
