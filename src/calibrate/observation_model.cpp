#include "calibrate/observation_model.h"

#include <numeric>
#include <string>

namespace calib8 {
namespace {

bool ends_in_relu(const TfliteGraph& graph, TensorId tensor) {
  const OperatorId producer = graph.producer(tensor);
  if (!producer.exists()) return false;
  const tflite::Activation* fused = fused_activation(graph[producer]);
  return fused && (*fused == tflite::Activation::relu || *fused == tflite::Activation::relu6);
}

/// The tensor, or its single element as a vector where it has no axes: LiteRT reduces along one axis at
/// least.
TensorId with_axes(TfliteGraph& graph, TensorId tensor, const std::string& number) {
  if (!graph[tensor].shape.empty()) return tensor;
  const std::vector<std::int32_t> one = {1};
  return graph.emit(tflite::Reshape{one}, {tensor, graph.add_constant("shape" + number, one)},
                    "vector" + number, {1});
}

}  // namespace

ObservationModel observation_model(const FloatModel& float_model, const std::vector<TensorId>& observed,
                                   const std::vector<TensorId>& exposed) {
  const TfliteGraph& graph = float_model.graph;
  TfliteGraph copy = graph;
  ObservationModel model;
  TfliteFileOptions options;
  auto& outputs = options.outputs.emplace();
  const auto give_out = [&](TensorId tensor, std::string name) {
    outputs.push_back({tensor, std::move(name)});
    return outputs.size() - 1;
  };
  for (std::size_t i = 0; i < observed.size(); ++i) {
    const std::string number = std::to_string(i);
    const TensorId reduced = with_axes(copy, observed[i], number);
    std::vector<std::int32_t> axes(copy[reduced].shape.size());
    std::iota(axes.begin(), axes.end(), 0);
    const TensorId all_axes = copy.add_constant("axes" + number, axes);
    const auto reduce = [&](tflite::Options reduction, const std::string& name) {
      return give_out(copy.emit(std::move(reduction), {reduced, all_axes}, name, {}), name);
    };
    ObservationModel::Extremes extremes;
    if (!ends_in_relu(graph, observed[i]))
      extremes.minimum = reduce(tflite::ReduceMin{{.keep_dims = false}}, "min" + number);
    extremes.maximum = reduce(tflite::ReduceMax{{.keep_dims = false}}, "max" + number);
    model.extremes.push_back(extremes);
  }
  model.first_exposed = outputs.size();
  for (std::size_t i = 0; i < exposed.size(); ++i) give_out(exposed[i], "tensor" + std::to_string(i));
  model.first_output = outputs.size();
  for (std::size_t i = 0; i < graph.outputs().size(); ++i)
    give_out(graph.outputs()[i], "output" + std::to_string(i));
  model.file = float_model.constants.file_of(copy, options);
  return model;
}

}  // namespace calib8
