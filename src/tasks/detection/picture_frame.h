#pragma once

#include "tasks/detection/box.h"

namespace calib8 {

/// Where a picture lies in the model's input: resized, and padded (a letterbox) or cut.
struct PictureFrame {
  double height = 0, width = 0;                ///< Of the picture itself, pixels.
  double placed_height = 0, placed_width = 0;  ///< Of the resized picture, in the input's pixels,
  double top = 0, left = 0;                    ///< and where its corner lies there.
};

/// A box of the model's input as one of the picture, cut at its edges.
Corners to_picture(const Corners& in_input, const PictureFrame& frame);

}  // namespace calib8
