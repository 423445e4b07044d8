#include "tasks/detection/picture_frame.h"

#include <algorithm>

namespace calib8 {
namespace {

float along(double position, double offset, double placed, double whole) {
  return static_cast<float>(std::clamp((position - offset) * whole / placed, 0.0, whole));
}

}  // namespace

Corners to_picture(const Corners& in_input, const PictureFrame& frame) {
  const auto x = [&](float position) { return along(position, frame.left, frame.placed_width, frame.width); };
  const auto y = [&](float position) {
    return along(position, frame.top, frame.placed_height, frame.height);
  };
  return {x(in_input.left), y(in_input.top), x(in_input.right), y(in_input.bottom)};
}

}  // namespace calib8
