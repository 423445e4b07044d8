#include "base/pages.h"

#include <sys/mman.h>

#include <new>

namespace calib8 {

std::shared_ptr<std::byte> allocate_pages(std::size_t size) {
  void* const memory =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  ::madvise(memory, size, MADV_HUGEPAGE);  // a wish: where it isn't granted, small pages serve
  return {static_cast<std::byte*>(memory), [size](std::byte* begin) { ::munmap(begin, size); }};
}

}  // namespace calib8
