#include "quantize/activation_ranges.h"

#include <algorithm>
#include <cmath>

#include "calib8/error.h"
#include "tflite_graph/levels.h"

namespace calib8 {
namespace {

/// What the int8 form of a prescribed quantization can hold, and so every form of it.
Range fixed_range(const QuantizationRule& rule) {
  const Levels levels = levels_of(DType::int8);
  const auto value = [&](std::int64_t level) {
    return rule.fixed_scale * static_cast<float>(level - rule.fixed_zero_point);
  };
  return {value(levels.lowest), value(levels.highest)};
}

/// Exporters write infinity as the lowest float32, or as 1e30 and the like.
constexpr float infinity_in_constants = 1e30f;

class Completion {
 public:
  Completion(const TfliteGraph& graph, const OperatorTypes& types, const Ranges& observed)
      : graph_(graph), types_(types), ranges_(observed) {
    ranges_.resize(graph.value_count());
  }

  Ranges run() {
    for (const TensorId input : graph_.inputs()) {
      if (is_activation(graph_, input)) require(input);
    }
    for (const OperatorId id : graph_.nodes()) {
      for (const TensorId output : graph_[id].outputs) {
        if (!is_activation(graph_, output)) continue;
        if (!ranges_[output.index]) ranges_[output.index] = derived(id);
        require(output);
      }
    }
    return std::move(ranges_);
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
    if (rule.output == OutputRange::fixed) return fixed_range(rule);
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

  const TfliteGraph& graph_;
  const OperatorTypes& types_;
  Ranges ranges_;
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

Ranges complete_ranges(const TfliteGraph& graph, const OperatorTypes& types, const Ranges& observed) {
  return Completion(graph, types, observed).run();
}

}  // namespace calib8
