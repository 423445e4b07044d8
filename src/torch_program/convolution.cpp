// Convolutions of aten: torch/nn/functional.py names the arguments.

#include <algorithm>

#include "torch_program/operator_rows.h"
#include "torch_program/windows.h"

namespace calib8 {
namespace {

/// What stands before all dimensions, and then behind them.
Integers pads_of(const OperatorCall& call, const Integers& kernel, const Integers& dilations) {
  const std::size_t rank = kernel.size();
  if (!call.is_text("padding")) return both_sides(call.window("padding", rank, 0, 0));
  const std::string word = call.text("padding", "");
  Integers pads(2 * rank, 0);
  if (word == "valid") return pads;
  if (word != "same") call.fail("has a padding of '" + word + "', which calib8 doesn't know");
  for (std::size_t i = 0; i < rank; ++i) {
    const std::int64_t total = dilations[i] * (kernel[i] - 1);
    pads[i] = total / 2;
    pads[rank + i] = total - total / 2;
  }
  return pads;
}

OnnxValueId convolve(OperatorCall& call, bool transposed) {
  const OnnxValueId weight = call.tensor("weight");
  const Shape weights = call.shape(weight);
  if (weights.size() < 3 || weights.size() > 5) call.fail("has a weight of shape " + to_string(weights));
  const std::size_t rank = weights.size() - 2;
  const Integers kernel(weights.begin() + 2, weights.end());
  const Integers dilations = call.window("dilation", rank, 1, 1);
  OperatorCall::Attributes attributes = {{"kernel_shape", kernel},
                                         {"strides", call.window("stride", rank, 1, 1)},
                                         {"pads", pads_of(call, kernel, dilations)},
                                         {"dilations", dilations},
                                         {"group", call.integer("groups", 1)}};
  if (transposed) attributes["output_padding"] = call.window("output_padding", rank, 0, 0);
  return with_batch(call, call.tensor("input"), rank, [&](OnnxValueId x) {
    Values inputs{x, weight};
    if (const OnnxValueId bias = call.tensor_or_none("bias"); bias.exists()) inputs.push_back(bias);
    return call.emit(transposed ? "ConvTranspose" : "Conv", inputs, attributes);
  });
}

OnnxValueId plain(OperatorCall& call) {
  return convolve(call, false);
}

OnnxValueId transposed(OperatorCall& call) {
  return convolve(call, true);
}

OnnxValueId either(OperatorCall& call) {
  return convolve(call, call.flag("transposed", false));
}

/// v / |v| * g, the length taken over all dimensions but `dim`.
OnnxValueId weight_norm(OperatorCall& call) {
  const OnnxValueId v = call.tensor("v"), g = call.tensor("g");
  const std::int64_t dim = call.integer("dim", 0);
  Integers axes;
  if (dim != -1) {
    const std::size_t kept = call.axis(dim, call.rank(v));
    for (std::size_t i = 0; i < call.rank(v); ++i) {
      if (i != kept) axes.push_back(static_cast<std::int64_t>(i));
    }
  }
  const OnnxValueId length = call.reduce("ReduceL2", v, axes, true);
  return call.emit("Mul", {v, call.emit("Div", {g, length})});
}

Values weight_norm_with_length(OperatorCall& call) {
  return {weight_norm(call), OnnxValueId{}};
}

/// One weight of 1 for each element of the window: [C * window, 1, window].
OnnxValueId picking_weights(OperatorCall& call, std::int64_t channels, const Integers& kernel) {
  constexpr std::int64_t most = 1 << 24;
  const std::int64_t size = kernel[0] * kernel[1];
  if (size > most / size || channels > most / (size * size))
    call.fail("takes windows larger than any image has");
  std::vector<float> weights(static_cast<std::size_t>(channels * size * size), 0);
  for (std::int64_t i = 0; i < channels * size; ++i)
    weights[static_cast<std::size_t>(i * size + i % size)] = 1;
  return call.constant(make_tensor<float>({channels * size, 1, kernel[0], kernel[1]}, std::move(weights)));
}

OperatorCall::Attributes picking_window(const OperatorCall& call, std::int64_t channels,
                                        const Integers& kernel) {
  return {{"kernel_shape", kernel},
          {"strides", call.window("stride", 2, 1, 1)},
          {"pads", both_sides(call.window("padding", 2, 0, 0))},
          {"dilations", call.window("dilation", 2, 1, 1)},
          {"group", channels}};
}

/// Each window's elements as channels: [N, C, H, W] -> [N, C * window, windows].
OnnxValueId im2col(OperatorCall& call) {
  const Integers kernel = call.window("kernel_size", 2, 1, 1);
  return with_batch(call, call.tensor("self"), 2, [&](OnnxValueId x) {
    const std::int64_t channels = call.shape(x)[1];
    const OnnxValueId y = call.emit("Conv", {x, picking_weights(call, channels, kernel)},
                                    picking_window(call, channels, kernel));
    const Shape sizes = call.shape(y);
    return call.reshape(y, {sizes[0], sizes[1], sizes[2] * sizes[3]});
  });
}

/// The way back, where elements of several windows are added: [N, C * window, windows] -> [N, C, H, W].
OnnxValueId col2im(OperatorCall& call) {
  const Integers kernel = call.window("kernel_size", 2, 1, 1);
  const Integers to = call.window("output_size", 2, 1, 1);
  const Integers strides = call.window("stride", 2, 1, 1), pads = call.window("padding", 2, 0, 0),
                 dilations = call.window("dilation", 2, 1, 1);
  OnnxValueId x = call.tensor("self");
  const Shape sizes = call.shape(x);
  const std::int64_t window = kernel[0] * kernel[1];
  if (sizes.size() != 3 || sizes[1] % window != 0)
    call.fail("can't put " + to_string(sizes) + " into windows");
  Shape counts{sizes[0], sizes[1]};
  Integers missing;
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t room = to[i] + 2 * pads[i] - dilations[i] * (kernel[i] - 1) - 1;
    if (room < 0) call.fail("has windows larger than its output");
    counts.push_back(room / strides[i] + 1);
    missing.push_back(room % strides[i]);
  }
  x = call.reshape(x, counts);
  const std::int64_t channels = sizes[1] / window;
  OperatorCall::Attributes attributes = picking_window(call, channels, kernel);
  attributes["output_padding"] = missing;
  return call.emit("ConvTranspose", {x, picking_weights(call, channels, kernel)}, attributes);
}

constexpr OperatorRow rows[] = {
    {"aten.conv1d", plain},
    {"aten.conv2d", plain},
    {"aten.conv3d", plain},
    {"aten.conv_transpose1d", transposed},
    {"aten.conv_transpose2d", transposed},
    {"aten.conv_transpose3d", transposed},
    {"aten.convolution", either},
    {"aten._weight_norm", weight_norm},
    {"aten._weight_norm_interface", weight_norm_with_length},
    {"aten.im2col", im2col},
    {"aten.col2im", col2im},
};

}  // namespace

std::span<const OperatorRow> convolution_operators() {
  return rows;
}

}  // namespace calib8
