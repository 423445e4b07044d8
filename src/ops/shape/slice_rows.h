#pragma once

#include <vector>

#include "ops/operator_view.h"

namespace calib8 {

std::vector<TensorType> infer_slice_tflite(const OperatorView& view);
std::vector<TensorType> infer_strided_slice(const OperatorView& view);

}  // namespace calib8
