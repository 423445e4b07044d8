#include "recover/last_layers.h"

#include <algorithm>
#include <numeric>

#include "ops/tflite_op.h"
#include "run/observation_graph.h"
#include "write/tflite.h"

namespace calib8 {
namespace {

constexpr std::size_t most_samples = 64;
/// Values of one layer's output that are compared, per sample.
constexpr std::size_t compared_values = 4096;
/// Beyond, something else is wrong than a slope.
constexpr double least_gain = 0.8, largest_gain = 1.25;

struct LastLayer {
  OperatorId id;
  WeightsRule rule;
};

std::vector<LastLayer> find_last_layers(const QuantizationTask& task, const QuantizedModel& model) {
  const TfliteGraph& graph = task.model.graph;
  std::vector<bool> feeds_weights(graph.value_count(), false);
  std::vector<bool> is_float(graph.value_count(), false);  // by what an operator writes first
  for (const FloatOperator& op : model.plan.float_operators)
    is_float[graph[op.id].outputs.front().index] = true;
  std::vector<LastLayer> layers;
  const std::vector<OperatorId> order = graph.nodes();
  for (auto id = order.rbegin(); id != order.rend(); ++id) {
    const TfliteOperator& op = graph[*id];
    const auto rule = quantization_rule(graph, op, task.target).weights;
    const bool feeds = rule || std::ranges::any_of(op.outputs, [&](TensorId output) {
                         return output.exists() && feeds_weights[output.index];
                       });
    if (rule && !feeds_weights[op.outputs.front().index] && !is_float[op.outputs.front().index] &&
        op.inputs.size() > rule->bias && op.inputs[rule->bias].exists() &&
        graph.users(op.inputs[rule->input]).size() == 1 && fused_activation(op) &&
        *fused_activation(op) == tflite::Activation::none)
      layers.push_back({*id, *rule});
    for (const TensorId input : op.inputs) {
      if (feeds && input.exists()) feeds_weights[input.index] = true;
    }
  }
  return layers;
}

/// Sums over one sample's values of one channel: of float values f and quantized ones q.
struct Sums {
  double count = 0, f = 0, q = 0, fq = 0, qq = 0;

