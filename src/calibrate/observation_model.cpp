#include "calibrate/observation_model.h"

#include <numeric>
#include <string>

#include "write/tflite.h"

namespace calib8 {
namespace {

std::string signature_name(const char* kind, std::size_t index) {
  return kind + std::to_string(index);
}

}  // namespace

Data observation_model(const TfliteGraph& graph, const std::vector<TensorId>& observed,
                       const std::vector<TensorId>& exposed) {
  TfliteGraph copy = graph;
  TfliteFileOptions options;
  options.outputs.emplace();
  for (std::size_t i = 0; i < observed.size(); ++i) {
    std::vector<std::int32_t> axes(copy[observed[i]].shape.size());
    std::iota(axes.begin(), axes.end(), 0);
    const TensorId all_axes = copy.add_constant(signature_name("axes", i), axes);
    const std::string minimum = signature_name("min", i), maximum = signature_name("max", i);
    const TensorId low =
        copy.emit(tflite::ReduceMin{{.keep_dims = false}}, {observed[i], all_axes}, minimum, {});
    const TensorId high =
        copy.emit(tflite::ReduceMax{{.keep_dims = false}}, {observed[i], all_axes}, maximum, {});
    options.outputs->push_back({low, minimum});
    options.outputs->push_back({high, maximum});
  }
  for (std::size_t i = 0; i < exposed.size(); ++i)
    options.outputs->push_back({exposed[i], signature_name("tensor", i)});
  return serialize_tflite(copy, options);
}

}  // namespace calib8
