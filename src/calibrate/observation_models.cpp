#include "calibrate/observation_models.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <string_view>
#include <unordered_map>

#include "read/tflite.h"
#include "write/tflite.h"

namespace calib8 {
namespace {

std::string signature_name(const char* kind, std::size_t index) {
  return kind + std::to_string(index);
}

}  // namespace

Data model_with_reductions(const TfliteGraph& graph, const std::vector<TensorId>& observed) {
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
  return serialize_tflite(copy, options);
}

Data model_with_tensors(const TfliteGraph& graph, const std::vector<TensorId>& observed) {
  TfliteFileOptions options;
  options.outputs.emplace();
  for (std::size_t i = 0; i < observed.size(); ++i) {
    options.outputs->push_back({observed[i], signature_name("tensor", i)});
  }
  return serialize_tflite(graph, options);
}

void share_constants(TfliteGraph& graph, const Data& file) {
  const TfliteGraph written = read_tflite(file, "the model under calibration");
  std::unordered_map<std::string_view, Data> by_name;
  for (std::size_t i = 0; i < written.value_count(); ++i) {
    const TfliteTensor& tensor = written[written.value_at(i)];
    if (tensor.is_constant()) by_name.emplace(tensor.name, *tensor.constant);
  }
  for (std::size_t i = 0; i < graph.value_count(); ++i) {
    TfliteTensor& tensor = graph[graph.value_at(i)];
    if (!tensor.is_constant()) continue;
    const auto found = by_name.find(tensor.name);
    if (found == by_name.end()) continue;
    // Names are made distinct in the file: only the bytes tell that it is the same constant.
    const ByteView mine = tensor.constant->bytes(), theirs = found->second.bytes();
    if (std::equal(mine.begin(), mine.end(), theirs.begin(), theirs.end())) tensor.constant = found->second;
  }
}

}  // namespace calib8
