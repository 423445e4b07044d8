#include "quantize/rounding/layer_inputs.h"

namespace calib8 {

std::vector<double> LayerInputs::mean(std::size_t group) const {
  std::vector<double> result(length, 0);
  if (count == 0) return result;
  if (rows.empty()) {
    for (std::size_t i = 0; i < length; ++i) result[i] = sums[group * length + i];
  } else {
    for (std::size_t position = 0; position < count; ++position) {
      const std::int16_t* row = rows.data() + (position * groups + group) * length;
      for (std::size_t i = 0; i < length; ++i) result[i] += row[i];
    }
  }
  for (double& value : result) value /= static_cast<double>(count);
  return result;
}

}  // namespace calib8
