#pragma once

// Float graphs whose activations get ranges by hand, for tests.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ops/verify.h"
#include "optimize/targets/targets.h"
#include "optimize/validate.h"
#include "quantize/apply.h"
#include "quantize/plan.h"

namespace calib8 {

struct SmallGraph {
  TfliteGraph graph;
  std::vector<std::pair<TensorId, Range>> observed;

  TensorId input(Shape shape, Range range) {
    const TensorId id =
        graph.add_value({"input", DType::float32, std::move(shape), std::nullopt, std::nullopt});
    std::vector<TensorId> inputs = graph.inputs();
    inputs.push_back(id);
    graph.set_inputs(std::move(inputs));
    observed.push_back({id, range});
    return id;
  }
  TensorId emit(tflite::Options options, std::vector<TensorId> inputs, Shape shape,
                std::optional<Range> range = {}) {
    const TensorId id = graph.emit(std::move(options), std::move(inputs),
                                   "t" + std::to_string(graph.value_count()), std::move(shape));
    if (range) observed.push_back({id, *range});
    return id;
  }
  TensorId constant(Shape shape, std::vector<float> values) {
    return graph.add_constant("c" + std::to_string(graph.value_count()),
                              make_tensor(std::move(shape), std::move(values)));
  }
  /// A 1x1 convolution with weights and a bias.
  TensorId convolution(TensorId x, TensorId weights, TensorId bias, Range range) {
    Shape shape = graph[x].shape;
    shape[3] = graph[weights].shape[0];
    return emit(tflite::Conv2D{}, {x, weights, bias}, shape, range);
  }
  OperatorId writer(TensorId tensor) const { return graph.producer(tensor); }

  Ranges ranges() const {
    Ranges all(graph.value_count());
    for (const auto& [id, range] : observed) all[id.index] = range;
    return all;
  }
  Plan plan(std::vector<TensorId> outputs, const QuantizationChoices& choices = {},
            const TargetTraits& target = litert_cpu()) {
    graph.set_outputs(std::move(outputs));
    return make_plan(graph, ranges(), target, choices);
  }
  /// Planned, applied, and held against the target's rules.
  TfliteGraph quantized(const Plan& plan, ModelIo io = ModelIo::int8,
                        const TargetTraits& target = litert_cpu()) const {
    TfliteGraph result = graph;
    apply_plan(result, plan, io, 2);
    verify(result, "test");
    require_valid(result, target);
    return result;
  }
};

inline const Quantization& of(const Plan& plan, TensorId tensor) {
  return plan.tensors[tensor.index].value().quantization;
}

inline float scale_in(const Plan& plan, TensorId tensor) {
  return of(plan, tensor).scales.front();
}

/// What the writer of `output` reads at an input.
inline const TensorPlan& operand_of(const SmallGraph& model, const Plan& plan, TensorId output,
                                    std::size_t position) {
  return plan.operand(model.writer(output), position);
}

inline std::vector<std::string_view> operator_names(const TfliteGraph& graph) {
  std::vector<std::string_view> names;
  for (const OperatorId id : graph.nodes()) names.push_back(name_of(graph[id].options));
  return names;
}

}  // namespace calib8
