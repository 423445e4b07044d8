#pragma once

#include <string>
#include <string_view>

#include "calib8/choices.h"

namespace calib8 {

/// A way to make an integer model.
struct Recipe {
  CalibrationMethod ranges = CalibrationMethod::mse;
  std::string_view rounding = "correlated";  ///< A RoundingMethod's name.
  bool bias = false;       ///< Biases are corrected by what the integer model is measured to be off.
  bool gain = false;       ///< And so are the scales of weights.
  bool equalized = false;  ///< Channels are scaled to like size.
  bool pixels = false;     ///< The model takes pixels.
  bool mixed = false;      ///< What harms most in integers computes in float.

  friend bool operator==(const Recipe&, const Recipe&) = default;
};

/// "ranges mse, second-order rounding, bias corrected"
std::string describe(const Recipe& recipe);

}  // namespace calib8
