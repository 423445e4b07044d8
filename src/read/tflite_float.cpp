#include "read/tflite_float.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "calib8/error.h"
#include "ops/target.h"
#include "ops/tflite_op.h"

namespace calib8 {
namespace {

/// The real numbers that a constant's elements stand for.
std::vector<float> real_values(const TfliteTensor& tensor) {
  std::vector<float> values = to_float(tensor.as_tensor());
  if (!tensor.quantization) return values;
  const auto& [scales, zero_points, axis] = *tensor.quantization;
  std::size_t inner = 1;  // elements between one index of the axis and the next
  for (std::size_t i = static_cast<std::size_t>(axis) + 1; i < tensor.shape.size(); ++i)
    inner *= static_cast<std::size_t>(tensor.shape[i]);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t index = scales.size() == 1 ? 0 : i / inner % scales.size();
    values[i] = scales[index] * (values[i] - static_cast<float>(zero_points[index]));
  }
  return values;
}

/// float16, and integers with scales: types that a file stores weights in.
bool is_stored_narrow(const TfliteTensor& tensor) {
  if (!tensor.is_constant()) return false;
  if (tensor.dtype == DType::float16) return true;
  const bool is_narrow =
      tensor.dtype == DType::int8 || tensor.dtype == DType::uint8 || tensor.dtype == DType::int16;
  return is_narrow && tensor.quantization.has_value();
}

class Conversion {
 public:
  Conversion(TfliteGraph& graph, const std::string& where) : graph_(graph), where_(where) {
    for (const TensorId output : graph.outputs()) outputs_.insert(output.index);
  }

  void run() {
    for (const OperatorId id : graph_.nodes()) widen_operands(id);
    for (const TensorId input : graph_.inputs()) require_float32(graph_[input]);
    for (const TensorId output : graph_.outputs()) {
      if (graph_.is_constant(output)) fail(fmt::format("output '{}' is a constant", graph_[output].name));
    }
    for (const OperatorId id : graph_.nodes()) {
      for (const TensorId output : graph_[id].outputs) require_float32(graph_[output]);
      require_finite_operands(graph_[id]);
    }
    for (std::size_t i = 0; i < graph_.value_count(); ++i) graph_[graph_.value_at(i)].quantization.reset();
  }

 private:
  [[noreturn]] void fail(const std::string& message) const { throw Error(ErrorCode::model, message, where_); }

  /// A DEQUANTIZE of such a constant goes; another operator that reads one and writes float32 reads its
  /// values.
  void widen_operands(OperatorId id) {
    const TfliteOperator& op = graph_[id];
    if (op.outputs.empty() || graph_[op.outputs[0]].dtype != DType::float32) return;
    if (op.is<tflite::Dequantize>()) {
      if (widen_table(id)) return;
      if (!is_stored_narrow(graph_[op.inputs[0]]) || outputs_.contains(op.outputs[0].index)) return;
      graph_.replace_uses(op.outputs[0], widened(op.inputs[0]));
      graph_.remove(id);
      return;
    }
    for (std::size_t i = 0; i < op.inputs.size(); ++i) {
      if (op.inputs[i].exists() && is_stored_narrow(graph_[op.inputs[i]]))
        graph_.set_input(id, i, widened(op.inputs[i]));
    }
  }

  /// GATHER(narrow table) -> DEQUANTIZE: the rows of a table of floats.
  bool widen_table(OperatorId id) {
    const TensorId rows = graph_[id].inputs[0], result = graph_[id].outputs[0];
    const OperatorId gather = graph_.producer(rows);
    if (!gather.exists() || !graph_[gather].is<tflite::Gather>() || outputs_.contains(rows.index) ||
        outputs_.contains(result.index))
      return false;
    const TensorId table = graph_[gather].inputs[0];
    const auto widens = [&](OperatorId reader) { return graph_[reader].is<tflite::Dequantize>(); };
    if (is_stored_narrow(graph_[table]) && std::ranges::all_of(graph_.users(rows), widens)) {
      graph_.set_input(gather, 0, widened(table));
      graph_[rows].dtype = DType::float32;
      graph_[rows].quantization.reset();
    }
    if (graph_[rows].dtype != DType::float32) return false;
    graph_.replace_uses(result, rows);
    graph_.remove(id);
    return true;
  }

  /// The constant in float32, made once.
  TensorId widened(TensorId id) {
    const auto [entry, is_new] = widened_.try_emplace(id.index);
    if (is_new) {
      const TfliteTensor& narrow = graph_[id];
      entry->second = graph_.add_constant(narrow.name, make_tensor(narrow.shape, real_values(narrow)));
    }
    return entry->second;
  }

  /// Whole numbers without a scale are tokens, masks or indices.
  void require_float32(const TfliteTensor& tensor) const {
    const bool is_whole = !is_floating(tensor.dtype) && !tensor.quantization;
    if (tensor.dtype == DType::float32 || is_whole) return;
    if (tensor.quantization) {
      fail(fmt::format("the model is quantized already: tensor '{}' is {}; give the float model", tensor.name,
                       name_of(tensor.dtype)));
    }
    fail(fmt::format("tensor '{}' is {}; calib8 converts models that compute in float32", tensor.name,
                     name_of(tensor.dtype)));
  }

  void require_finite_operands(const TfliteOperator& op) {
    const auto weights = quantization_rule(graph_, op, TargetTraits{}).weights;
    for (std::size_t i = 0; i < op.inputs.size(); ++i) {
      const TensorId id = op.inputs[i];
      if (!id.exists() || !graph_.is_constant(id) || graph_[id].dtype != DType::float32) continue;
      const bool takes_infinity = !weights || (i != weights->input && i != weights->bias);
      require_finite(id, takes_infinity);
    }
  }

  /// Infinity has a meaning in a padding or a mask; in weights it has none, and NaN has none anywhere.
  void require_finite(TensorId id, bool takes_infinity) {
    const auto [entry, is_new] = worst_.try_emplace(id.index, 0.0f);
    if (is_new) entry->second = worst_value(graph_[id]);
    const float worst = entry->second;
    if (std::isfinite(worst) || (takes_infinity && std::isinf(worst))) return;
    fail(fmt::format("tensor '{}' holds {}: training diverged, or the file is damaged", graph_[id].name,
                     std::isnan(worst) ? "NaN" : "infinity"));
  }

  /// NaN where there is one, else an infinity where there is one, else 0.
  static float worst_value(const TfliteTensor& tensor) {
    const Tensor values = tensor.as_tensor();
    float worst = 0;
    for (const float value : values.as<float>()) {
      if (std::isnan(value)) return value;
      if (std::isinf(value)) worst = value;
    }
    return worst;
  }

  TfliteGraph& graph_;
  const std::string& where_;
  std::unordered_set<std::uint32_t> outputs_;            // by TensorId::index
  std::unordered_map<std::uint32_t, TensorId> widened_;  // by the narrow constant's index
  std::unordered_map<std::uint32_t, float> worst_;       // by a constant's index
};

}  // namespace

void convert_to_float32(TfliteGraph& graph, const std::string& where) {
  Conversion(graph, where).run();
}

}  // namespace calib8
