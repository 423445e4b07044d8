// CONV_2D, DEPTHWISE_CONV_2D and TRANSPOSE_CONV: versions, options, what XNNPACK takes.

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "ops/convolution/conv_rows.h"
#include "ops/convolution/weighted.h"
#include "ops/file_options.h"
#include "ops/infer_tflite.h"
#include "ops/xnnpack.h"

namespace calib8 {
namespace {

/// Height and width of what a convolution makes of `x` with these weights of [?, height, width, ?].
template <class Op>
Shape convolved(const OperatorView& view, const Shape& x, const Shape& weights, std::int64_t channels) {
  const Op& op = view.options<Op>();
  const Window down{weights[1], op.stride_height, op.dilation_height};
  const Window across{weights[2], op.stride_width, op.dilation_width};
  return {x[0], window_count(view, "height", x[1], down, op.padding),
          window_count(view, "width", x[2], across, op.padding), channels};
}

std::vector<TensorType> infer_conv(const OperatorView& view) {
  const Shape &x = view.shape(0, 4), &weights = view.shape(1, 4);
  const std::int64_t channels = weights[0], depth = weights[3];
  require_weighted(view, 0, 1, 2, channels);
  const std::int64_t groups = x[3] / depth;
  if (groups < 1 || x[3] % depth != 0 || channels % groups != 0) {
    view.fail(fmt::format("filters of depth {} in {} channels don't fit an input of {} channels", depth,
                          channels, x[3]));
  }
  return {{view.input(0).dtype, convolved<tflite::Conv2D>(view, x, weights, channels)}};
}

std::vector<TensorType> infer_depthwise(const OperatorView& view) {
  const Shape &x = view.shape(0, 4), &weights = view.shape(1, 4);
  const std::int64_t channels = weights[3];
  const std::int64_t multiplier = view.options<tflite::DepthwiseConv2D>().depth_multiplier;
  require_weighted(view, 0, 1, 2, channels);
  if (weights[0] != 1) view.fail(fmt::format("its weights have shape {}, not [1, ...]", to_string(weights)));
  if (x[3] * multiplier != channels) {
    view.fail(
        fmt::format("depth multiplier {} does not lead from {} channels to {}", multiplier, x[3], channels));
  }
  return {{view.input(0).dtype, convolved<tflite::DepthwiseConv2D>(view, x, weights, channels)}};
}

/// Its output's shape is given: the convolution that it turns around must lead from there to `x`.
std::vector<TensorType> infer_transpose_conv(const OperatorView& view) {
  const Shape &weights = view.shape(1, 4), &x = view.shape(2, 4);
  const auto& op = view.options<tflite::TransposeConv>();
  const std::int64_t channels = weights[0];
  require_weighted(view, 2, 1, 3, channels);
  if (weights[3] != x[3]) {
    view.fail(fmt::format("filters of depth {} don't fit an input of {} channels", weights[3], x[3]));
  }
  const Shape y = view.integers(0, "its output's sizes");
  if (y.size() != 4 || y[0] != x[0] || y[1] < 1 || y[2] < 1 || y[3] != channels) {
    view.fail(fmt::format("the output's shape {} fits neither the input {} nor the {} filters", to_string(y),
                          to_string(x), channels));
  }
  const std::int64_t height = window_count(view, "height", y[1], {weights[1], op.stride_height}, op.padding);
  const std::int64_t width = window_count(view, "width", y[2], {weights[2], op.stride_width}, op.padding);
  if (height != x[1] || width != x[2]) {
    view.fail(fmt::format("its strides lead from {} to {} x {}, not to the input's {} x {}", to_string(y),
                          height, width, x[1], x[2]));
  }
  return {{view.input(2).dtype, y}};
}

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
  const auto& table = required_table<schema::Conv2DOptions>(op);
  return tflite::Conv2D{from_schema(table.padding()),
                        table.stride_h(),
                        table.stride_w(),
                        table.dilation_h_factor(),
                        table.dilation_w_factor(),
                        from_schema(table.fused_activation_function())};
}

tflite::Options read_depthwise(const schema::Operator& op) {
  const auto& table = required_table<schema::DepthwiseConv2DOptions>(op);
  return tflite::DepthwiseConv2D{from_schema(table.padding()),
                                 table.stride_h(),
                                 table.stride_w(),
                                 table.dilation_h_factor(),
                                 table.dilation_w_factor(),
                                 table.depth_multiplier(),
                                 from_schema(table.fused_activation_function())};
}

tflite::Options read_transpose_conv(const schema::Operator& op) {
  const auto& table = required_table<schema::TransposeConvOptions>(op);
  return tflite::TransposeConv{from_schema(table.padding()), table.stride_h(), table.stride_w(),
                               from_schema(table.fused_activation_function())};
}

const OpFamily::TfliteRow rows[] = {
    {alternative_of<tflite::Conv2D>,
     {.name = tflite::Conv2D::name,
      .inputs = {3, 3},
      .infer = infer_conv,
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
     {.name = tflite::DepthwiseConv2D::name,
      .inputs = {3, 3},
      .infer = infer_depthwise,
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
     {.name = tflite::TransposeConv::name,
      .inputs = {3, 4},
      .infer = infer_transpose_conv,
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
