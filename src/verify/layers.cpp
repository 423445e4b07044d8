#include "verify/layers.h"

#include <algorithm>
#include <cmath>

#include "run/observation_graph.h"
#include "verify/statistics.h"

namespace calib8 {
namespace {

/// Values of one tensor that are compared, per sample.
constexpr std::size_t compared_values = 4096;

/// Activations that both graphs compute under one TensorId: float32 in one, of whatever type in the other.
std::vector<TensorId> common_activations(const TfliteGraph& float_graph, const TfliteGraph& quantized) {
  std::vector<TensorId> common;
  for (const OperatorId id : float_graph.nodes()) {
    for (const TensorId output : float_graph[id].outputs) {
      const bool computed = output.index < quantized.value_count() && quantized.producer(output).exists();
      const bool is_number =
          computed && (quantized[output].dtype == DType::float32 || quantized[output].quantization);
      if (is_number && float_graph[output].dtype == DType::float32) common.push_back(output);
    }
  }
  return common;
}

/// One of the two models, and what it gives for some samples.
class Side {
 public:
  Side(const TfliteGraph& graph, const std::vector<TensorId>& tensors)
      : graph_(graph), values_(tensors.size()) {
    for (const TensorId tensor : tensors) positions_.push_back(graph_.pixels(tensor, compared_values));
  }

  RunnableModel write(const ObservationGraph::Write& write) const { return graph_.write(write); }
  void take(const ModelInstance& model) {
    for (std::size_t i = 0; i < positions_.size(); ++i) {
      for (const std::size_t position : positions_[i]) {
        const std::vector<float> part = model.output(position);
        values_[i].insert(values_[i].end(), part.begin(), part.end());
      }
    }
  }
  /// [tensor][values of sample 0, of sample 1, ...]
  const std::vector<std::vector<float>>& values() const { return values_; }

 private:
  ObservationGraph graph_;
  std::vector<std::vector<std::size_t>> positions_;
  std::vector<std::vector<float>> values_;
};

}  // namespace

std::vector<LayerError> find_worst_layers(const FloatModel& float_model, const TfliteGraph& quantized,
                                          const SampleSource& samples,
                                          const std::shared_ptr<const LiteRt>& litert,
                                          const VerifyOptions& options) {
  const TfliteGraph& graph = float_model.graph;
  const std::vector<TensorId> tensors = common_activations(graph, quantized);
  Side expected(graph, tensors), measured(quantized, tensors);
  const std::vector<RunnableModel> models = {
      expected.write([&](const TfliteGraph& variant, const TfliteFileOptions& file) {
        return float_model.constants.file_of(variant, file);
      }),
      measured.write([](const TfliteGraph& variant, const TfliteFileOptions& file) {
        return share(serialize_tflite(variant, file).bytes());
      })};
  const std::size_t count = std::min(options.layer_samples, samples.size());
  // One worker with all threads: its values stay in the order of the samples.
  ModelPool pool(litert, models, {options.threads, 1, "comparing layers"});
  pool.for_each<Sample>(
      count, [&](std::size_t index) { return samples.load(index); },
      [&](ModelPool::Worker& worker, std::size_t index, const Sample& sample) {
        for (ModelInstance& model : worker.models) model.run(sample, index);
        expected.take(worker.models[0]);
        measured.take(worker.models[1]);
      });
  std::vector<LayerError> layers;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const TfliteOperator& op = graph[graph.producer(tensors[i])];
    const double decibels = sqnr_decibels(expected.values()[i], measured.values()[i]);
    layers.push_back({graph[tensors[i]].name, std::string(name_of(op.options)), decibels});
  }
  // What is no number (a layer without a finite value) is worst.
  const auto rank = [](const LayerError& layer) {
    return std::isnan(layer.sqnr_decibels) ? -INFINITY : layer.sqnr_decibels;
  };
  std::stable_sort(layers.begin(), layers.end(),
                   [&](const LayerError& a, const LayerError& b) { return rank(a) < rank(b); });
  layers.resize(std::min(layers.size(), options.most_worst_layers));
  return layers;
}

}  // namespace calib8
