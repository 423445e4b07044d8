#pragma once

#include "ops/all_ops.h"
#include "ops/file_options.h"
#include "ops/infer_tflite.h"
#include "ops/xnnpack.h"

namespace calib8 {

/// The row of an operator whose options are none, or read as none: what it doesn't say is as most have it.
template <class Op>
constexpr OpFamily::TfliteRow row_of(TfliteOp op) {
  op.name = Op::name;
  if (!op.read) op.read = read_plain<Op>;
  if (!op.runs_on_xnnpack) op.runs_on_xnnpack = xnnpack_never;
  return {alternative_of<Op>, op};
}

/// Kernels that broadcast know four dimensions (five where they say so), and any number where they needn't.
std::vector<TensorType> infer_broadcast_of_four(const OperatorView& view);
/// Likewise, of booleans, and making booleans of numbers.
std::vector<TensorType> infer_logic(const OperatorView& view);
std::vector<TensorType> infer_comparison(const OperatorView& view);

}  // namespace calib8
