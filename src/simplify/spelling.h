#pragma once

#include "onnx_graph/onnx_graph.h"

namespace calib8 {

/// Spells a simplified graph as model.onnx should have it; simplify() undoes this. GlobalAveragePool over
/// images becomes ReduceMean over axes 2 and 3: ONNX Runtime 1.32 runs the former in a blocked layout whose
/// sums lose digits (EfficientNet-B0: 8e-6 of the largest logit, against 3e-6 and no slower).
void spell_for_onnx_runtime(OnnxGraph& graph);

}  // namespace calib8
