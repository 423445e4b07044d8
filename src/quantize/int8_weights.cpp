#include "quantize/int8_weights.h"

#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "ops/target.h"
#include "ops/tflite_op.h"
#include "ops/verify.h"
#include "quantize/rounding/rounding.h"
#include "quantize/scale.h"

//   FULLY_CONNECTED(x, float32 weights, bias)       =>  FULLY_CONNECTED(x, int8 weights, bias)
//   DEPTHWISE_CONV_2D(x, float32 weights, bias)     =>  DEPTHWISE_CONV_2D(x, DEQUANTIZE(int8 weights), bias)
//   GATHER(float32 table, i)                        =>  DEQUANTIZE(GATHER(int8 table, i))

namespace calib8 {
namespace {

/// Below it there is nothing to gain.
constexpr std::size_t fewest_weights = 1024;
/// A convolution must multiply each input so often until rounding the inputs has paid; then integers are
/// faster.
constexpr double least_products_per_input = 256;
/// A layer of a smaller share of the model's products than this one can't save any time, but adds its error.
constexpr double least_share = 0.001;
/// What one scale for a whole table must leave of its values.
constexpr double least_table_decibels = 32;

class Storage {
 public:
  explicit Storage(TfliteGraph& graph) : graph_(graph) {}

  std::vector<StoredWeights> run() {
    for (const OperatorId id : graph_.nodes()) all_products_ += products_of(id);
    for (const OperatorId id : graph_.nodes()) {
      if (graph_[id].is<tflite::Gather>()) {
        store_table(id);
      } else {
        store_weights(id);
      }
    }
    verify(graph_, "store_weights_as_int8");
    return std::move(stored_);
  }

 private:
  bool is_large(TensorId id) const {
    if (!id.exists() || !graph_.is_constant(id) || graph_[id].dtype != DType::float32) return false;
    const auto count = element_count(graph_[id].shape);
    return count && static_cast<std::size_t>(*count) >= fewest_weights;
  }

  void store_weights(OperatorId id) {
    const auto rule = quantization_rule(graph_, graph_[id], TargetTraits{}).weights;
    if (!rule || !is_large(graph_[id].inputs[rule->input])) return;
    const TensorId weights = graph_[id].inputs[rule->input];
    const auto narrow = narrowed(weights, rule->axis);
    if (!narrow) return;
    const bool is_hybrid = integers_pay(id, *rule);
    note(id, weights, is_hybrid ? Int8Weights::meet_integers : Int8Weights::widened);
    graph_.set_input(id, rule->input, is_hybrid ? *narrow : widened(id, *narrow, weights));
  }

  /// Multiplications of an operator with weights; 0 for others.
  double products_of(OperatorId id) const {
    const TfliteOperator& op = graph_[id];
    const auto rule = quantization_rule(graph_, op, TargetTraits{}).weights;
    if (!rule) return 0;
    const Shape& weights = graph_[op.inputs[rule->input]].shape;
    const auto channels = static_cast<double>(weights.at(static_cast<std::size_t>(rule->axis)));
    return count(graph_[op.outputs[0]].shape) * count(weights) / channels;
  }

  static double count(const Shape& shape) { return static_cast<double>(*element_count(shape)); }

  /// Only where LiteRT's kernels and XNNPACK's agree on what such an operator is: not for depthwise and
  /// grouped convolutions, which the delegate leaves to a slow kernel, or refuses.
  bool integers_pay(OperatorId id, const WeightsRule& rule) const {
    const TfliteOperator& op = graph_[id];
    const Shape &x = graph_[op.inputs[rule.data]].shape, &weights = graph_[op.inputs[rule.input]].shape;
    const double products = products_of(id);
    if (products < least_share * all_products_) return false;
    if (op.is<tflite::FullyConnected>()) return true;
    if (!op.is<tflite::Conv2D>() || x.back() != weights.back()) return false;
    return products >= least_products_per_input * count(x);
  }

