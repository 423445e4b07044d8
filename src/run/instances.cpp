#include "run/instances.h"

#include <algorithm>

namespace calib8 {

std::vector<int> share_threads(std::size_t model_bytes, int threads, std::size_t samples) {
  constexpr std::size_t most_bytes_in_all = std::size_t{256} << 20;  // two ResNet-50
  threads = std::max(threads, 1);
  const std::size_t fitting = std::min(samples, most_bytes_in_all / std::max<std::size_t>(model_bytes, 1));
  const int count = static_cast<int>(std::clamp<std::size_t>(fitting, 1, static_cast<std::size_t>(threads)));
  std::vector<int> shares(static_cast<std::size_t>(count), threads / count);
  for (int i = 0; i < threads % count; ++i) ++shares[static_cast<std::size_t>(i)];
  return shares;
}

}  // namespace calib8
