// Conv and ConvTranspose. Their TFLite half is conv_tflite.cpp.

#include <algorithm>

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

/// The bias as a constant [channels]; zeros where the node has none, as LiteRT's kernels insist on one.
TensorId bias_constant(Lowering& lowering, std::int64_t channels) {
  if (!lowering.has_input(2)) {
    return lowering.constant("bias",
                             make_tensor({channels}, std::vector<float>(static_cast<std::size_t>(channels))));
  }
  if (lowering.constant(2)->count() != channels) {
    lowering.fail("its bias has not one value per channel of the " + std::to_string(channels));
  }
  return lowering.input(2);
}

Refusal refuse_conv(const Lowering& lowering, std::size_t spatial_rank) {
  if (spatial_rank > 2) return "convolution over " + std::to_string(spatial_rank) + " dimensions";
  if (!lowering.constant(1)) return "weights that are not constant";
  if (lowering.has_input(2) && !lowering.constant(2)) return "a bias that is not constant";
  return refuse_integers(lowering);
}

/// Weights under the name that they have in the checkpoint.
TensorId weights_constant(Lowering& lowering, Tensor weights) {
  return lowering.target.add_constant(lowering.graph[lowering.node.inputs[1]].name, std::move(weights));
}

/// Convolutions along one dimension run as images of height 1.
template <class T>
std::vector<T> as_image(std::vector<T> spatial, T height) {
  if (spatial.size() == 1) spatial.insert(spatial.begin(), std::move(height));
  return spatial;
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
  if (Refusal refusal = refuse_conv(lowering, conv.kernel.size())) return refusal;
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

// --- ONNX: ConvTranspose ---

/// What a transposed convolution does along one dimension: of `full` elements it keeps `size` from
/// `crop_before` on; those beyond `full` see no weights, only the bias.
struct TransposedWindow {
  std::int64_t stride, dilation;
  std::int64_t full, crop_before, size;
};

struct ConvTransposeShape {
  std::int64_t group, out_channels;
  Shape kernel;
};

ConvTransposeShape read_conv_transpose(const NodeView& view) {
  const OnnxType& x = view.input_type(0);
  const Shape weights = view.input_shape(1);  // [I, O / group, kernel]
  if (!x.has_rank()) view.fail("the rank of its input is unknown");
  if (x.shape->size() < 3 || weights.size() != x.shape->size()) {
    view.fail("weights of shape " + to_string(weights) + " don't fit an input of rank " +
              std::to_string(x.shape->size()));
  }
  const std::int64_t group = view.node.get_int("group", 1);
  if (group < 1 || group > 0x7fffffff || weights[1] < 1 || weights[1] > 0x7fffffff ||
      ((*x.shape)[1].is_known() && (*x.shape)[1].size != weights[0])) {
    view.fail("weights of shape " + to_string(weights) + " don't fit its input");
  }
  return {group, group * weights[1], Shape(weights.begin() + 2, weights.end())};
}

TransposedWindow transposed_window(const NodeView& view, const Window& window, std::int64_t input,
                                   std::size_t axis, std::size_t rank) {
  const Shape extra = view.node.get_ints("output_padding", Shape(rank, 0));
  const Shape wanted = view.node.get_ints("output_shape", {});
  const std::string auto_pad = view.node.get_string("auto_pad", "NOTSET");
  if (extra.size() != rank || extra[axis] < 0 || extra[axis] >= std::max(window.stride, window.dilation) ||
      input < 1 || input > 0x7fffffff) {
    view.fail("its output_padding or input size can't be right");
  }
  TransposedWindow result{window.stride, window.dilation, window.stride * (input - 1) + window.extent(),
                          window.pad_before, 0};
  result.size = result.full + extra[axis] - window.pad_before - window.pad_after;
  if (!wanted.empty() || auto_pad.starts_with("SAME")) {
    if (!wanted.empty() && wanted.size() < rank) view.fail("output_shape has too few sizes");
    result.size = wanted.empty() ? input * window.stride : wanted[wanted.size() - rank + axis];
    const std::int64_t total = std::max<std::int64_t>(result.full + extra[axis] - result.size, 0);
    result.crop_before = auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
  }
  if (result.size < 1 || result.size > 0x7fffffff) view.fail("its output would have no elements");
  return result;
}

/// auto_pad means something else here than read_windows() reads into it.
std::vector<Window> read_transposed_windows(const NodeView& view, const Shape& kernel) {
  return read_windows(view, kernel, {});
}

std::vector<OnnxType> infer_conv_transpose(const NodeView& view) {
  if (!view.input_type(0).has_rank()) return {view.input_type(0)};
  const ConvTransposeShape conv = read_conv_transpose(view);
  const std::vector<Window> windows = read_transposed_windows(view, conv.kernel);
  const OnnxType& x = view.input_type(0);
  OnnxType y{x.dtype, std::vector<Dimension>{(*x.shape)[0], {conv.out_channels, {}}}};
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const Dimension& input = (*x.shape)[i + 2];
    y.shape->push_back(
        input.is_known()
            ? Dimension{transposed_window(view, windows[i], input.size, i, windows.size()).size, {}}
            : Dimension{});
  }
  return {y};
}

