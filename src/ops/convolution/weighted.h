#pragma once

#include "ops/tflite_op.h"

namespace calib8 {

/// Which inputs of an operator are its data, weights and bias, and along which axis of the weights its
/// channels lie.
struct WeightedInputs {
  std::size_t data, weights, bias;
  std::int32_t axis;
  bool bias_optional = false;
  bool hybrid = false;  ///< int8 weights on float32 data are taken too.
};

/// True where LiteRT's XNNPACK delegate takes an operator with weights: all float32, or int8 with static int8
/// weights of zero point 0 (one scale or one per channel), an int32 bias of as many scales, and every
/// input scale * weight scale / output scale below 256 (from where the delegate fails to load the model).
bool xnnpack_takes_weighted(const TfliteGraph& graph, const TfliteOperator& op, const WeightedInputs& inputs);

}  // namespace calib8