  void add(const Sums& other) {
    count += other.count, f += other.f, q += other.q, fq += other.fq, qq += other.qq;
  }
};

/// One of the two models, giving out the layers' outputs.
class Side {
 public:
  Side(const TfliteGraph& graph, const std::vector<LastLayer>& layers) : graph_(graph) {
    for (const LastLayer& layer : layers)
      positions_.push_back(graph_.pixels(graph[layer.id].outputs.front(), compared_values));
  }
  RunnableModel write(const ObservationGraph::Write& write) const { return graph_.write(write); }
  std::vector<float> values(const ModelInstance& model, std::size_t layer) const {
    std::vector<float> all;
    for (const std::size_t position : positions_[layer]) {
      const std::vector<float> part = model.output(position);
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }

 private:
  ObservationGraph graph_;
  std::vector<std::vector<std::size_t>> positions_;
};

Correction fit(const std::vector<Sums>& channels, bool with_gain) {
  Correction correction;
  for (const Sums& sums : channels) {
    const double mean_f = sums.f / sums.count, mean_q = sums.q / sums.count;
    const double together = sums.fq / sums.count - mean_f * mean_q;
    const double spread = sums.qq / sums.count - mean_q * mean_q;
    double gain = 1;
    if (with_gain && spread > 0) gain = std::clamp(together / spread, least_gain, largest_gain);
    correction.gain.push_back(gain);
    correction.shift.push_back(mean_f - gain * mean_q);
  }
  return correction;
}

Tensor scaled(const TfliteTensor& weights, std::int32_t axis, const std::vector<double>& gain) {
  const Tensor constant = weights.as_tensor();
  const auto values = constant.as<float>();
  std::size_t inner = 1;
  for (auto i = static_cast<std::size_t>(axis) + 1; i < constant.shape.size(); ++i)
    inner *= static_cast<std::size_t>(constant.shape[i]);
  std::vector<float> result(values.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    result[i] = static_cast<float>(values[i] * gain[i / inner % gain.size()]);
  return make_tensor(constant.shape, std::move(result));
}

}  // namespace

FittedCorrections fit_last_layers(const QuantizationTask& task, const QuantizedModel& model) {
  const std::vector<LastLayer> layers = find_last_layers(task, model);
  const std::size_t count = std::min(task.calibration.size(), most_samples);
  if (layers.empty() || count < 2) return {};
  const Side of_float(task.model.graph, layers), of_quantized(model.graph, layers);
  const std::vector<RunnableModel> models = {
      of_float.write([&](const TfliteGraph& variant, const TfliteFileOptions& file) {
        return task.model.constants.file_of(variant, file);
      }),
      of_quantized.write([](const TfliteGraph& variant, const TfliteFileOptions& file) {
        return share(serialize_tflite(variant, file).bytes());
      })};
  // [sample][layer][channel]: added in this order, whichever worker was first
  std::vector<std::vector<std::vector<Sums>>> by_sample(count);
  ModelPool pool(task.litert, models, {task.threads, count, "comparing outputs"});
  pool.for_each<Sample>(
      count, [&](std::size_t index) { return task.calibration.load(index); },
      [&](ModelPool::Worker& worker, std::size_t index, const Sample& sample) {
        for (ModelInstance& instance : worker.models) instance.run(sample, index);
        for (std::size_t layer = 0; layer < layers.size(); ++layer) {
          const std::vector<float> f = of_float.values(worker.models[0], layer);
          const std::vector<float> q = of_quantized.values(worker.models[1], layer);
          const TensorId output = task.model.graph[layers[layer].id].outputs.front();
          auto& sums =
              by_sample[index].emplace_back(static_cast<std::size_t>(task.model.graph[output].shape.back()));
          for (std::size_t i = 0; i < f.size(); ++i)
            sums[i % sums.size()].add({1, f[i], q[i], double{f[i]} * q[i], double{q[i]} * q[i]});
        }
      });
  FittedCorrections corrections;
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    std::vector<Sums> sums(by_sample.front()[layer].size());
    for (const auto& sample : by_sample) {
      for (std::size_t channel = 0; channel < sums.size(); ++channel)
        sums[channel].add(sample[layer][channel]);
    }
    corrections.gain_and_shift.emplace(layers[layer].id, fit(sums, true));
    corrections.shift.emplace(layers[layer].id, fit(sums, false));
  }
  return corrections;
}

TfliteGraph corrected(const TfliteGraph& graph, const Corrections& corrections) {
  TfliteGraph result = graph;
  for (const auto& [id, correction] : corrections) {
    const bool transposed = graph[id].is<tflite::TransposeConv>();
    const std::int32_t axis = graph[id].is<tflite::DepthwiseConv2D>() ? 3 : 0;
    const TensorId weights = graph[id].inputs[1], bias = graph[id].inputs[transposed ? 3 : 2];
    if (std::ranges::any_of(correction.gain, [](double gain) { return gain != 1; })) {
      Tensor weights_of_gain = scaled(graph[weights], axis, correction.gain);
      result.set_input(id, 1, result.add_constant(graph[weights].name, std::move(weights_of_gain)));
    }
    const Tensor constant = graph[bias].as_tensor();
    const auto old = constant.as<float>();
    std::vector<float> values(old.size());
    for (std::size_t i = 0; i < old.size(); ++i)
      values[i] = static_cast<float>(old[i] * correction.gain[i] + correction.shift[i]);
    result.set_input(id, transposed ? 3 : 2,
                     result.add_constant(graph[bias].name, make_tensor(constant.shape, std::move(values))));
  }
  return result;
}

}  // namespace calib8
