#include "base/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include "calib8/error.h"

namespace calib8 {
namespace {

[[noreturn]] void fail(std::size_t size, int error) {
  throw Error(ErrorCode::runtime, "the system gives no shared memory of " + std::to_string(size) +
                                      " bytes: " + std::generic_category().message(error));
}

}  // namespace

Descriptor make_memory_file() {
  Descriptor file =
      above_standard_streams(Descriptor(::memfd_create("calib8", MFD_CLOEXEC | MFD_ALLOW_SEALING)));
  if (!file) fail(0, errno);
  return file;
}

SharedMemory::SharedMemory(Descriptor descriptor, std::size_t size) : descriptor_(std::move(descriptor)) {
  if (size == 0) return;
  void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_.get(), 0);
  if (memory == MAP_FAILED) fail(size, errno);
  bytes_ = {static_cast<std::byte*>(memory), size};
}

SharedMemory::~SharedMemory() {
  if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

std::shared_ptr<SharedMemory> SharedMemory::create(std::size_t size) {
  Descriptor descriptor = make_memory_file();
  if (::ftruncate(descriptor.get(), static_cast<off_t>(size)) != 0) fail(size, errno);
  return std::shared_ptr<SharedMemory>(new SharedMemory(std::move(descriptor), size));
}

std::shared_ptr<SharedMemory> SharedMemory::adopt(Descriptor descriptor, std::size_t size) {
  struct stat status {};
  // Sealed before it is measured: memory that shrinks while it is mapped ends the process that reads it.
  if (::fcntl(descriptor.get(), F_ADD_SEALS, F_SEAL_SHRINK) != 0 || ::fstat(descriptor.get(), &status) != 0)
    fail(size, errno);
  if (status.st_size < 0 || static_cast<std::size_t>(status.st_size) < size) fail(size, EINVAL);
  return std::shared_ptr<SharedMemory>(new SharedMemory(std::move(descriptor), size));
}

std::size_t SharedFile::size() const {
  std::size_t size = 0;
  for (const Part& part : parts) size += part.size;
  return size;
}

SharedFile share(ByteView bytes) {
  auto memory = SharedMemory::create(bytes.size());
  if (!bytes.empty()) std::memcpy(memory->bytes().data(), bytes.data(), bytes.size());
  return {{{std::move(memory), bytes.size()}}};
}

}  // namespace calib8
