#pragma once

#include <string>
#include <vector>

#include "image/preprocess.h"

namespace calib8 {

/// A preprocessing that training may have used in place of the declared one.
struct Mistake {
  std::string name;  ///< "BGR channel order"
  Preprocessing preprocessing;
};

/// What is usually mixed up with `declared`, one step changed at a time: the channel order, the values
/// (ImageNet's mean and std, 0..1, 0..255, -1..1, inverted), crop against plain resize, and the antialiasing.
std::vector<Mistake> usual_mistakes(const Preprocessing& declared);

/// The flags that make `declared` into `wanted`: "--channel-order bgr --crop 0.875". Knows the steps that
/// usual_mistakes() changes.
std::string flags_for(const Preprocessing& declared, const Preprocessing& wanted);

/// Whether fit_image() gives the same for both.
bool same_geometry(const Preprocessing& a, const Preprocessing& b);

}  // namespace calib8
