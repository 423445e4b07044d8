// Conv. Its TFLite half is conv_tflite.cpp and conv_3d.cpp.

#include <algorithm>

#include "ops/convolution/conv_constants.h"
#include "ops/convolution/conv_rows.h"
#include "ops/convolution/spatial.h"
#include "ops/convolution/weights.h"
#include "ops/emit.h"
#include "ops/lowering.h"

namespace calib8 {
namespace {

// --- ONNX: Conv ---

/// Sizes of x [N, C, spatial] and weights [O, C / group, kernel], held against each other.
struct ConvShape {
  std::int64_t group, out_channels;
  Shape kernel;
  std::vector<Dimension> input;  ///< Spatial sizes of x.
};

ConvShape read_conv(const NodeView& view) {
  const OnnxType& x = view.input_type(0);
  const Shape weights = view.input_shape(1);
  if (!x.has_rank()) view.fail("the rank of its input is unknown");
  if (x.shape->size() < 3 || weights.size() != x.shape->size()) {
    view.fail("weights of shape " + to_string(weights) + " don't fit an input of rank " +
              std::to_string(x.shape->size()));
  }
  ConvShape conv{view.node.get_int("group", 1), weights[0], Shape(weights.begin() + 2, weights.end()),
                 std::vector<Dimension>(x.shape->begin() + 2, x.shape->end())};
  if (conv.group < 1 || conv.group > 0x7fffffff || conv.out_channels < 1 || weights[1] < 1 ||
      conv.out_channels % conv.group != 0) {
    view.fail(std::to_string(conv.group) + " groups don't fit weights of shape " + to_string(weights));
  }
  const Dimension& channels = (*x.shape)[1];
  if (channels.is_known() && (channels.size % conv.group != 0 || channels.size / conv.group != weights[1])) {
    view.fail("weights of shape " + to_string(weights) + " in " + std::to_string(conv.group) +
              " groups don't fit " + std::to_string(channels.size) + " channels");
  }
  if (view.node.get_ints("kernel_shape", conv.kernel) != conv.kernel) {
    view.fail("kernel_shape differs from its weights' " + to_string(weights));
  }
  return conv;
}

std::vector<OnnxType> infer_conv(const NodeView& view) {
  if (!view.input_type(0).has_rank()) return {view.input_type(0)};
  const ConvShape conv = read_conv(view);
  return {windowed_type(view, read_windows(view, conv.kernel, conv.input), {conv.out_channels, {}})};
}

/// NHWC `x` and its windows in one of TFLite's two paddings, behind a PAD where neither fits.
struct PaddedImage {
  TensorId x;
  tflite::Padding padding;
};

PaddedImage pad_image(Lowering& lowering, TensorId x, const std::vector<Window>& windows,
                      const Shape& output) {
  const Shape shape = lowering.target[x].shape;
  const PaddingForm form = padding_form(windows, {shape[1], shape[2]}, output);
  if (form.is_valid) return {x, tflite::Padding::valid};
  if (form.is_same) return {x, tflite::Padding::same};
  return {emit_image_padding(lowering, x, form), tflite::Padding::valid};
}

template <class Op>
Op with_windows(const std::vector<Window>& windows, tflite::Padding padding) {
  Op op;
  op.padding = padding;
  op.stride_height = static_cast<std::int32_t>(windows[0].stride);
  op.stride_width = static_cast<std::int32_t>(windows[1].stride);
  op.dilation_height = static_cast<std::int32_t>(windows[0].dilation);
  op.dilation_width = static_cast<std::int32_t>(windows[1].dilation);
  return op;
}

//   Conv(x, w [O, I, H, W], b)   ->   TRANSPOSE, [PAD], CONV_2D(w [O, H, W, I]), TRANSPOSE
//   with group = channels > 1    ->   ...  DEPTHWISE_CONV_2D(w [1, H, W, O])  ...
Refusal lower_conv(Lowering& lowering) {
  const ConvShape conv = read_conv(lowering);
  if (Refusal refusal = refuse_computed_weights(lowering)) return refusal;
  if (conv.kernel.size() == 3) return lower_volume(lowering, conv.group, conv.kernel, conv.input);
  if (conv.kernel.size() > 3) return "convolution over " + std::to_string(conv.kernel.size()) + " dimensions";
  const Shape output = lowering.output_shape();
  const std::vector<Window> windows = as_image(read_windows(lowering, conv.kernel, conv.input), Window{});
  const Shape out = as_image(Shape(output.begin() + 2, output.end()), std::int64_t{1});
  const Shape kernel = as_image(conv.kernel, std::int64_t{1});
  const Tensor& weights = *lowering.constant(1);

  const TensorId image = enter_image(lowering, lowering.input(0));
  const std::int64_t channels = lowering.target[image].shape[3];
  const auto [x, padding] = pad_image(lowering, image, windows, out);
  const TensorId bias = bias_constant(lowering, conv.out_channels);
  const Shape result = {output[0], out[0], out[1], conv.out_channels};
  TensorId y;
  if (conv.group > 1 && conv.group == channels) {
    auto op = with_windows<tflite::DepthwiseConv2D>(windows, padding);
    op.depth_multiplier = static_cast<std::int32_t>(conv.out_channels / channels);
    const Tensor transposed = swap_rows_and_columns(weights, 1, conv.out_channels, kernel[0] * kernel[1],
                                                    {1, kernel[0], kernel[1], conv.out_channels});
    y = lowering.emit(op, {x, weights_constant(lowering, transposed), bias}, result);
  } else {
    const std::int64_t depth = weights.shape[1];
    const Tensor transposed = swap_rows_and_columns(weights, conv.out_channels, depth, kernel[0] * kernel[1],
                                                    {conv.out_channels, kernel[0], kernel[1], depth});
    y = lowering.emit(with_windows<tflite::Conv2D>(windows, padding),
                      {x, weights_constant(lowering, transposed), bias}, result);
  }
  lowering.set_output(0, leave_image(lowering, y));
  return std::nullopt;
}

const OnnxOp onnx_rows[] = {
    {.type = "Conv",
     .inputs = {2, 3},
     .infer = infer_conv,
     .lower = lower_conv,
     .traits = {.defaults = window_defaults}},
};

}  // namespace

const OpFamily& conv_family() {
  static const OpFamily family{onnx_rows, conv_tflite_rows()};
  return family;
}

}  // namespace calib8
