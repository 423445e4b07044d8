#pragma once

#include <cstdint>
#include <vector>

#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// Which weights of a filter meet inputs that rise and fall together, so that their rounding errors add up
/// instead of averaging out.
enum class Correlation {
  none,             ///< Nothing is known: round each weight to the nearest level.
  taps_of_channel,  ///< Neighbouring pixels of one channel (any spatial kernel).
  whole_filter,     ///< Also across channels: red, green and blue of a photo.
};

/// int8 levels in [-127, 127] of weights with one scale per index of the quantization's axis: [O, H, W, I]
/// with axis 0, or [1, H, W, O] with axis 3, or a matrix [O, I] with axis 0.
///
/// Each weight goes to the nearest level; then, within each group of correlated weights, as few as possible
/// take their second nearest level so that the sum of the rounding errors is at most half a level. Band-pass
/// filters on a nearly constant picture otherwise answer to its brightness, which costs more than all other
/// weight errors of a stem. Minimizes sum(e_j^2) + c * sum(e_j)^2 for large c: the quadratic form of GPTQ
/// (Frantar et al. 2022) with the inputs' correlation taken as 1 within a group instead of measured.
std::vector<std::int8_t> round_weights(const Tensor& weights, const Quantization& quantization,
                                       Correlation correlation);

}  // namespace calib8
