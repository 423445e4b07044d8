#pragma once

// Models of a few nodes, for tests.

#include <string>
#include <utility>
#include <vector>

#include "calib8/error.h"
#include "ops/lowering.h"
#include "ops/target.h"
#include "ops/tflite_op.h"

namespace calib8 {

/// Builds an OnnxGraph node by node, inferring each node's types as it goes.
struct SmallModel {
  OnnxGraph graph;

  OnnxValueId input(const std::string& name, const Shape& shape) {
    return input(name, static_type(DType::float32, shape));
  }
  OnnxValueId input(const std::string& name, OnnxType type) {
    const OnnxValueId id = graph.add_value({name, std::move(type), std::nullopt});
    std::vector<OnnxValueId> all = graph.inputs();
    all.push_back(id);
    graph.set_inputs(std::move(all));
    return id;
  }
  OnnxValueId constant(const std::string& name, const Shape& shape, std::vector<float> values) {
    return graph.add_constant(name, make_tensor(shape, std::move(values)));
  }
  /// 0, 1, 2, ...
  OnnxValueId counting(const std::string& name, const Shape& shape) {
    std::vector<float> values(static_cast<std::size_t>(element_count(shape).value()));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
    return constant(name, shape, std::move(values));
  }
  OnnxValueId node(const std::string& op_type, const std::string& name, std::vector<OnnxValueId> inputs,
                   std::map<std::string, OnnxAttribute> attributes = {}) {
    const OnnxValueId output = graph.emit(op_type, name, std::move(inputs), std::move(attributes));
    const OnnxNode& added = graph[graph.producer(output)];
    graph[output].type = find_onnx_op(op_type)->infer(NodeView{graph, added}).at(0);
    return output;
  }
  Shape shape_of(OnnxValueId value) const { return graph[value].type.value().static_shape(); }

  /// All nodes lowered, with `result` as the output. Refusals are thrown as ErrorCode::model.
  TfliteGraph lower(OnnxValueId result) {
    TfliteGraph target;
    std::vector<TensorId> tensors(graph.value_count());
    std::vector<TensorId> inputs;
    for (const OnnxValueId id : graph.inputs()) {
      const OnnxValue& value = graph[id];
      inputs.push_back(target.add_value(
          {value.name, value.type->dtype, value.type->static_shape(), std::nullopt, std::nullopt}));
      tensors[id.index] = inputs.back();
    }
    target.set_inputs(std::move(inputs));
    for (const OnnxNodeId id : graph.nodes()) {
      Lowering lowering(graph, graph[id], target, tensors);
      const Refusal refusal = find_onnx_op(graph[id].op_type)->lower(lowering);
      if (refusal) throw Error(ErrorCode::model, *refusal, graph[id].name);
    }
    target.set_outputs({tensors[result.index]});
    return target;
  }
};

/// The operators' names, in order.
inline std::vector<std::string> operators_of(const TfliteGraph& graph) {
  std::vector<std::string> names;
  for (const OperatorId id : graph.nodes()) names.emplace_back(tflite_op(graph[id].options).name);
  return names;
}

/// The first operator of a kind; it must be there.
template <class Op>
const TfliteOperator& first(const TfliteGraph& graph) {
  for (const OperatorId id : graph.nodes()) {
    if (graph[id].is<Op>()) return graph[id];
  }
  throw Error(ErrorCode::internal, "no such operator in the graph");
}

/// The rule of an operator that has the same one wherever it stands.
inline QuantizationRule rule_of(const tflite::Options& options) {
  return tflite_op(options).rule({}, {}, TargetTraits{});
}

inline std::vector<float> floats_of(const TfliteGraph& graph, TensorId tensor) {
  return to_float(graph[tensor].as_tensor());
}

}  // namespace calib8
