#include <algorithm>

#include "read/architectures/architecture.h"

namespace calib8 {

std::int64_t make_divisible(double channels, std::int64_t divisor) {
  const double nearest = channels + static_cast<double>(divisor) / 2;
  std::int64_t rounded = std::max(divisor, static_cast<std::int64_t>(nearest) / divisor * divisor);
  if (static_cast<double>(rounded) < 0.9 * channels) rounded += divisor;
  return rounded;
}

}  // namespace calib8
