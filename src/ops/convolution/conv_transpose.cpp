// ConvTranspose. Its TFLite half is conv_tflite.cpp.

#include <algorithm>

#include "ops/all_ops.h"
#include "ops/convolution/conv_constants.h"
#include "ops/convolution/conv_rows.h"
#include "ops/convolution/spatial.h"
#include "ops/convolution/weights.h"
#include "ops/emit.h"
#include "ops/formula.h"

namespace calib8 {
namespace {

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

/// Weights [I, O / group, kernel] with zeros between their taps: a dilated kernel as a dense one.
Tensor dense_kernel(const Tensor& weights, const Shape& kernel, const Shape& dense,
                    const std::int64_t dilations[2]) {
  const std::vector<float> taps = to_float(weights);
  const std::int64_t filters = weights.shape[0] * weights.shape[1];
  std::vector<float> values(static_cast<std::size_t>(filters * dense[0] * dense[1]), 0.0f);
  std::size_t tap = 0;
  for (std::int64_t filter = 0; filter < filters; ++filter) {
    for (std::int64_t y = 0; y < kernel[0]; ++y) {
      for (std::int64_t x = 0; x < kernel[1]; ++x, ++tap) {
        const std::int64_t row = filter * dense[0] + y * dilations[0];
        values[static_cast<std::size_t>(row * dense[1] + x * dilations[1])] = taps[tap];
      }
    }
  }
  return make_tensor({weights.shape[0], weights.shape[1], dense[0], dense[1]}, std::move(values));
}

/// What a transposed convolution is told, as an image.
struct Transposed {
  ConvTransposeShape conv;
  Shape kernel;
  std::vector<TransposedWindow> windows;
};

//   ConvTranspose(x, w [I, O, H, W], b)   ->   TRANSPOSE, TRANSPOSE_CONV VALID (w [O, H, W, I]), [SLICE],
//   TRANSPOSE
void lower_whole(Lowering& lowering, const Transposed& what) {
  const Shape input = lowering.input_shape(0);
  const std::int64_t outputs = what.conv.out_channels;
  const std::int64_t dilations[2] = {what.windows[0].dilation, what.windows[1].dilation};
  const Shape dense{(what.kernel[0] - 1) * dilations[0] + 1, (what.kernel[1] - 1) * dilations[1] + 1};
  Tensor weights = *lowering.constant(1);
  if (dense != what.kernel) weights = dense_kernel(weights, what.kernel, dense, dilations);
  const Tensor transposed = swap_rows_and_columns(weights, 1, weights.shape[0], outputs * dense[0] * dense[1],
                                                  {outputs, dense[0], dense[1], weights.shape[0]});

  const TensorId x = enter_image(lowering, lowering.input(0));
  Shape full = {input[0], 0, 0, outputs};
  for (std::size_t i = 0; i < 2; ++i) {
    full[i + 1] = std::max(what.windows[i].full, what.windows[i].crop_before + what.windows[i].size);
  }
  const Shape kept = {input[0], what.windows[0].size, what.windows[1].size, outputs};
  const bool is_cropped = full != kept;
  const tflite::TransposeConv op{tflite::Padding::valid, static_cast<std::int32_t>(what.windows[0].stride),
                                 static_cast<std::int32_t>(what.windows[1].stride)};
  TensorId y = lowering.emit(op,
                             {lowering.constant("output_shape", as_int32(lowering, full)),
                              weights_constant(lowering, transposed), x, bias_constant(lowering, outputs)},
                             full, is_cropped ? "full" : "");
  y = emit_slice(lowering, y, {0, what.windows[0].crop_before, what.windows[1].crop_before, 0}, kept);
  lowering.set_output(0, leave_image(lowering, y));
}

/// The weights of the convolution that a transposed one is over its spread input: each group's inputs and
/// outputs change places, and the kernel is turned around. [O, I / group, kernel]
Tensor turned_kernel(const Tensor& weights, const Transposed& what) {
  const std::vector<float> values = to_float(weights);
  const std::int64_t groups = what.conv.group, taps = element_count(what.kernel).value();
  const std::int64_t inputs = weights.shape[0] / groups, outputs = weights.shape[1];
  std::vector<float> turned(values.size());
  for (std::int64_t group = 0; group < groups; ++group) {
    for (std::int64_t i = 0; i < inputs; ++i) {
      for (std::int64_t o = 0; o < outputs; ++o) {
        const std::int64_t from = ((group * inputs + i) * outputs + o) * taps;
        const std::int64_t to = ((group * outputs + o) * inputs + i) * taps;
        for (std::int64_t tap = 0; tap < taps; ++tap)
          turned[static_cast<std::size_t>(to + taps - 1 - tap)] =
              values[static_cast<std::size_t>(from + tap)];
      }
    }
  }
  Shape shape{groups * outputs, inputs};
  shape.insert(shape.end(), what.kernel.begin(), what.kernel.end());
  return make_tensor(shape, std::move(turned));
}

/// x [N, spatial, C] with stride - 1 zeros behind each element along an axis.
TensorId spread(Formula& f, TensorId x, std::size_t axis, std::int64_t stride) {
  if (stride == 1) return x;
  const Shape shape = f.shape(x);
  std::int64_t outer = 1, inner = 1;
  for (std::size_t i = 0; i < shape.size(); ++i) (i <= axis ? outer : inner) *= shape[i];
  const TensorId lined = f.reshape(x, {outer, 1, inner});
  const TensorId paddings = f.integers({3, 2}, {0, 0, 0, stride - 1, 0, 0});
  const TensorId padded = f.emit(tflite::Pad{}, {lined, paddings}, {outer, stride, inner});
  Shape wide = shape;
  wide[axis] *= stride;
  return f.reshape(padded, wide);
}

/// What a convolution with the turned kernel reads: the spread input, and how much it is padded.
struct SpreadInput {
  TensorId x;
  Shape pads;  ///< Of each dimension of [N, spatial, C], before and behind.
};

SpreadInput spread_input(Formula& f, TensorId x, const Transposed& what) {
  const std::size_t rank = f.rank(x);
  Shape pads(2 * rank, 0);
  for (std::size_t i = 0; i < what.windows.size(); ++i) {
    const TransposedWindow& window = what.windows[i];
    const std::size_t axis = i + 1;
    x = spread(f, x, axis, window.stride);
    const std::int64_t reach = (what.kernel[i] - 1) * window.dilation;
    const std::int64_t before = reach - window.crop_before;
    const std::int64_t after = window.size + reach - before - f.shape(x)[axis];
    // What is cropped beyond the kernel's reach is cut off.
    const std::int64_t cut_before = std::max<std::int64_t>(0, -before),
                       cut_after = std::max<std::int64_t>(0, -after);
    x = f.slice(x, axis, cut_before, f.shape(x)[axis] - cut_before - cut_after);
    pads[2 * axis] = before + cut_before;
    pads[2 * axis + 1] = after + cut_after;
  }
  return {x, std::move(pads)};
}

//   over volumes   ->   zeros between the elements, PAD, CONV_3D with the kernel turned around
void lower_transposed_volume(Lowering& lowering, const Transposed& what) {
  Formula f(lowering);
  const SpreadInput input = spread_input(f, lowering.to_channels_last(f.input(0)), what);
  Volume volume{what.conv.group, {1, 1, 1}, {}, input.pads};
  for (const TransposedWindow& window : what.windows) volume.dilations.push_back(window.dilation);
  const Tensor weights = turned_kernel(*lowering.constant(1), what);
  f.result(lowering.to_channels_first(emit_volume(lowering, f, input.x, weights, volume)));
}

//   with groups   ->   zeros between the elements, PAD, CONV_2D or DEPTHWISE_CONV_2D with the kernel turned
//   around
void lower_groups(Lowering& lowering, const Transposed& what) {
  Formula f(lowering);
  const TensorId image = enter_image(lowering, f.input(0));
  const std::int64_t channels = f.shape(image)[3], outputs = what.conv.out_channels;
  auto [x, pads] = spread_input(f, image, what);
  Shape wide = f.shape(x);
  for (std::size_t axis = 0; axis < 4; ++axis) wide[axis] += pads[2 * axis] + pads[2 * axis + 1];
  if (wide != f.shape(x)) x = f.emit(tflite::Pad{}, {x, f.integers({4, 2}, pads)}, wide);
  const Tensor turned = turned_kernel(*lowering.constant(1), what);
  const std::int64_t taps = what.kernel[0] * what.kernel[1], depth = turned.shape[1];
  const Shape result = {wide[0], what.windows[0].size, what.windows[1].size, outputs};
  const auto dilate = [&](auto op) {
    op.dilation_height = static_cast<std::int32_t>(what.windows[0].dilation);
    op.dilation_width = static_cast<std::int32_t>(what.windows[1].dilation);
    return op;
  };
  const TensorId bias = bias_constant(lowering, outputs);
  TensorId y;
  if (what.conv.group == channels) {
    auto op = dilate(tflite::DepthwiseConv2D{});
    op.depth_multiplier = static_cast<std::int32_t>(outputs / channels);
    const Tensor weights =
        swap_rows_and_columns(turned, 1, outputs, taps, {1, what.kernel[0], what.kernel[1], outputs});
    y = f.emit(op, {x, weights_constant(lowering, weights), bias}, result);
  } else {
    const Tensor weights =
        swap_rows_and_columns(turned, outputs, depth, taps, {outputs, what.kernel[0], what.kernel[1], depth});
    y = f.emit(dilate(tflite::Conv2D{}), {x, weights_constant(lowering, weights), bias}, result);
  }
  lowering.target[y].name = lowering.tensor_name();
  lowering.set_output(0, leave_image(lowering, y));
}

Refusal lower_conv_transpose(Lowering& lowering) {
  Transposed what{read_conv_transpose(lowering), {}, {}};
  const bool is_volume = what.conv.kernel.size() == 3;
  if (what.conv.kernel.size() > 3)
    return "transposed convolution over " + std::to_string(what.conv.kernel.size()) + " dimensions";
  if (Refusal refusal = refuse_computed_weights(lowering)) return refusal;
  const Shape input = lowering.input_shape(0);
  if (what.conv.group > 1 && (input[1] % what.conv.group != 0)) return "groups that don't fit its channels";
  for (const Window& window : read_transposed_windows(lowering, what.conv.kernel)) {
    const std::size_t axis = what.windows.size();
    what.windows.push_back(
        transposed_window(lowering, window, input[axis + 2], axis, what.conv.kernel.size()));
    const TransposedWindow& last = what.windows.back();
    if (last.crop_before + last.size >= last.full + last.stride) return "an output_shape beyond its windows";
  }
  if (is_volume && what.conv.group > most_volume_groups)
    return "a transposed convolution over volumes in " + std::to_string(what.conv.group) + " groups";
  what.windows = as_image(std::move(what.windows), TransposedWindow{1, 1, 1, 0, 1});
  what.kernel = as_image(what.conv.kernel, std::int64_t{1});
  if (is_volume) {
    lower_transposed_volume(lowering, what);
  } else if (what.conv.group == 1) {
    lower_whole(lowering, what);
  } else {
    lower_groups(lowering, what);
  }
  return std::nullopt;
}

const OnnxOp onnx_rows[] = {
    {.type = "ConvTranspose",
     .inputs = {2, 3},
     .infer = infer_conv_transpose,
     .lower = lower_conv_transpose,
     .traits = {.defaults = window_defaults}},
};

}  // namespace

const OpFamily& conv_transpose_family() {
  static const OpFamily family{onnx_rows, {}};
  return family;
}

}  // namespace calib8
