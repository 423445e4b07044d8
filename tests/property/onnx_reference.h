#pragma once

#include <vector>

#include "arrays.h"
#include "onnx_graph/onnx_graph.h"

namespace calib8::property {

/// The inputs of a node; null where one is omitted.
using Operands = std::vector<const Array*>;

/// What the node computes by ONNX's specification at opset 20. Throws std::logic_error for what it doesn't
/// know or what doesn't fit together.
std::vector<Array> evaluate(const OnnxNode& node, const Operands& operands);

/// A family's own part of that; nothing where the operator is of another family.
std::vector<Array> evaluate_arithmetic(const OnnxNode& node, const Operands& operands);
std::vector<Array> evaluate_shapes(const OnnxNode& node, const Operands& operands);
std::vector<Array> evaluate_volumes(const OnnxNode& node, const Operands& operands);
std::vector<Array> evaluate_windows(const OnnxNode& node, const Operands& operands);
std::vector<Array> evaluate_functions(const OnnxNode& node, const Operands& operands);
std::vector<Array> evaluate_places(const OnnxNode& node, const Operands& operands);
std::vector<Array> evaluate_recurrent(const OnnxNode& node, const Operands& operands);

inline std::size_t axis_of(std::int64_t axis, std::size_t rank) {
  return static_cast<std::size_t>(axis < 0 ? axis + static_cast<std::int64_t>(rank) : axis);
}

}  // namespace calib8::property
