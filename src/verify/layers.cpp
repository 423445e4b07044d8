#include "verify/layers.h"

#include <algorithm>

#include "base/interrupt.h"
#include "base/stride.h"
#include "verify/real_values.h"
#include "verify/statistics.h"

namespace calib8 {
namespace {

/// Values of one tensor that are compared, per sample.
constexpr std::size_t values_per_sample = 16384;

/// Activations that both graphs have: real in one, int8 in the other.
std::vector<TensorId> common_activations(const TfliteGraph& real, const TfliteGraph& quantized) {
  std::vector<TensorId> common;
  for (const OperatorId id : real.nodes()) {
    for (const TensorId output : real[id].outputs) {
      const bool computed = output.index < quantized.value_count() && quantized.producer(output).exists();
      if (computed && real[output].dtype == DType::float32 && quantized[output].dtype == DType::int8)
        common.push_back(output);
    }
  }
  return common;
}

TfliteFileOptions with_outputs(const std::vector<TensorId>& tensors) {
  TfliteFileOptions options;
  options.outputs.emplace();
  for (std::size_t i = 0; i < tensors.size(); ++i)
    options.outputs->push_back({tensors[i], "tensor" + std::to_string(i)});
  return options;
}

/// Sampled values of each tensor over some samples: [tensor][values of sample 0, of sample 1, ...]. The model
/// is gone when this returns: with all its tensors given out it is the largest thing in memory.
std::vector<std::vector<float>> observe(const SharedFile& file, const TfliteGraph& graph,
                                        const std::vector<TensorId>& tensors, const SampleSource& samples,
                                        const std::shared_ptr<const LiteRt>& litert,
                                        const VerifyOptions& options) {
  RealModel model(litert, file, graph, tensors, {.threads = options.threads, .purpose = "comparing layers"});
  std::vector<std::vector<float>> values(tensors.size());
  for (std::size_t index = 0; index < std::min(options.layer_samples, samples.size()); ++index) {
    throw_if_interrupted();
    model.load(samples.load(index));
    model.run(index);
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const std::vector<float> part =
          model.output(i, sampling_stride(graph[tensors[i]].shape, values_per_sample));
      values[i].insert(values[i].end(), part.begin(), part.end());
    }
  }
  return values;
}

}  // namespace

std::vector<LayerError> find_worst_layers(const FloatModel& real, const TfliteGraph& quantized,
                                          const SampleSource& samples,
                                          const std::shared_ptr<const LiteRt>& litert,
                                          const VerifyOptions& options) {
  const TfliteGraph& graph = real.graph;
  const std::vector<TensorId> tensors = common_activations(graph, quantized);
  const TfliteFileOptions outputs = with_outputs(tensors);
  const std::vector<std::vector<float>> expected =
      observe(real.file(outputs), graph, tensors, samples, litert, options);
  const std::vector<std::vector<float>> measured = observe(
      share(serialize_tflite(quantized, outputs).bytes()), quantized, tensors, samples, litert, options);
  std::vector<LayerError> layers;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const TfliteOperator& op = graph[graph.producer(tensors[i])];
    const double decibels = sqnr_decibels(expected[i], measured[i]);
    layers.push_back({graph[tensors[i]].name, std::string(name_of(op.options)), decibels});
  }
  const auto worse = [](const LayerError& a, const LayerError& b) {
    return a.sqnr_decibels < b.sqnr_decibels;
  };
  std::stable_sort(layers.begin(), layers.end(), worse);
  layers.resize(std::min(layers.size(), options.most_worst_layers));
  return layers;
}

}  // namespace calib8
