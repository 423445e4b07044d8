#include "dataset/preprocess.h"

#include <fmt/format.h>

#include <cstdint>
#include <vector>

namespace calib8 {
namespace {

/// A channel's 256 possible values.
using Levels = std::array<float, 256>;

Levels levels_of(float mean, float deviation) {
  Levels levels;
  for (int value = 0; value < 256; ++value) {
    levels[static_cast<std::size_t>(value)] = (static_cast<float>(value) / 255.0f - mean) / deviation;
  }
  return levels;
}

}  // namespace

std::string describe(const Preprocessing& p) {
  return fmt::format(
      "resize to {}x{} (height x width, bilinear, antialiased), RGB, scale 1/255, mean [{}, {}, {}], "
      "std [{}, {}, {}]",
      p.height, p.width, p.mean[0], p.mean[1], p.mean[2], p.deviation[0], p.deviation[1], p.deviation[2]);
}

Tensor normalize(const Image& image, const Preprocessing& preprocessing) {
  std::array<Levels, 3> levels;
  for (std::size_t c = 0; c < 3; ++c)
    levels[c] = levels_of(preprocessing.mean[c], preprocessing.deviation[c]);
  std::vector<float> values(image.pixels.size());
  for (std::size_t i = 0; i < values.size(); i += 3) {
    values[i] = levels[0][image.pixels[i]];
    values[i + 1] = levels[1][image.pixels[i + 1]];
    values[i + 2] = levels[2][image.pixels[i + 2]];
  }
  return make_tensor<float>({1, image.height, image.width, 3}, std::move(values));
}

Tensor preprocess(const Image& image, const Preprocessing& preprocessing) {
  return normalize(resize(image, preprocessing.height, preprocessing.width, preprocessing.interpolation),
                   preprocessing);
}

}  // namespace calib8
