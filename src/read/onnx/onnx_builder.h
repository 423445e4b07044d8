#pragma once

#include <cstdint>
#include <protozero/data_view.hpp>

#include "onnx_graph/onnx_graph.h"
#include "read/onnx/onnx_refusals.h"
#include "read/onnx/onnx_tensor.h"

namespace calib8 {

/// Builds the graph that a GraphProto of this opset describes, with the meaning of onnx_opset. What isn't
/// supported goes to the refusals (the graph is of no use then). Fails with ErrorCode::model where the file
/// contradicts itself.
/// `functions` are those that the model defines for itself. `quantized_operators` receives how many operators
/// on quantized numbers were taken apart.
OnnxGraph build_onnx_graph(protozero::data_view graph_message,
                           const std::vector<protozero::data_view>& functions, std::int64_t opset,
                           OnnxTensorSource& source, OnnxRefusals& refusals,
                           std::size_t& quantized_operators);

}  // namespace calib8
