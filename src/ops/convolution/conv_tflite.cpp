// CONV_2D, DEPTHWISE_CONV_2D and TRANSPOSE_CONV: versions, options, what XNNPACK takes.

#include <array>
#include <cmath>

#include "ops/convolution/conv_rows.h"
#include "ops/convolution/weighted.h"
#include "ops/file_options.h"
#include "ops/xnnpack.h"

namespace calib8 {
namespace {

bool is_per_channel(const TfliteTensor& weights) {
  return weights.quantization && weights.quantization->scales.size() > 1;
}
bool is_hybrid(const TfliteTensor& x, const TfliteTensor& weights) {
  return x.dtype == DType::float32 && weights.dtype == DType::int8;
}

int conv_version(const TfliteGraph& graph, const TfliteOperator& op) {
  const TfliteTensor &x = input_of(graph, op, 0), &weights = input_of(graph, op, 1);
  if (x.shape.at(3) != weights.shape.at(3)) return 6;  // grouped
  if (is_hybrid(x, weights)) return is_per_channel(weights) ? 5 : 2;
  if (x.dtype == DType::int16) return 4;
  return x.dtype == DType::int8 ? 3 : 1;
}

int depthwise_version(const TfliteGraph& graph, const TfliteOperator& op) {
  const TfliteTensor &x = input_of(graph, op, 0), &weights = input_of(graph, op, 1);
  if (is_hybrid(x, weights)) return is_per_channel(weights) ? 6 : 4;
  if (x.dtype == DType::int16) return 5;
  if (x.dtype == DType::int8) return 3;
  const auto& options = std::get<tflite::DepthwiseConv2D>(op.options);
  return options.dilation_height != 1 || options.dilation_width != 1 ? 2 : 1;
}

int transpose_conv_version(const TfliteGraph& graph, const TfliteOperator& op) {
  if (std::get<tflite::TransposeConv>(op.options).activation != tflite::Activation::none) return 4;
  if (op.inputs.size() > 3 && op.inputs[3].exists()) return 3;
  if (input_of(graph, op, 2).dtype == DType::int16) return 3;
  return input_of(graph, op, 1).dtype == DType::int8 ? 2 : 1;
}

bool conv_on_xnnpack(const TfliteGraph& graph, const TfliteOperator& op) {
  return xnnpack_takes_weighted(graph, op, {.data = 0, .weights = 1, .bias = 2, .axis = 0, .hybrid = true});
}
bool depthwise_on_xnnpack(const TfliteGraph& graph, const TfliteOperator& op) {
  return xnnpack_takes_weighted(graph, op, {.data = 0, .weights = 1, .bias = 2, .axis = 3, .hybrid = false});
}
bool transpose_conv_on_xnnpack(const TfliteGraph& graph, const TfliteOperator& op) {
  const auto& options = std::get<tflite::TransposeConv>(op.options);
  const Shape& weights = input_of(graph, op, 1).shape;
  const bool kernel_covers_stride =
      weights.at(1) >= options.stride_height && weights.at(2) >= options.stride_width;
  return input_of(graph, op, 0).is_constant() &&
         (options.padding == tflite::Padding::valid || kernel_covers_stride) &&
         xnnpack_takes_weighted(
             graph, op,
             {.data = 2, .weights = 1, .bias = 3, .axis = 0, .bias_optional = true, .hybrid = true});
}

TfliteOp::WrittenOptions write_conv(flatbuffers::FlatBufferBuilder& builder, const tflite::Options& options) {
  const auto& conv = std::get<tflite::Conv2D>(options);
  return written(
      schema::BuiltinOptions::Conv2DOptions,
      schema::CreateConv2DOptions(builder, to_schema(conv.padding), conv.stride_width, conv.stride_height,
                                  to_schema(conv.activation), conv.dilation_width, conv.dilation_height));
}

TfliteOp::WrittenOptions write_depthwise(flatbuffers::FlatBufferBuilder& builder,
                                         const tflite::Options& options) {
  const auto& conv = std::get<tflite::DepthwiseConv2D>(options);
  return written(schema::BuiltinOptions::DepthwiseConv2DOptions,
                 schema::CreateDepthwiseConv2DOptions(builder, to_schema(conv.padding), conv.stride_width,
                                                      conv.stride_height, conv.depth_multiplier,
                                                      to_schema(conv.activation), conv.dilation_width,
                                                      conv.dilation_height));
}

TfliteOp::WrittenOptions write_transpose_conv(flatbuffers::FlatBufferBuilder& builder,
                                              const tflite::Options& options) {
  const auto& conv = std::get<tflite::TransposeConv>(options);
  return written(schema::BuiltinOptions::TransposeConvOptions,
                 schema::CreateTransposeConvOptions(builder, to_schema(conv.padding), conv.stride_width,
                                                    conv.stride_height, to_schema(conv.activation)));
}

tflite::Options read_conv(const schema::Operator& op) {
  const auto* table = op.builtin_options_as_Conv2DOptions();
  if (!table) return tflite::Conv2D{};
  return tflite::Conv2D{from_schema(table->padding()),
                        table->stride_h(),
                        table->stride_w(),
                        table->dilation_h_factor(),
                        table->dilation_w_factor(),
                        from_schema(table->fused_activation_function())};
}

tflite::Options read_depthwise(const schema::Operator& op) {
  const auto* table = op.builtin_options_as_DepthwiseConv2DOptions();
  if (!table) return tflite::DepthwiseConv2D{};
  return tflite::DepthwiseConv2D{from_schema(table->padding()),
                                 table->stride_h(),
                                 table->stride_w(),
                                 table->dilation_h_factor(),
                                 table->dilation_w_factor(),
                                 table->depth_multiplier(),
                                 from_schema(table->fused_activation_function())};
}

tflite::Options read_transpose_conv(const schema::Operator& op) {
  const auto* table = op.builtin_options_as_TransposeConvOptions();
  if (!table) return tflite::TransposeConv{};
  return tflite::TransposeConv{from_schema(table->padding()), table->stride_h(), table->stride_w(),
                               from_schema(table->fused_activation_function())};
}

const OpFamily::TfliteRow rows[] = {
    {alternative_of<tflite::Conv2D>,
     {.name = "CONV_2D",
      .builtin_code = 3,
      .rule = has_weights<WeightsRule{.input = 1, .axis = 0, .bias = 2, .data = 0}>,
      .version = conv_version,
      .write = write_conv,
      .read = read_conv,
      .runs_on_xnnpack = conv_on_xnnpack,
      .minimum_runtime =
          [](int version) {
            return release_of(version,
                              {"1.5.0", "1.14.0", "1.14.0", "2.3.0", "2.4.0", "2.9.0", "2.11.0", "2.15.0"});
          }}},
    {alternative_of<tflite::DepthwiseConv2D>,
     {.name = "DEPTHWISE_CONV_2D",
      .builtin_code = 4,
      .rule = has_weights<WeightsRule{.input = 1, .axis = 3, .bias = 2, .data = 0}>,
      .version = depthwise_version,
      .write = write_depthwise,
      .read = read_depthwise,
      .runs_on_xnnpack = depthwise_on_xnnpack,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.5.0", "1.12.0", "1.14.0", "2.2.0", "2.3.0", "2.3.0", "2.11.0"});
          }}},
    {alternative_of<tflite::TransposeConv>,
     {.name = "TRANSPOSE_CONV",
      .builtin_code = 67,
      .rule = has_weights<WeightsRule{.input = 1, .axis = 0, .bias = 3, .data = 2}>,
      .version = transpose_conv_version,
      .write = write_transpose_conv,
      .read = read_transpose_conv,
      .runs_on_xnnpack = transpose_conv_on_xnnpack,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.9.0", "2.2.0", "2.3.0", "2.13.0", "2.15.0"});
          }}},
};

}  // namespace

std::span<const OpFamily::TfliteRow> conv_tflite_rows() {
  return rows;
}

}  // namespace calib8
