#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/dataflow.h"
#include "base/tensor.h"

namespace calib8 {

/// The opset whose meaning every OnnxGraph has; readers upgrade to it, the writer declares it.
inline constexpr std::int64_t onnx_opset = 20;

/// More dimensions than any framework gives a tensor: NumPy and PyTorch stop at 64.
inline constexpr std::size_t most_onnx_dimensions = 64;

/// A size: known (>= 0), or symbolic ("batch"), or neither.
struct Dimension {
  std::int64_t size = -1;
  std::string symbol;

  bool is_known() const { return size >= 0; }
  friend bool operator==(const Dimension&, const Dimension&) = default;
};

/// Element type and, where it is known, shape of a value.
struct OnnxType {
  DType dtype = DType::float32;
  std::optional<std::vector<Dimension>> shape;

  bool has_rank() const { return shape.has_value(); }
  /// True where the rank and every size are known.
  bool is_static() const;
  /// The sizes; only where is_static().
  Shape static_shape() const;
  friend bool operator==(const OnnxType&, const OnnxType&) = default;
};

OnnxType static_type(DType dtype, const Shape& shape);

struct OnnxValue {
  std::string name;
  std::optional<OnnxType> type;    ///< Unknown until shape inference has seen it.
  std::optional<Tensor> constant;  ///< Set for initializers.
};

/// An attribute of a node, as onnx.proto's AttributeProto has it, but for subgraphs.
using OnnxAttribute = std::variant<std::int64_t, float, std::string, Tensor, std::vector<std::int64_t>,
                                   std::vector<float>, std::vector<std::string>>;

struct OnnxNode {
  std::string op_type;
  std::string name;
  std::vector<Id<OnnxValue>> inputs;
  std::vector<Id<OnnxValue>> outputs;
  std::map<std::string, OnnxAttribute> attributes;

  /// Typed getters: the attribute, or the default where it is absent. Fail with ErrorCode::model, naming node
  /// and attribute, where it has another type.
  std::int64_t get_int(std::string_view attribute, std::int64_t fallback) const;
  float get_float(std::string_view attribute, float fallback) const;
  std::string get_string(std::string_view attribute, std::string_view fallback) const;
  std::vector<std::int64_t> get_ints(std::string_view attribute, std::vector<std::int64_t> fallback) const;
  std::vector<float> get_floats(std::string_view attribute, std::vector<float> fallback) const;
  bool has(std::string_view attribute) const { return attributes.contains(std::string(attribute)); }
};

using OnnxValueId = Id<OnnxValue>;
using OnnxNodeId = Id<OnnxNode>;

/// A model with exactly ONNX's meaning at `onnx_opset`: channels first, domain "" only, no subgraphs. An If has
/// the inputs [condition, outputs of then_branch..., outputs of else_branch...]; the nodes of both branches are
/// the graph's own, and stand behind what computes the condition.
/// Constants are values with `constant` set and no producer; they are not among the inputs.
class OnnxGraph : public Dataflow<OnnxValue, OnnxNode> {
 public:
  std::string name = "model";

  /// Bytes by which folding has made constants larger than what it made them of; simplify/fold_constants.cpp
  /// bounds it.
  std::int64_t folded_growth = 0;

  /// `wanted`, or `wanted` with the first free number behind it ("w_1") where a value was added with that
  /// name or free_name gave it out before: so no value gets it by accident. `separator` stands before
  /// the number, of which `first` is the lowest.
  std::string free_name(std::string_view wanted, char separator = '_', std::size_t first = 1);

  /// Adds a constant value.
  OnnxValueId add_constant(std::string value_name, Tensor tensor);

  /// Appends a node with one new output of the given name and returns that output.
  OnnxValueId emit(std::string op_type, std::string node_name, std::vector<OnnxValueId> node_inputs,
                   std::map<std::string, OnnxAttribute> attributes = {});

  /// The constant behind an input of a node; null where the input is omitted or not constant.
  const Tensor* constant_input(const OnnxNode& node, std::size_t position) const;

 private:
  std::unordered_map<std::string, std::size_t> taken_names_;  ///< And the last number given behind each.
  std::size_t named_values_ =
      0;  ///< So many values' names are in it; the others follow when one is asked for.
};

/// Holds the graph against its invariants: ids in range, every input produced before it is read, unique value
/// names, inputs and outputs named, no value both constant and produced. Fails with ErrorCode::internal
/// naming the stage.
void verify(const OnnxGraph& graph, std::string_view stage);

/// One line per node, constants as shape and hash: for --dump, golden tests and bug reports.
std::string to_text(const OnnxGraph& graph);

}  // namespace calib8
