#include "recover/recipe.h"

namespace calib8 {

std::string describe(const Recipe& recipe) {
  std::string text = "ranges " + std::string(word_of(recipe.ranges));
  if (recipe.rounding == "second-order") text += ", second-order rounding";
  if (recipe.equalized) text += ", channels equalized";
  if (recipe.bias) text += recipe.gain ? ", gain and bias corrected" : ", bias corrected";
  if (recipe.pixels) text += ", pixels in";
  if (recipe.mixed) text += ", mixed precision";
  return text;
}

}  // namespace calib8
