#pragma once

#include <cstddef>
#include <optional>

#include "base/range.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// What an ADD of a mask in front of a SOFTMAX has to hold, so that what the mask leaves keeps its levels.
struct SoftmaxMask {
  std::size_t constant = 1;  ///< The position of the mask among the operator's inputs.
  Range values;              ///< Of the mask: its lowest elements, -1e9 and the like, count as `values.low`.
  float lowest_sum = 0;      ///< All that is masked may be taken for that.
};

/// A mask, where the operator adds one: a constant some of whose elements are so far below the highest of
/// their row that, whatever within `other` stands in the other operand, the SOFTMAX behind makes nothing of
/// them. `levels` is how many steps the quantized SOFTMAX tells between 0 and 1: all that is masked in a row
/// together weighs less than one of them. A row that is masked as a whole has no right answer.
std::optional<SoftmaxMask> softmax_mask(const TfliteGraph& graph, OperatorId id, Range other, double levels);

/// The scores, where a SELECT_V2 in front of a SOFTMAX has a constant in place of those that are masked;
/// absent otherwise.
TensorId scores_of_masking_select(const TfliteGraph& graph, OperatorId id);

/// How far below the lowest score a whole row of masked elements weighs less than one of `levels` steps.
double masked_distance(std::size_t row, double levels);

}  // namespace calib8
