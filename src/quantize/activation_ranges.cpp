#include "quantize/activation_ranges.h"

#include <algorithm>
#include <cmath>

#include "calib8/error.h"
#include "quantize/softmax_masks.h"
#include "tflite_graph/levels.h"

namespace calib8 {
namespace {

/// What a prescribed quantization can hold; of an operator in float, all that its function can give.
Range fixed_range(const QuantizationRule& rule, DType type) {
  const Levels levels = levels_of(DType::int8);
  const auto value = [&](std::int64_t level) {
    return rule.fixed_scale * static_cast<float>(level - rule.fixed_zero_point);
  };
  if (type == DType::int16)
    return {value(levels.lowest),
            fixed_quantization(rule, type).scales.front() * static_cast<float>(levels_of(type).highest)};
  return {value(levels.lowest), value(type == DType::float32 ? levels.highest + 1 : levels.highest)};
}

/// Exporters write infinity as the lowest float32, or as 1e30 and the like.
constexpr float infinity_in_constants = 1e30f;

class Completion {
 public:
  Completion(const TfliteGraph& graph, const OperatorTypes& types, const Ranges& observed)
      : graph_(graph), types_(types), ranges_(observed) {
    ranges_.resize(graph.value_count());
  }

  CompleteRanges run() {
    for (const TensorId input : graph_.inputs()) {
      if (is_activation(graph_, input)) require(input);
    }
    for (const OperatorId id : graph_.nodes()) {
      for (const TensorId output : graph_[id].outputs) {
        if (!is_activation(graph_, output)) continue;
        if (!ranges_[output.index]) ranges_[output.index] = derived(id);
        require(output);
      }
      heed_mask(id);
      heed_masking_select(id);
    }
    return {std::move(ranges_), std::move(constants_)};
  }

 private:
  void require(TensorId tensor) const {
    if (ranges_[tensor.index]) return;
    throw Error(ErrorCode::internal, "no range was observed", "tensor '" + graph_[tensor].name + "'");
  }

  /// Of an input that holds real numbers.
  std::optional<Range> range_of(TensorId input) const {
    if (!input.exists() || graph_[input].dtype != DType::float32) return std::nullopt;
    if (!graph_.is_constant(input)) return ranges_[input.index];
    std::optional<Range> range = range_of_constant(graph_[input]);
    // What stands for infinity is to lie beyond everything, as the outermost level does; on no scale beside
    // it.
    const auto is_infinite = [](float value) { return std::abs(value) >= infinity_in_constants; };
    if (range && is_infinite(range->low) && is_infinite(range->high)) return std::nullopt;
    if (range && is_infinite(range->low)) range->low = range->high;
    if (range && is_infinite(range->high)) range->high = range->low;
    return range;
  }

  std::optional<Range> derived(OperatorId id) const {
    const TfliteOperator& op = graph_[id];
    const QuantizationRule& rule = types_.rule(id);
    if (rule.output == OutputRange::fixed) return fixed_range(rule, types_.type(id));
    if (op.is<tflite::PadV2>()) return padded(op);
    std::optional<Range> result;
    if (rule.output != OutputRange::same_as_input && rule.output != OutputRange::same_as_output)
      return result;
    for (const TensorId input : op.inputs) {
      const auto range = range_of(input);
      if (!range) continue;
      if (!result) {
        result = range;
      } else if (op.is<tflite::Maximum>()) {
        result = Range{std::max(result->low, range->low), std::max(result->high, range->high)};
      } else if (op.is<tflite::Minimum>()) {
        result = Range{std::min(result->low, range->low), std::min(result->high, range->high)};
      } else {
        result = hull(*result, *range);
      }
    }
    return result;
  }

  /// The padding belongs to what is padded, unless it is only there to lose against every element of a
  /// MAX_POOL_2D: the lowest level does that.
  std::optional<Range> padded(const TfliteOperator& op) const {
    const auto range = range_of(op.inputs[0]);
    const auto value = range_of(op.inputs[2]);
    if (!range || !value) return range;
    const auto& users = graph_.users(op.outputs[0]);
    const bool only_pools =
        !graph_.is_output(op.outputs[0]) && std::all_of(users.begin(), users.end(), [&](OperatorId user) {
          return graph_[user].is<tflite::MaxPool2D>();
        });
    if (only_pools && value->high <= std::min(range->low, 0.0f)) return range;
    return hull(*range, *value);
  }

  /// What a SOFTMAX behind makes nothing of needs no room in the range.
  void heed_mask(OperatorId id) {
    const TfliteOperator& op = graph_[id];
    if (!op.is<tflite::Add>() || types_.is_float(id)) return;
    const bool first = graph_.is_constant(op.inputs[0]);
    const auto other = range_of(op.inputs[first ? 1 : 0]);
    if (!other) return;
    const auto steps = static_cast<double>(levels_of(types_.type(id)).steps());
    const auto mask = softmax_mask(graph_, id, *other, steps);
    if (!mask) return;
    Range& sum = *ranges_[op.outputs[0].index];
    sum.high = std::min(sum.high, mask->values.high + other->high);
    sum.low = std::min(std::max(sum.low, mask->lowest_sum), sum.high);
    constants_[{id, mask->constant}] = mask->values;
  }

  void heed_masking_select(OperatorId id) {
    const TensorId scores = scores_of_masking_select(graph_, id);
    const auto range = scores.exists() ? range_of(scores) : std::nullopt;
    const TensorId output = graph_[id].outputs[0];
    if (!range || !ranges_[output.index]) return;
    const auto row = static_cast<std::size_t>(graph_[output].shape.back());
    const double distance = masked_distance(row, static_cast<double>(levels_of(types_.type(output)).steps()));
    Range& chosen = *ranges_[output.index];
    chosen.high = std::min(chosen.high, range->high);
    chosen.low = std::min(std::max(chosen.low, static_cast<float>(range->low - distance)), chosen.high);
  }

  const TfliteGraph& graph_;
  const OperatorTypes& types_;
  Ranges ranges_;
  std::map<Operand, Range> constants_;
};

}  // namespace

std::optional<Range> range_of_constant(const TfliteTensor& tensor) {
  const Tensor constant = tensor.as_tensor();
  std::optional<Range> range;
  for (const float value : constant.as<float>()) {
    if (std::isfinite(value)) range = range ? hull(*range, {value, value}) : Range{value, value};
  }
  return range;
}

CompleteRanges complete_ranges(const TfliteGraph& graph, const OperatorTypes& types, const Ranges& observed) {
  return Completion(graph, types, observed).run();
}

}  // namespace calib8
