#pragma once

#include <vector>

#include "ops/onnx_op.h"

namespace calib8 {

/// Folding of elementwise arithmetic on float32, float64, int32 and int64: in the tensor's own type, as ONNX
/// Runtime does; integers wrap around, integer division truncates. Tensors of other types, and results that
/// are too large (strided.h), are not folded: the functions return no tensor.

std::vector<Tensor> fold_add(const NodeView& view);
std::vector<Tensor> fold_sub(const NodeView& view);
std::vector<Tensor> fold_mul(const NodeView& view);
/// Fails with ErrorCode::model, naming the node, where integers are divided by zero.
std::vector<Tensor> fold_div(const NodeView& view);
/// Integers with the sign of the divisor, or of the dividend where the attribute fmod is 1; fails as fold_div
/// does.
std::vector<Tensor> fold_mod(const NodeView& view);
std::vector<Tensor> fold_pow(const NodeView& view);
std::vector<Tensor> fold_max(const NodeView& view);  ///< Of any number of inputs; NaN wins.
std::vector<Tensor> fold_min(const NodeView& view);

std::vector<Tensor> fold_sqrt(const NodeView& view);
std::vector<Tensor> fold_exp(const NodeView& view);
std::vector<Tensor> fold_log(const NodeView& view);
std::vector<Tensor> fold_neg(const NodeView& view);
std::vector<Tensor> fold_abs(const NodeView& view);
std::vector<Tensor> fold_reciprocal(const NodeView& view);
std::vector<Tensor> fold_floor(const NodeView& view);
std::vector<Tensor> fold_ceil(const NodeView& view);
std::vector<Tensor> fold_round(const NodeView& view);  ///< Halves to even.
std::vector<Tensor> fold_sign(const NodeView& view);
std::vector<Tensor> fold_sin(const NodeView& view);
std::vector<Tensor> fold_cos(const NodeView& view);
std::vector<Tensor> fold_erf(const NodeView& view);

}  // namespace calib8
