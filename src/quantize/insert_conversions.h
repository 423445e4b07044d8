#pragma once

#include <vector>

#include "quantize/plan.h"

namespace calib8 {

/// Puts QUANTIZE and DEQUANTIZE on the edges of a graph whose activations have the types of `plan`: before
/// operators that read an activation in another form than it has, behind float operators whose results others
/// read as integers, and at the model's inputs and outputs where `io` asks for another type. A tensor keeps
/// its TensorId for its quantized form.
void insert_conversions(TfliteGraph& graph, const Plan& plan, DType io);

}  // namespace calib8
