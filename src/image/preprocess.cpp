#include "image/preprocess.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <tuple>

#include "calib8/error.h"

namespace calib8 {
namespace {

/// A channel's 256 possible values.
using Levels = std::array<float, 256>;

Levels levels_of(float divisor, float mean, float deviation) {
  Levels levels;
  for (int value = 0; value < 256; ++value) {
    levels[static_cast<std::size_t>(value)] = (static_cast<float>(value) / divisor - mean) / deviation;
  }
  return levels;
}

std::vector<Levels> all_levels(const Preprocessing& p) {
  const auto channels = static_cast<std::size_t>(channel_count(p));
  if (p.mean.size() != channels || p.deviation.size() != channels)
    throw Error(ErrorCode::internal, "mean and std are not one per channel");
  std::vector<Levels> levels;
  for (std::size_t c = 0; c < channels; ++c)
    levels.push_back(levels_of(static_cast<float>(p.divisor), p.mean[c], p.deviation[c]));
  return levels;
}

/// Of a picture that was made gray: any channel is all of it.
std::vector<float> normalize_gray(const Image& image, const Levels& levels) {
  std::vector<float> values(image.pixels.size() / 3);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = levels[image.pixels[3 * i]];
  return values;
}

auto members(const Preprocessing& p) {
  return std::tie(p.height, p.width, p.interpolation, p.mean, p.deviation, p.library, p.resize_mode,
                  p.resize_height, p.resize_width, p.pad_value, p.channel_order, p.divisor,
                  p.exif_orientation, p.name);
}

}  // namespace

bool operator==(const Preprocessing& a, const Preprocessing& b) {
  return members(a) == members(b);
}

int channel_count(const Preprocessing& preprocessing) {
  return preprocessing.channel_order == ChannelOrder::gray ? 1 : 3;
}

Preprocessing for_input_size(Preprocessing p, int height, int width) {
  const auto scaled = [](int size, int from, int to) {
    return size == 0 ? 0 : static_cast<int>(std::max<std::int64_t>(1, std::int64_t{size} * to / from));
  };
  if (p.resize_mode == ResizeMode::shortest_side) {
    p.resize_height = scaled(p.resize_height, std::min(p.height, p.width), std::min(height, width));
  } else {
    p.resize_height = scaled(p.resize_height, p.height, height);
    p.resize_width = scaled(p.resize_width, p.width, width);
  }
  p.height = height;
  p.width = width;
  return p;
}

Tensor normalize(const Image& image, const Preprocessing& preprocessing) {
  const std::vector<Levels> levels = all_levels(preprocessing);
  if (preprocessing.channel_order == ChannelOrder::gray)
    return make_tensor<float>({1, image.height, image.width, 1}, normalize_gray(image, levels[0]));
  const std::size_t first = preprocessing.channel_order == ChannelOrder::bgr ? 2 : 0;
  std::vector<float> values(image.pixels.size());
  for (std::size_t i = 0; i < values.size(); i += 3) {
    values[i] = levels[0][image.pixels[i + first]];
    values[i + 1] = levels[1][image.pixels[i + 1]];
    values[i + 2] = levels[2][image.pixels[i + 2 - first]];
  }
  return make_tensor<float>({1, image.height, image.width, 3}, std::move(values));
}

Tensor preprocess(const Image& image, const Preprocessing& preprocessing) {
  return normalize(fit_image(image, preprocessing), preprocessing);
}

}  // namespace calib8
