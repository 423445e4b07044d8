#include "verify/layers.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "base/interrupt.h"
#include "verify/real_values.h"
#include "write/tflite.h"

namespace calib8 {
namespace {

/// Sums over several runs, so that no tensor needs to be kept.
class SquaredError {
 public:
  void add(std::span<const float> reference, std::span<const float> measured) {
    for (std::size_t i = 0; i < reference.size(); ++i) {
      const double value = reference[i];
      const double difference = static_cast<double>(measured[i]) - value;
      signal_ += value * value;
      noise_ += difference * difference;
    }
  }
  double sqnr_decibels() const {
    if (noise_ == 0) return std::numeric_limits<double>::infinity();
    return 10 * std::log10(signal_ / noise_);
  }

 private:
  double signal_ = 0, noise_ = 0;
};

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

Data file_with_outputs(const TfliteGraph& graph, const std::vector<TensorId>& tensors) {
  TfliteFileOptions options;
  options.outputs.emplace();
  for (std::size_t i = 0; i < tensors.size(); ++i)
    options.outputs->push_back({tensors[i], "tensor" + std::to_string(i)});
  return serialize_tflite(graph, options);
}

}  // namespace

std::vector<LayerError> find_worst_layers(const TfliteGraph& real, const TfliteGraph& quantized,
                                          const SampleSource& samples,
                                          const std::shared_ptr<const LiteRt>& litert,
                                          const VerifyOptions& options) {
  const std::vector<TensorId> tensors = common_activations(real, quantized);
  const InterpreterOptions run_options{.threads = options.threads};
  RealModel real_model(litert, file_with_outputs(real, tensors), real, tensors, run_options);
  RealModel quantized_model(litert, file_with_outputs(quantized, tensors), quantized, tensors, run_options);

  std::vector<SquaredError> errors(tensors.size());
  for (std::size_t index = 0; index < std::min(options.layer_samples, samples.size()); ++index) {
    throw_if_interrupted();
    const Sample sample = samples.load(index);
    for (RealModel* model : {&real_model, &quantized_model}) {
      model->load(sample);
      model->run();
    }
    for (std::size_t i = 0; i < tensors.size(); ++i)
      errors[i].add(real_model.output(i), quantized_model.output(i));
  }
  std::vector<LayerError> layers;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const TfliteOperator& op = real[real.producer(tensors[i])];
    layers.push_back({real[tensors[i]].name, std::string(name_of(op.options)), errors[i].sqnr_decibels()});
  }
  const auto worse = [](const LayerError& a, const LayerError& b) {
    return a.sqnr_decibels < b.sqnr_decibels;
  };
  std::stable_sort(layers.begin(), layers.end(), worse);
  layers.resize(std::min(layers.size(), options.most_worst_layers));
  return layers;
}

}  // namespace calib8
