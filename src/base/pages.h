#pragma once

#include <cstddef>
#include <memory>

namespace calib8 {

/// Zeroed memory by the page, for blocks of many megabytes: aligned to a page at least, huge pages where the
/// system has them, and what isn't touched costs nothing. Fails with std::bad_alloc.
std::shared_ptr<std::byte> allocate_pages(std::size_t size);

}  // namespace calib8
