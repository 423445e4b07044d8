#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
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

/// What is known of the elements of the input at that position (infer.h: known_elements).
using ElementsOfInput = std::function<std::optional<std::vector<Dimension>>(std::size_t position)>;

/// Why a node can't be lowered, in a few words ("dilation with output padding"); nothing where it was.
using Refusal = std::optional<std::string>;

/// How many inputs a node may name; those up to `fewest` can't be omitted.
struct OnnxInputs {
  std::size_t fewest = 0, most = 0;
};
inline constexpr std::size_t any_number = ~std::size_t{0};

/// What an operator does to signs.
enum class Sign {
  unknown,
  never_negative,  ///< Its output is at least zero, whatever goes in.
  keeps,           ///< So it is where its first input is.
  combines,        ///< So it is where all its inputs are.
  bounded,         ///< Clip: by its first input, or its lower bound.
};

/// An attribute whose absence means this value; in a list, each element.
struct AttributeDefault {
  std::string_view name;
  std::variant<std::int64_t, float, std::string_view> value;
};
/// Those of operators with windows: convolutions and pools.
inline constexpr AttributeDefault window_defaults[] = {
    {"auto_pad", std::string_view("NOTSET")},
    {"dilations", std::int64_t{1}},
    {"pads", std::int64_t{0}},
    {"strides", std::int64_t{1}},
    {"ceil_mode", std::int64_t{0}},
    {"count_include_pad", std::int64_t{0}},
    {"group", std::int64_t{1}},
    {"storage_order", std::int64_t{0}},
};

/// What passes and readers ask about an operator.
struct OnnxTraits {
  Sign sign = Sign::unknown;
  std::span<const AttributeDefault> defaults = {};
  bool has_optional_outputs = false;  ///< Those behind the first may be left out where nobody reads them.
  /// What is known of the elements of a small tensor of integers that shapes are computed with, by what is
  /// known of an input's; nothing where their number isn't. Null: never anything.
  std::optional<std::vector<Dimension>> (*elements)(const NodeView&, const ElementsOfInput&) = nullptr;
};

/// All that calib8 knows about one ONNX operator, with its meaning at `onnx_opset`.
struct OnnxOp {
  std::string_view type;  ///< "Conv"
  OnnxInputs inputs;
  /// Output types from input types and constants; a dimension that can't be known stays unknown.
  std::vector<OnnxType> (*infer)(const NodeView&);
  /// Outputs where every input is constant (Shape and Size: where the input's sizes are known). No tensors
  /// where this node isn't folded: its types are none of shape arithmetic or weights, or the result is too
  /// large. Null: never.
  std::vector<Tensor> (*fold)(const NodeView&) = nullptr;
  /// Emits TFLite operators. Null: lowering doesn't know it (simplify/ must have removed or folded it).
  Refusal (*lower)(Lowering&) = nullptr;
  OnnxTraits traits = {};
};

/// The operator's row; null where calib8 doesn't know it.
const OnnxOp* find_onnx_op(std::string_view type);

/// All rows, by name.
std::span<const OnnxOp* const> all_onnx_ops();

}  // namespace calib8
