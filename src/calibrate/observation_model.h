#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "base/shared_memory.h"
#include "write/constant_block.h"

namespace calib8 {

/// The float model, written as a .tflite that gives out what calibration looks at.
struct ObservationModel {
  /// Positions of a tensor's extremes among the outputs, scalars. A tensor behind a fused RELU or RELU6 has
  /// no minimum: it isn't below zero, and a range reaches to zero anyway.
  struct Extremes {
    std::optional<std::size_t> minimum;
    std::size_t maximum = 0;
  };

  SharedFile file;
  std::vector<Extremes> extremes;  ///< Of each observed tensor.
  std::size_t first_exposed = 0;   ///< Position of exposed[0] among the outputs; the others follow.
  std::size_t first_output =
      0;  ///< Position of the model's own first output; the others follow, to the last.
};

/// Puts a REDUCE_MIN and a REDUCE_MAX behind each of `observed`, and gives out their results and the tensors
/// `exposed` themselves. The reductions are exact, cost half of looking at the tensors from outside, and need
/// no memory.
ObservationModel observation_model(const FloatModel& float_model, const std::vector<TensorId>& observed,
                                   const std::vector<TensorId>& exposed);

}  // namespace calib8
