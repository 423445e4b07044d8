// CONV_3D, which has float kernels only.

#include <fmt/format.h>

#include "ops/plain_rows.h"

namespace calib8 {
namespace {

constexpr std::array floats = {DType::float32};

std::vector<TensorType> infer_conv_3d(const OperatorView& view) {
  view.require_type(0, floats);
  view.require_type(1, floats);
  const Shape &x = view.shape(0, 5), &weights = view.shape(1, 5);
  if (weights[3] != x[4])
    view.fail(fmt::format("weights of shape {} don't fit {}", to_string(weights), to_string(x)));
  if (view.has_input(2) && view.input(2).shape != Shape{weights[4]})
    view.fail("its bias doesn't fit its weights");
  const auto& conv = view.options<tflite::Conv3D>();
  const Shape sizes{
      window_count(view, "depth", x[1], {weights[0], conv.stride_depth, conv.dilation_depth}, conv.padding),
      window_count(view, "height", x[2], {weights[1], conv.stride_height, conv.dilation_height},
                   conv.padding),
      window_count(view, "width", x[3], {weights[2], conv.stride_width, conv.dilation_width}, conv.padding)};
  return {{DType::float32, {x[0], sizes[0], sizes[1], sizes[2], weights[4]}}};
}

TfliteOp::WrittenOptions write_conv_3d(flatbuffers::FlatBufferBuilder& builder,
                                       const tflite::Options& options) {
  const auto& conv = std::get<tflite::Conv3D>(options);
  return written(
      schema::BuiltinOptions::Conv3DOptions,
      schema::CreateConv3DOptions(builder, to_schema(conv.padding), conv.stride_depth, conv.stride_width,
                                  conv.stride_height, to_schema(conv.activation), conv.dilation_depth,
                                  conv.dilation_width, conv.dilation_height));
}

tflite::Options read_conv_3d(const schema::Operator& op) {
  const auto& table = required_table<schema::Conv3DOptions>(op);
  return tflite::Conv3D{from_schema(table.padding()),
                        table.stride_d(),
                        table.stride_h(),
                        table.stride_w(),
                        table.dilation_d_factor(),
                        table.dilation_h_factor(),
                        table.dilation_w_factor(),
                        from_schema(table.fused_activation_function())};
}

constexpr OpFamily::TfliteRow rows[] = {
    row_of<tflite::Conv3D>({.inputs = {2, 3},
                            .infer = infer_conv_3d,
                            .builtin_code = 132,
                            .rule = keep_float("there is no integer kernel for volumes"),
                            .write = write_conv_3d,
                            .read = read_conv_3d,
                            .minimum_runtime = [](int) -> std::string_view { return "2.5.0"; }}),
};

}  // namespace

const OpFamily& conv_3d_family() {
  static const OpFamily family{{}, rows};
  return family;
}

}  // namespace calib8
