// torch.nn's layers of weights: torch/nn/modules/conv.py, linear.py and sparse.py.

#include <algorithm>

#include "calib8/error.h"
#include "read/modules/module_rows.h"
#include "read/modules/padding.h"

namespace calib8 {
namespace {

using Integers = std::vector<std::int64_t>;

// Larger ones overflow when sizes are computed with them, and are no network's.
constexpr std::int64_t largest_step = 1 << 20;

/// An attribute of a window, one number a dimension.
Integers window(const PickledModule& self, std::string_view attribute, std::size_t rank,
                std::int64_t fallback, std::int64_t smallest) {
  Integers values = self.integers(attribute, rank, Integers(rank, fallback));
  if (std::ranges::any_of(values, [&](std::int64_t v) { return v < smallest || v > largest_step; }))
    self.fail("has a " + std::string(attribute) + " that no window has");
  return values;
}

/// What stands before all dimensions, and then behind them.
Integers pads_of(const PickledModule& self, const Integers& kernel, const Integers& dilations) {
  const std::size_t rank = kernel.size();
  if (self.is_text("padding")) {
    const std::string word = self.text("padding", "");
    Integers pads(2 * rank, 0);
    if (word == "valid") return pads;
    if (word != "same") self.fail("has a padding of '" + word + "', which calib8 doesn't know");
    for (std::size_t i = 0; i < rank; ++i) {
      const std::int64_t total = dilations[i] * (kernel[i] - 1);
      pads[i] = total / 2;
      pads[rank + i] = total - total / 2;
    }
    return pads;
  }
  Integers pads = window(self, "padding", rank, 0, 0);
  pads.resize(2 * rank);
  std::copy_n(pads.begin(), rank, pads.begin() + static_cast<std::ptrdiff_t>(rank));
  return pads;
}

/// The spatial sizes of a weight [out, in, ...].
Integers kernel_of(ForwardBuilder& build, const PickledModule& self, OnnxValueId weight, std::size_t rank) {
  const Shape sizes = build.shape(self, weight, rank + 2);
  return {sizes.begin() + 2, sizes.end()};
}

template <std::size_t Rank>
OnnxValueId convolution(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  build.shape(self, x, Rank + 2);
  const OnnxValueId weight = build.weight(self, "weight");
  const Integers kernel = kernel_of(build, self, weight, Rank);
  const Integers dilations = window(self, "dilation", Rank, 1, 1);
  Integers pads = pads_of(self, kernel, dilations);
  const std::string mode = self.text("padding_mode", "zeros");
  if (mode != "zeros" && std::ranges::any_of(pads, [](std::int64_t pad) { return pad > 0; })) {
    x = pad(build, self, x, pads, mode);
    std::ranges::fill(pads, 0);
  }
  Values inputs{x, weight};
  if (const OnnxValueId bias = build.weight_or_none(self, "bias"); bias.exists()) inputs.push_back(bias);
  return build.emit(self, "Conv", inputs,
                    {{"kernel_shape", kernel},
                     {"strides", window(self, "stride", Rank, 1, 1)},
                     {"pads", pads},
                     {"dilations", dilations},
                     {"group", self.integer("groups", 1)}});
}

template <std::size_t Rank>
OnnxValueId transposed_convolution(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  build.shape(self, x, Rank + 2);
  const OnnxValueId weight = build.weight(self, "weight");
  const Integers kernel = kernel_of(build, self, weight, Rank);
  const Integers dilations = window(self, "dilation", Rank, 1, 1);
  Values inputs{x, weight};
  if (const OnnxValueId bias = build.weight_or_none(self, "bias"); bias.exists()) inputs.push_back(bias);
  return build.emit(self, "ConvTranspose", inputs,
                    {{"kernel_shape", kernel},
                     {"strides", window(self, "stride", Rank, 1, 1)},
                     {"pads", pads_of(self, kernel, dilations)},
                     {"output_padding", window(self, "output_padding", Rank, 0, 0)},
                     {"dilations", dilations},
                     {"group", self.integer("groups", 1)}});
}

/// x [..., in] -> [..., out]
OnnxValueId linear(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const OnnxValueId weight = build.weight(self, "weight");
  const OnnxValueId bias = build.weight_or_none(self, "bias");
  const Shape sizes = build.shape(self, x);
  const Shape weights = build.shape(self, weight, 2);
  if (sizes.empty() || sizes.back() != weights[1])
    self.fail("takes " + std::to_string(weights[1]) + " features, and is given " + to_string(sizes) +
              ": where that follows from the input's size, name the one of training with --input-size");
  if (sizes.size() == 2) {
    Values inputs{x, weight};
    if (bias.exists()) inputs.push_back(bias);
    return build.emit(self, "Gemm", inputs, {{"transB", std::int64_t{1}}});
  }
  const OnnxValueId transposed = build.transpose(self, weight, {1, 0});
  const OnnxValueId y = build.matmul(self, x, transposed);
  return bias.exists() ? build.add(self, y, bias) : y;
}

/// Rows of a table by their numbers.
OnnxValueId embedding(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  if (!self.is_none("max_norm"))
    self.fail("changes its weights while it runs (max_norm): export the model to ONNX");
  return build.emit(self, "Gather", {build.weight(self, "weight"), x}, {{"axis", std::int64_t{0}}});
}

constexpr std::string_view conv = "torch.nn.modules.conv";

constexpr ModuleRow rows[] = {
    {conv, "Conv1d", convolution<1>},
    {conv, "Conv2d", convolution<2>},
    {conv, "Conv3d", convolution<3>},
    {conv, "ConvTranspose1d", transposed_convolution<1>},
    {conv, "ConvTranspose2d", transposed_convolution<2>},
    {conv, "ConvTranspose3d", transposed_convolution<3>},
    {"ultralytics.nn.modules.conv", "DWConvTranspose2d", transposed_convolution<2>},
    {"torch.nn.modules.linear", "Linear", linear},
    {"torch.nn.modules.linear", "NonDynamicallyQuantizableLinear", linear},
    {"torch.nn.modules.sparse", "Embedding", embedding},
};

}  // namespace

std::span<const ModuleRow> torch_convolution_rows() {
  return rows;
}

}  // namespace calib8
