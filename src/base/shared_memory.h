#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/descriptor.h"

namespace calib8 {

/// An empty file without a name, in memory, for another process to write into or to map. Fails with
/// ErrorCode::runtime where the system has no memory or descriptor left.
Descriptor make_memory_file();

/// Memory that another process can map too, by its descriptor: zeroed, aligned to a page, and free of charge
/// where it isn't touched. It goes when the last process lets go of it.
class SharedMemory {
 public:
  /// Fails with ErrorCode::runtime where the system has no memory or descriptor left.
  static std::shared_ptr<SharedMemory> create(std::size_t size);
  /// Memory that another process made. Fails with ErrorCode::runtime where it holds fewer bytes than `size`;
  /// it can't shrink from now on.
  static std::shared_ptr<SharedMemory> adopt(Descriptor descriptor, std::size_t size);
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  std::span<std::byte> bytes() const { return bytes_; }
  int descriptor() const { return descriptor_.get(); }

 private:
  SharedMemory(Descriptor descriptor, std::size_t size);

  Descriptor descriptor_;
  std::span<std::byte> bytes_;
};

/// A file made of parts that lie one behind the other, each from the beginning of a piece of shared memory.
/// All parts but the last are whole pages, so that a process can map them as one. Copying it copies no bytes.
struct SharedFile {
  struct Part {
    std::shared_ptr<const SharedMemory> memory;
    std::size_t size = 0;  ///< Bytes.
  };
  std::vector<Part> parts;

  std::size_t size() const;
};

/// Copies bytes into shared memory.
SharedFile share(ByteView bytes);

/// Bytes of a page, to which the parts of a SharedFile are rounded up.
inline constexpr std::size_t page_size = 4096;

}  // namespace calib8