  /// The constant as int8, made once for each axis.
  std::optional<TensorId> narrowed(TensorId weights, std::int32_t axis) {
    const auto [entry, is_new] = narrow_.try_emplace({weights, axis});
    if (!is_new) return entry->second;
    const Tensor values = graph_[weights].as_tensor();
    const auto scales = WeightScales(values, axis, {}).at(1, DType::int16);
    if (!scales) return entry->second;  // they aren't finite
    const Quantization quantization{*scales, std::vector<std::int64_t>(scales->size(), 0), axis};
    entry->second = add_int8(weights, round_to_nearest({values, quantization}), quantization);
    return entry->second;
  }

  TensorId add_int8(TensorId source, std::vector<std::int8_t> levels, const Quantization& quantization) {
    const TensorId narrow = graph_.add_constant(
        graph_[source].name, {DType::int8, graph_[source].shape, Data::from_vector(std::move(levels))});
    graph_[narrow].quantization = quantization;
    return narrow;
  }

  /// One DEQUANTIZE serves all readers; it stands in front of the first.
  TensorId widened(OperatorId first, TensorId narrow, TensorId weights) {
    const auto [entry, is_new] = widened_.try_emplace(narrow);
    if (is_new) {
      entry->second = graph_.add_value({graph_[weights].name + "/float32", DType::float32,
                                        graph_[weights].shape, std::nullopt, std::nullopt});
      graph_.insert_before(first, {tflite::Dequantize{}, {narrow}, {entry->second}});
    }
    return entry->second;
  }

  /// A table has one scale: GATHER moves bytes, and DEQUANTIZE behind it knows no rows.
  void store_table(OperatorId id) {
    const TensorId table = graph_[id].inputs[0];
    if (!is_large(table) || graph_[table].shape.size() != 2) return;
    const auto narrow = narrowed_table(table);
    if (!narrow) return;
    const TensorId output = graph_[id].outputs[0];
    const TensorId rows = graph_.add_value({graph_[output].name + "/int8", DType::int8, graph_[output].shape,
                                            graph_[*narrow].quantization, std::nullopt});
    note(id, table, Int8Weights::looked_up);
    graph_.set_input(id, 0, *narrow);
    graph_.set_output(id, 0, rows);
    graph_.insert_after(id, {tflite::Dequantize{}, {rows}, {output}});
  }

  std::optional<TensorId> narrowed_table(TensorId table) {
    const auto [entry, is_new] = tables_.try_emplace(table);
    if (!is_new) return entry->second;
    const Tensor values = graph_[table].as_tensor();
    float largest = 0;
    double energy = 0, lost = 0;
    for (const float value : values.as<float>()) {
      if (!std::isfinite(value)) return std::nullopt;
      largest = std::max(largest, std::abs(value));
      energy += static_cast<double>(value) * static_cast<double>(value);
    }
    const Quantization quantization = per_tensor(std::max(largest / 127, smallest_scale), 0);
    const NearestLevels rounded = nearest_levels({values, quantization});
    for (const float error : rounded.errors) lost += static_cast<double>(error) * static_cast<double>(error);
    const double scale = quantization.scales[0];
    if (energy < std::pow(10, least_table_decibels / 10) * lost * scale * scale) return std::nullopt;
    entry->second = add_int8(table, rounded.levels, quantization);
    return entry->second;
  }

  void note(OperatorId id, TensorId weights, Int8Weights use) {
    stored_.push_back({graph_[weights].name, std::string(name_of(graph_[id].options)), use});
  }

  TfliteGraph& graph_;
  double all_products_ = 0;
  std::vector<StoredWeights> stored_;
  std::map<std::pair<TensorId, std::int32_t>, std::optional<TensorId>> narrow_;
  std::map<TensorId, TensorId> widened_;
  std::map<TensorId, std::optional<TensorId>> tables_;
};

}  // namespace

std::vector<StoredWeights> store_weights_as_int8(TfliteGraph& graph) {
  return Storage(graph).run();
}

}  // namespace calib8
