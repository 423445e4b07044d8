#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace calib8 {

/// Sizes of a tensor, outermost dimension first. A scalar has none.
using Shape = std::vector<std::int64_t>;

/// Product of the sizes; nothing where a size is negative or the product exceeds 2^62.
std::optional<std::int64_t> element_count(std::span<const std::int64_t> shape);

/// "[1, 3, 224, 224]"
std::string to_string(std::span<const std::int64_t> shape);

}  // namespace calib8
