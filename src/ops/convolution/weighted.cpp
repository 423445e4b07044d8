#include "ops/convolution/weighted.h"

#include <algorithm>
#include <cmath>

#include "ops/xnnpack.h"

namespace calib8 {
namespace {

/// Known when the model is loaded: a constant, or the DEQUANTIZE of one, which the delegate folds.
bool is_static(const TfliteGraph& graph, TensorId tensor) {
  if (graph.is_constant(tensor)) return true;
  const OperatorId producer = graph.producer(tensor);
  return producer.exists() && graph[producer].is<tflite::Dequantize>() &&
         graph.is_constant(graph[producer].inputs.at(0));
}

bool are_int8_weights(const TfliteTensor& weights, std::int32_t axis) {
  if (weights.dtype != DType::int8 || !weights.is_constant() || !weights.quantization) return false;
  const Quantization& quantization = *weights.quantization;
  const std::size_t count = quantization.scales.size();
  if (count == 0 || quantization.zero_points.size() != count) return false;
  const std::int64_t channels = weights.shape.at(static_cast<std::size_t>(axis));
  const bool is_whole = count == 1 && quantization.axis == 0;
  const bool is_per_channel = quantization.axis == axis && static_cast<std::int64_t>(count) == channels;
  return (is_whole || is_per_channel) &&
         std::all_of(quantization.scales.begin(), quantization.scales.end(),
                     [](float scale) { return scale > 0 && std::isnormal(scale); }) &&
         std::all_of(quantization.zero_points.begin(), quantization.zero_points.end(),
                     [](std::int64_t zero_point) { return zero_point == 0; });
}

bool is_int8_bias(const TfliteTensor& bias, std::size_t scale_count) {
  return bias.dtype == DType::int32 && bias.is_constant() && bias.quantization &&
         bias.quantization->scales.size() == scale_count && bias.quantization->axis == 0;
}

bool multipliers_fit(const TfliteTensor& x, const TfliteTensor& weights, const TfliteTensor& y) {
  const double ratio =
      static_cast<double>(x.quantization->scales[0]) / static_cast<double>(y.quantization->scales[0]);
  return std::all_of(weights.quantization->scales.begin(), weights.quantization->scales.end(),
                     [&](float scale) { return ratio * static_cast<double>(scale) < 256.0; });
}

}  // namespace

bool xnnpack_takes_weighted(const TfliteGraph& graph, const TfliteOperator& op,
                            const WeightedInputs& inputs) {
  const TfliteTensor& x = input_of(graph, op, inputs.data);
  const TfliteTensor& weights = input_of(graph, op, inputs.weights);
  const TfliteTensor& y = output_of(graph, op);
  const bool has_bias = op.inputs.size() > inputs.bias && op.inputs[inputs.bias].exists();
  if (!has_bias && !inputs.bias_optional) return false;
  const auto type = xnnpack_type({&x, &y});
  if (type == DType::float32) {
    if (has_bias && (graph[op.inputs[inputs.bias]].dtype != DType::float32 ||
                     !is_static(graph, op.inputs[inputs.bias]))) {
      return false;
    }
    if (weights.dtype == DType::float32) return is_static(graph, op.inputs[inputs.weights]);
    return inputs.hybrid && are_int8_weights(weights, inputs.axis);
  }
  return type == DType::int8 && are_int8_weights(weights, inputs.axis) &&
         (!has_bias || is_int8_bias(graph[op.inputs[inputs.bias]], weights.quantization->scales.size())) &&
         multipliers_fit(x, weights, y);
}

}  // namespace calib8
