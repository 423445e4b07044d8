#pragma once

#include "read/onnx/onnx_upgrade.h"

namespace calib8 {

/// Operators that are younger than onnx_opset, in its words.

/// 24: x * sigmoid(alpha x).
void replace_swish(OnnxNode& node, OnnxUpgrade& upgrade);
/// 23: x / sqrt(mean of its squares + epsilon) * scale.
void replace_root_mean_square(OnnxNode& node, OnnxUpgrade& upgrade);
/// 21: factor and offset per channel; until then, per group.
void replace_group_normalization(OnnxNode& node, OnnxUpgrade& upgrade);

}  // namespace calib8
