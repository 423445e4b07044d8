#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "onnx_graph/onnx_graph.h"

namespace calib8 {

class Lowering;  // ops/lowering.h

/// A node as its row's functions see it.
struct NodeView {
  const OnnxGraph& graph;
  const OnnxNode& node;

  bool has_input(std::size_t position) const;
  /// The input's type; fails with ErrorCode::model, naming the node, where the input is missing or its type
  /// unknown.
  const OnnxType& input_type(std::size_t position) const;
  /// The input's sizes; fails likewise where they are not all known.
  Shape input_shape(std::size_t position) const;
  /// The constant behind an input; null where it isn't constant.
  const Tensor* constant(std::size_t position) const { return graph.constant_input(node, position); }
  /// An error about this node: ErrorCode::model, naming it.
  [[noreturn]] void fail(const std::string& message) const;
};

/// Why a node can't be lowered, in a few words ("dilation with output padding"); nothing where it was.
using Refusal = std::optional<std::string>;

/// All that calib8 knows about one ONNX operator, with its meaning at `onnx_opset`.
struct OnnxOp {
  std::string_view type;  ///< "Conv"
  /// Output types from input types and constants; a dimension that can't be known stays unknown.
  std::vector<OnnxType> (*infer)(const NodeView&);
  /// Outputs where every input is constant (Shape and Size: where the input's sizes are known). No tensors
  /// where this node isn't folded: its types are none of shape arithmetic or weights, or the result is too
  /// large. Null: never.
  std::vector<Tensor> (*fold)(const NodeView&) = nullptr;
  /// Emits TFLite operators. Null: lowering doesn't know it (simplify/ must have removed or folded it).
  Refusal (*lower)(Lowering&) = nullptr;
};

/// The operator's row; null where calib8 doesn't know it.
const OnnxOp* find_onnx_op(std::string_view type);

/// All rows, by name.
std::span<const OnnxOp* const> all_onnx_ops();

}  // namespace calib8
