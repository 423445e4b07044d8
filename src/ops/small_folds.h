#pragma once

// Single nodes to infer and fold, and single operators to ask about, for tests.

#include "ops/small_models.h"

namespace calib8 {

using Attributes = std::map<std::string, OnnxAttribute>;
using Ints = std::vector<std::int64_t>;
using Floats = std::vector<float>;

inline Dimension sized(std::int64_t size) {
  return {size, {}};
}
inline Dimension named(const std::string& symbol) {
  return {-1, symbol};
}
inline const Dimension unknown_size{};

inline Tensor ints(const Shape& shape, Ints values) {
  return make_tensor(shape, std::move(values));
}
inline Tensor ints(Ints values) {
  const auto count = static_cast<std::int64_t>(values.size());
  return ints({count}, std::move(values));
}
inline Tensor floats(const Shape& shape, Floats values) {
  return make_tensor(shape, std::move(values));
}
inline Tensor floats(Floats values) {
  const auto count = static_cast<std::int64_t>(values.size());
  return floats({count}, std::move(values));
}
inline Tensor booleans(const Shape& shape, std::vector<std::uint8_t> values) {
  return {DType::boolean, shape, Data::from_vector(std::move(values))};
}
/// 0, 1, 2, ...
inline Tensor counting_tensor(const Shape& shape) {
  Floats values(static_cast<std::size_t>(element_count(shape).value()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  return floats(shape, std::move(values));
}

/// One node in a graph of its own. An input is a constant (Tensor), a value of a type (OnnxType), or omitted.
struct SingleNode {
  using Input = std::variant<std::monostate, Tensor, OnnxType>;
  OnnxGraph graph;
  OnnxNodeId node;

  SingleNode(const std::string& op_type, const std::vector<Input>& inputs, Attributes attributes = {},
             std::size_t outputs = 1) {
    OnnxNode made{op_type, "node", {}, {}, std::move(attributes)};
    for (const Input& input : inputs) {
      OnnxValueId id;
      const std::string name = "in" + std::to_string(made.inputs.size());
      if (const auto* tensor = std::get_if<Tensor>(&input)) id = graph.add_constant(name, *tensor);
      if (const auto* type = std::get_if<OnnxType>(&input)) id = graph.add_value({name, *type, std::nullopt});
      made.inputs.push_back(id);
    }
    for (std::size_t i = 0; i < outputs; ++i) {
      made.outputs.push_back(graph.add_value({"out" + std::to_string(i), std::nullopt, std::nullopt}));
    }
    node = graph.append(std::move(made));
  }
  NodeView view() const { return {graph, graph[node]}; }
  std::vector<OnnxType> infer() const { return find_onnx_op(graph[node].op_type)->infer(view()); }
  std::vector<Tensor> fold() const { return find_onnx_op(graph[node].op_type)->fold(view()); }
};

inline std::vector<Dimension> inferred(const SingleNode& node) {
  return node.infer().at(0).shape.value();
}

/// The one folded output, held against the inferred type.
inline Tensor folded(const SingleNode& node) {
  const Tensor result = node.fold().at(0);
  const OnnxType type = node.infer().at(0);
  if (type.dtype != result.dtype || !type.is_static() || type.static_shape() != result.shape ||
      element_count(result.shape) != result.count()) {
    throw Error(ErrorCode::internal, "folded to another type than was inferred");
  }
  return result;
}
inline Floats folded_floats(const SingleNode& node) {
  return to_float(folded(node));
}
inline Ints folded_ints(const SingleNode& node) {
  return to_int64(folded(node));
}

/// One operator over new tensors: int8 ones with a scale (and zero point 0), float32 ones where the scale is
/// 0.
struct SingleOperator {
  TfliteGraph graph;
  OperatorId op;

  SingleOperator(tflite::Options options, const std::vector<Shape>& inputs, const Shape& output,
                 const std::vector<float>& scales = {}) {
    TfliteOperator made{std::move(options), {}, {}};
    const auto add = [&](const Shape& shape, std::size_t i) {
      const float scale = i < scales.size() ? scales[i] : 0;
      TfliteTensor tensor{"t" + std::to_string(i), DType::float32, shape, std::nullopt, std::nullopt};
      if (scale > 0) {
        tensor.dtype = DType::int8;
        tensor.quantization = per_tensor(scale, 0);
      }
      return graph.add_value(std::move(tensor));
    };
    for (const Shape& shape : inputs) made.inputs.push_back(add(shape, made.inputs.size()));
    made.outputs.push_back(add(output, inputs.size()));
    op = graph.append(std::move(made));
  }
  /// The same with constant integers behind (or, for SPLIT, in front of) the inputs.
  SingleOperator& with(const std::vector<std::int32_t>& values, bool in_front = false) {
    std::vector<TensorId> inputs = graph[op].inputs;
    inputs.insert(in_front ? inputs.begin() : inputs.end(), graph.add_constant("integers", values));
    graph.set_inputs_of(op, std::move(inputs));
    return *this;
  }
  const TfliteOp& row() const { return tflite_op(graph[op].options); }
  bool on_xnnpack() const { return row().runs_on_xnnpack(graph, graph[op]); }
  int version() const { return row().version ? row().version(graph, graph[op]) : 1; }
};

}  // namespace calib8
