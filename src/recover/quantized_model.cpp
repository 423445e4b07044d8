#include "recover/quantized_model.h"

#include <algorithm>
#include <numeric>

#include "ops/tflite_op.h"
#include "ops/verify.h"
#include "optimize/passes.h"
#include "optimize/validate.h"
#include "recover/input_observer.h"
#include "recover/last_layers.h"
#include "run/observation_graph.h"
#include "write/tflite.h"

namespace calib8 {
namespace {

constexpr std::size_t most_samples = 128, most_samples_of_max_effort = 400;

/// Without operators behind those outputs.
TfliteGraph with_outputs_alone(TfliteGraph graph, const TfliteFileOptions& file) {
  std::vector<TensorId> outputs;
  for (const TfliteOutput& output : file.outputs.value()) outputs.push_back(output.tensor);
  graph.set_outputs(std::move(outputs));
  remove_unused_operators(graph);
  return graph;
}

}  // namespace

RunnableModel QuantizedModel::runnable() const {
  return calib8::runnable(graph, share(file.bytes()));
}

QuantizedModel make_quantized(const QuantizationTask& task, const Recipe& recipe, const Findings& findings) {
  TfliteGraph graph =
      findings.corrections ? corrected(task.model.graph, *findings.corrections) : task.model.graph;
  Plan plan = make_plan(graph, task.ranges_of(recipe.ranges), task.target, task.choices);
  apply_plan(graph, plan, task.io, task.threads,
             {rounding_method(recipe.rounding), findings.inputs, findings.known});
  verify(graph, "quantization");
  require_valid(graph, task.target);
  Data file = serialize_tflite(graph);
  return {std::move(plan), std::move(graph), std::move(file)};
}

InputsOfLayers observe_inputs(const QuantizationTask& task, const QuantizedModel& model, Effort effort,
                              const std::vector<OperatorId>& only) {
  if (task.choices.activations == DType::int16) {
    QuantizationTask narrow = task;
    narrow.choices.activations = DType::int8;
    narrow.io = ModelIo::float32;
    return observe_inputs(narrow, make_quantized(narrow, {}), effort, only);
  }
  std::vector<OperatorId> layers;
  for (const OperatorId id : only.empty() ? task.model.graph.nodes() : only) {
    if (quantization_rule(task.model.graph, task.model.graph[id], task.target).weights) layers.push_back(id);
  }
  const std::size_t most = effort == Effort::max ? most_samples_of_max_effort : most_samples;
  std::vector<std::size_t> samples(std::min(task.calibration.size(), most));
  std::iota(samples.begin(), samples.end(), 0);
  ObservationGraph wanted(model.graph);
  const InputObserver fresh(model.graph, layers, {samples.size(), effort == Effort::max ? 3u : 1u}, wanted);
  const RunnableModel runnable = wanted.write([&](const TfliteGraph& variant, const TfliteFileOptions& file) {
    return share(serialize_tflite(only.empty() ? variant : with_outputs_alone(variant, file), file).bytes());
  });
  ModelPool pool(task.litert, {runnable}, {task.threads, samples.size(), "observing inputs"});
  StepCounter progress({}, samples.size());
  return observe(pool, task.calibration, samples, fresh, progress).take();
}

}  // namespace calib8
