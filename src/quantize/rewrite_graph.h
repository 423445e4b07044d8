#pragma once

#include "quantize/plan.h"
#include "quantize/round_constants.h"

namespace calib8 {

/// Makes the float graph of a plan the quantized one: activations get their types, operands their rounded
/// constants, and QUANTIZE and DEQUANTIZE stand wherever an operator reads another type or quantization than
/// the tensor has; equal conversions once. Inputs and outputs of the model are of type `io`: float32, the
/// plan's own type, or uint8 beside int8, whose zero point is 128 higher. What an operator in float reads
/// from outside or gives out is not converted to and fro.
void rewrite_graph(TfliteGraph& graph, const Plan& plan, std::vector<RoundedConstant> constants, DType io);

}  // namespace calib8
