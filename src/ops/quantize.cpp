// QUANTIZE and DEQUANTIZE: TFLite only. ONNX's QuantizeLinear and DequantizeLinear are not lowered.

#include <fmt/format.h>

#include <array>

#include "ops/all_ops.h"
#include "ops/file_options.h"
#include "ops/infer_tflite.h"
#include "ops/xnnpack.h"

namespace calib8 {
namespace {

constexpr std::size_t xnnpack_most_dimensions = 6;  // XNN_MAX_TENSOR_DIMS

/// The output's type is a choice; only which there are depends on the input's.
std::vector<TensorType> infer_quantize(const OperatorView& view) {
  constexpr std::array types = {DType::float32, DType::int8, DType::uint8, DType::int16, DType::int32};
  view.require_type(0, types);
  const TfliteTensor &x = view.input(0), &y = view.graph[view.op.outputs.at(0)];
  const bool is_narrow = y.dtype == DType::int8 || y.dtype == DType::int16;
  const bool is_known =
      is_narrow || (y.dtype == DType::uint8 && x.dtype != DType::int16 && x.dtype != DType::int32);
  if (!is_known || !y.quantization || (x.dtype != DType::float32 && !x.quantization)) {
    view.fail(fmt::format("can't make {}{} of {}{}", name_of(y.dtype),
                          y.quantization ? "" : " without a scale", name_of(x.dtype),
                          x.quantization ? "" : " without a scale"));
  }
  return {{y.dtype, x.shape}};
}

std::vector<TensorType> infer_dequantize(const OperatorView& view) {
  constexpr std::array types = {DType::float16, DType::int8, DType::uint8, DType::int16};
  view.require_type(0, types);
  const TfliteTensor& x = view.input(0);
  if (x.dtype != DType::float16 && !x.quantization) {
    view.fail(fmt::format("reads '{}' of {} without a scale", x.name, name_of(x.dtype)));
  }
  return {{DType::float32, x.shape}};
}

bool is_per_channel(const TfliteTensor& tensor) {
  return tensor.quantization && tensor.quantization->scales.size() > 1;
}

int quantize_version(const TfliteGraph& graph, const TfliteOperator& op) {
  const TfliteTensor& y = output_of(graph, op);
  if (is_per_channel(y)) return 3;
  return y.dtype == DType::int16 ? 2 : 1;
}

/// From float32, and from int8 where 1/256 <= input scale / output scale <= 128.
bool quantize_on_xnnpack(const TfliteGraph& graph, const TfliteOperator& op) {
  const TfliteTensor &x = input_of(graph, op, 0), &y = output_of(graph, op);
  if (!is_quantized(y, DType::int8) || y.shape.size() > xnnpack_most_dimensions) return false;
  if (x.dtype == DType::float32) return true;
  if (!is_quantized(x, DType::int8)) return false;
  const float ratio = x.quantization->scales[0] / y.quantization->scales[0];
  return ratio >= 1.0f / 256.0f && ratio <= 128.0f;
}

int dequantize_version(const TfliteGraph& graph, const TfliteOperator& op) {
  const TfliteTensor& x = input_of(graph, op, 0);
  if (x.dtype == DType::int16 || x.dtype == DType::float16) return 3;
  if (x.dtype == DType::int8) return is_per_channel(x) ? 5 : 2;
  return 1;
}

/// int8 and uint8 with one scale; of constants also float16 and int8 with a scale per channel, which the
/// delegate turns to float32 when the model is loaded.
bool dequantize_on_xnnpack(const TfliteGraph& graph, const TfliteOperator& op) {
  const TfliteTensor &x = input_of(graph, op, 0), &y = output_of(graph, op);
  if (y.dtype != DType::float32 || y.shape.size() > xnnpack_most_dimensions) return false;
  if (x.is_constant())
    return x.dtype == DType::float16 || (x.dtype == DType::int8 && x.quantization.has_value());
  return is_quantized(x, DType::int8) || is_quantized(x, DType::uint8);
}

const OpFamily::TfliteRow rows[] = {
    {alternative_of<tflite::Quantize>,
     {.name = tflite::Quantize::name,
      .infer = infer_quantize,
      .is_elementwise = true,
      .builtin_code = 114,
      .rule = {{.output = OutputRange::no_range, .relation = ScaleRelation::rescaled}},
      .version = quantize_version,
      .read = read_plain<tflite::Quantize>,
      .runs_on_xnnpack = quantize_on_xnnpack,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.14.0", "1.15.0", "2.7.0"});
          }}},
    {alternative_of<tflite::Dequantize>,
     {.name = tflite::Dequantize::name,
      .infer = infer_dequantize,
      .is_elementwise = true,
      .builtin_code = 6,
      .rule = {OutputRange::no_range},
      .version = dequantize_version,
      .read = read_plain<tflite::Dequantize>,
      .runs_on_xnnpack = dequantize_on_xnnpack,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.13.1", "1.14.0", "1.15.0", "2.2.0", "2.7.0"});
          }}},
};

}  // namespace

const OpFamily& quantize_family() {
  static const OpFamily family{{}, rows};
  return family;
}

}  // namespace calib8
