#pragma once

#include "read/onnx/onnx_upgrade.h"

namespace calib8 {

/// True for the operators of com.microsoft, ONNX Runtime's own domain, that its optimizer writes and calib8
/// takes apart.
bool is_microsoft_operator(std::string_view op_type);

/// Makes such a node the operators of ONNX that it was fused from, as upgrade_onnx_node() does.
void replace_microsoft_operator(OnnxNode& node, OnnxUpgrade& upgrade);

}  // namespace calib8
