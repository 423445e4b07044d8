#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "quantize/rounding/layer_inputs.h"
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
  /// What they meet, in each layer that reads them; empty where that isn't known.
  std::vector<const LayerInputs*> inputs = {};
  /// Each of these layers has a bias, which takes over what rounding adds to its outputs' means.
  bool bias_takes_mean = false;
};

/// Where the weights of one filter lie: `count` elements from `first` on, `step` apart.
struct Filter {
  std::size_t first, step, count;
};
Filter filter_of(const WeightsToRound& task, std::size_t index);
std::size_t filter_count(const WeightsToRound& task);

/// A way to turn weights into int8 levels in [-127, 127]. A new one is a file beside this and a row in
/// rounding.cpp.
struct RoundingMethod {
  std::string_view name;
  std::vector<std::int8_t> (*round)(const WeightsToRound& task);
};

std::span<const RoundingMethod> rounding_methods();

/// Fails with ErrorCode::internal where there is none of that name.
const RoundingMethod& rounding_method(std::string_view name);

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

/// Second-order rounding: one weight after the other goes to the level that leaves the least error of the
/// layer's outputs, given those before it and the freedom of those behind it. With H the second moments of
/// the inputs, E the rounding errors of a filter and H = U D U^T, E^T H E is sum_k D_k (e_k + sum_{i<k} U_ik
/// e_i)^2; each e_k is chosen in turn, in the order of falling H_kk. This is GPTQ (Frantar et al. 2022), in
/// the form of LDLQ (Chee et al. 2023, "QuIP", theorem 6: both are the same). Where the bias takes the mean,
/// H is the covariance. Filters longer than 1280 weights are rounded in parts by themselves, whole channels
/// together. Without inputs, or with fewer rows than a quarter of the weights, as round_correlated().
std::vector<std::int8_t> round_second_order(const WeightsToRound& task);

/// What rounding takes from the mean of each filter's outputs on these inputs: the bias should give it back.
std::vector<double> mean_lost(const WeightsToRound& task, std::span<const std::int8_t> levels,
                              const LayerInputs& inputs);

/// The nearest levels, and what rounding took away from each weight, in levels.
struct NearestLevels {
  std::vector<std::int8_t> levels;
  std::vector<float> errors;
};
NearestLevels nearest_levels(const WeightsToRound& task);

}  // namespace calib8