//   ConvTranspose(x, w [I, O, H, W], b)   ->   TRANSPOSE, TRANSPOSE_CONV VALID (w [O, H, W, I]), [SLICE],
//   TRANSPOSE
Refusal lower_conv_transpose(Lowering& lowering) {
  const ConvTransposeShape conv = read_conv_transpose(lowering);
  if (Refusal refusal = refuse_conv(lowering, conv.kernel.size())) return refusal;
  if (conv.group != 1) return "groups in a transposed convolution";
  const Shape input = lowering.input_shape(0);
  std::vector<TransposedWindow> windows;
  for (const Window& window : read_transposed_windows(lowering, conv.kernel)) {
    const std::size_t axis = windows.size();
    windows.push_back(transposed_window(lowering, window, input[axis + 2], axis, conv.kernel.size()));
    if (window.dilation != 1) return "dilation in a transposed convolution";
    const TransposedWindow& last = windows.back();
    if (last.crop_before + last.size >= last.full + last.stride) return "an output_shape beyond its windows";
  }
  windows = as_image(std::move(windows), TransposedWindow{1, 1, 1, 0, 1});
  const Shape kernel = as_image(conv.kernel, std::int64_t{1});
  const Tensor& weights = *lowering.constant(1);
  const Tensor transposed =
      swap_rows_and_columns(weights, 1, weights.shape[0], conv.out_channels * kernel[0] * kernel[1],
                            {conv.out_channels, kernel[0], kernel[1], weights.shape[0]});

  const TensorId x = enter_image(lowering, lowering.input(0));
  Shape full = {input[0], 0, 0, conv.out_channels};
  for (std::size_t i = 0; i < 2; ++i) {
    full[i + 1] = std::max(windows[i].full, windows[i].crop_before + windows[i].size);
  }
  const Shape kept = {input[0], windows[0].size, windows[1].size, conv.out_channels};
  const bool is_cropped = full != kept;
  const tflite::TransposeConv op{tflite::Padding::valid, static_cast<std::int32_t>(windows[0].stride),
                                 static_cast<std::int32_t>(windows[1].stride)};
  TensorId y =
      lowering.emit(op,
                    {lowering.constant("output_shape", as_int32(lowering, full)),
                     weights_constant(lowering, transposed), x, bias_constant(lowering, conv.out_channels)},
                    full, is_cropped ? "full" : "");
  y = emit_slice(lowering, y, {0, windows[0].crop_before, windows[1].crop_before, 0}, kept);
  lowering.set_output(0, leave_image(lowering, y));
  return std::nullopt;
}

const OnnxOp onnx_rows[] = {
    {.type = "Conv",
     .inputs = {2, 3},
     .infer = infer_conv,
     .lower = lower_conv,
     .traits = {.defaults = window_defaults}},
    {.type = "ConvTranspose",
     .inputs = {2, 3},
     .infer = infer_conv_transpose,
     .lower = lower_conv_transpose,
     .traits = {.defaults = window_defaults}},
};

}  // namespace

const OpFamily& conv_family() {
  static const OpFamily family{onnx_rows, conv_tflite_rows()};
  return family;
}

}  // namespace calib8
