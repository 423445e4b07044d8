#include "image/place_box.h"

#include <algorithm>

namespace calib8 {
namespace {

struct Range {
  double begin, end;
};

/// Along one axis: a part of the picture, in shares, as shares of the input.
Range place(double centre, double size, std::int64_t resized, std::int64_t offset, int input) {
  const auto position = [&](double share) {
    const double pixel =
        std::clamp(share, 0.0, 1.0) * static_cast<double>(resized) + static_cast<double>(offset);
    return std::clamp(pixel / input, 0.0, 1.0);
  };
  return {position(centre - size / 2), position(centre + size / 2)};
}

}  // namespace

std::optional<Box> place_box(const Box& box, int height, int width, const Preprocessing& p) {
  const Placement placement = placement_of(height, width, p);
  const Range x = place(double{box.x}, double{box.width}, placement.width, placement.left, p.width);
  const Range y = place(double{box.y}, double{box.height}, placement.height, placement.top, p.height);
  if (!(x.end > x.begin) || !(y.end > y.begin)) return std::nullopt;
  return Box{box.class_index, static_cast<float>((x.begin + x.end) / 2),
             static_cast<float>((y.begin + y.end) / 2), static_cast<float>(x.end - x.begin),
             static_cast<float>(y.end - y.begin)};
}

}  // namespace calib8
