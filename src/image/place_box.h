#pragma once

#include <optional>

#include "image/box.h"
#include "image/preprocess.h"

namespace calib8 {

/// A box of a picture of height x width pixels as fit_image() leaves it: in shares of the model's input, cut
/// at its edges. Nothing where the crop left nothing of it. A letterbox's padding has no part in it: a box
/// ends where the picture does.
std::optional<Box> place_box(const Box& box, int height, int width, const Preprocessing& preprocessing);

}  // namespace calib8
