#pragma once

#include <cstdint>
#include <span>
#include <string_view>
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

/// Weights and all that a method may know about them.
struct WeightsToRound {
  const Tensor& weights;  ///< [O, H, W, I] with axis 0, or [1, H, W, O] with axis 3, or a matrix [O, I].
  const Quantization& quantization;  ///< One scale per index of its axis, or one in all; zero points 0.
  Correlation correlation = Correlation::none;
};

/// A way to turn weights into int8 levels in [-127, 127]. A new one is a file beside this and a row in
/// rounding.cpp.
struct RoundingMethod {
  std::string_view name;
  std::vector<std::int8_t> (*round)(const WeightsToRound& task);
};

std::span<const RoundingMethod> rounding_methods();

/// What is used where nothing else is asked for.
const RoundingMethod& default_rounding();

/// Each weight goes to the nearest level, ties to even.
std::vector<std::int8_t> round_to_nearest(const WeightsToRound& task);

/// As round_to_nearest(); then, within each group of correlated weights, as few as possible take their second
/// nearest level so that the sum of the rounding errors is at most half a level. Band-pass filters on a
/// nearly constant picture otherwise answer to its brightness, which costs more than all other weight errors
/// of a stem. Minimizes sum(e_j^2) + c * sum(e_j)^2 for large c: the quadratic form of GPTQ (Frantar et al.
/// 2022) with the inputs' correlation taken as 1 within a group instead of measured.
std::vector<std::int8_t> round_correlated(const WeightsToRound& task);

/// The nearest levels, and what rounding took away from each weight, in levels.
struct NearestLevels {
  std::vector<std::int8_t> levels;
  std::vector<float> errors;
};
NearestLevels nearest_levels(const WeightsToRound& task);

}  // namespace calib8
