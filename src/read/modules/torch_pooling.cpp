// torch.nn's pools: torch/nn/modules/pooling.py.

#include <algorithm>
#include <ranges>

#include "calib8/error.h"
#include "read/modules/module_rows.h"

namespace calib8 {
namespace {

using Integers = std::vector<std::int64_t>;

constexpr std::int64_t largest_step = 1 << 20;

Integers window(const PickledModule& self, std::string_view attribute, std::size_t rank, Integers fallback,
                std::int64_t smallest) {
  Integers values = self.integers(attribute, rank, std::move(fallback));
  if (values.size() != rank ||
      std::ranges::any_of(values, [&](std::int64_t v) { return v < smallest || v > largest_step; }))
    self.fail("has a " + std::string(attribute) + " that no window has");
  return values;
}

/// Attributes that both kinds have; a stride that is absent is the kernel's size.
ForwardBuilder::Attributes window_of(const PickledModule& self, std::size_t rank) {
  const Integers kernel = window(self, "kernel_size", rank, {}, 1);
  Integers pads = window(self, "padding", rank, Integers(rank, 0), 0);
  pads.resize(2 * rank);
  std::copy_n(pads.begin(), rank, pads.begin() + static_cast<std::ptrdiff_t>(rank));
  return {{"kernel_shape", kernel},
          {"strides", window(self, "stride", rank, kernel, 1)},
          {"pads", pads},
          {"ceil_mode", std::int64_t{self.flag("ceil_mode", false)}}};
}

template <std::size_t Rank>
OnnxValueId max_pool(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  build.shape(self, x, Rank + 2);
  if (self.flag("return_indices", false)) self.fail("gives out indices, too: export the model to ONNX");
  ForwardBuilder::Attributes attributes = window_of(self, Rank);
  attributes["dilations"] = window(self, "dilation", Rank, Integers(Rank, 1), 1);
  return build.emit(self, "MaxPool", {x}, attributes);
}

template <std::size_t Rank>
OnnxValueId average_pool(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  build.shape(self, x, Rank + 2);
  if (!self.is_none("divisor_override"))
    self.fail("divides by a number of its own (divisor_override): export the model to ONNX");
  ForwardBuilder::Attributes attributes = window_of(self, Rank);
  attributes["count_include_pad"] = std::int64_t{self.flag("count_include_pad", true)};
  return build.emit(self, "AveragePool", {x}, attributes);
}

/// The sizes that an adaptive pool is to give; None keeps a size.
Integers output_sizes(const PickledModule& self, const Shape& input) {
  const std::size_t rank = input.size() - 2;
  Integers sizes = self.sizes("output_size", rank);
  for (std::size_t i = 0; i < rank; ++i) {
    if (sizes[i] < 0) sizes[i] = input[2 + i];
    if (sizes[i] < 1 || sizes[i] > largest_step) self.fail("pools to a size of nothing");
  }
  return sizes;
}

/// Windows of one size where the sizes divide; nothing where they don't.
std::optional<ForwardBuilder::Attributes> even_windows(const Shape& input, const Integers& output) {
  Integers kernel;
  for (std::size_t i = 0; i < output.size(); ++i) {
    if (input[2 + i] % output[i] != 0) return std::nullopt;
    kernel.push_back(input[2 + i] / output[i]);
  }
  return ForwardBuilder::Attributes{{"kernel_shape", kernel}, {"strides", kernel}};
}

/// Row i averages elements floor(i * from / to) to ceil((i + 1) * from / to).
Tensor averages(const PickledModule& self, std::int64_t from, std::int64_t to) {
  constexpr std::int64_t most = 1 << 24;
  if (from > most / to) self.fail("pools more elements than any image has");
  std::vector<float> weights(static_cast<std::size_t>(from * to), 0);
  for (std::int64_t i = 0; i < to; ++i) {
    const std::int64_t begin = i * from / to, end = ((i + 1) * from + to - 1) / to;
    for (std::int64_t j = begin; j < end; ++j)
      weights[static_cast<std::size_t>(i * from + j)] = 1.0f / static_cast<float>(end - begin);
  }
  return make_tensor({to, from}, std::move(weights));
}

/// Windows that overlap, along one axis after the other: averages by height, then averages by width.
OnnxValueId uneven_average(ForwardBuilder& build, const PickledModule& self, OnnxValueId x,
                           const Shape& input, const Integers& output) {
  if (output.size() != 2)
    self.fail("pools to a size that doesn't divide its input's: export the model to ONNX");
  const OnnxValueId rows = build.constant(self, "rows", averages(self, input[2], output[0]));
  const OnnxValueId columns = build.constant(self, "columns", averages(self, input[3], output[1]));
  return build.matmul(self, build.matmul(self, rows, x), build.transpose(self, columns, {1, 0}));
}

template <std::size_t Rank>
OnnxValueId adaptive_average_pool(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const Shape input = build.shape(self, x, Rank + 2);
  const Integers output = output_sizes(self, input);
  if (std::ranges::equal(output, input | std::views::drop(2))) return x;
  if (std::ranges::all_of(output, [](std::int64_t size) { return size == 1; }))
    return build.emit(self, "GlobalAveragePool", {x});
  if (const auto windows = even_windows(input, output)) return build.emit(self, "AveragePool", {x}, *windows);
  return uneven_average(build, self, x, input, output);
}

template <std::size_t Rank>
OnnxValueId adaptive_max_pool(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const Shape input = build.shape(self, x, Rank + 2);
  if (self.flag("return_indices", false)) self.fail("gives out indices, too: export the model to ONNX");
  const auto windows = even_windows(input, output_sizes(self, input));
  if (!windows)
    self.fail("pools " + to_string(input) + " to a size that doesn't divide it: export the model to ONNX");
  return build.emit(self, "MaxPool", {x}, *windows);
}

constexpr std::string_view pooling = "torch.nn.modules.pooling";

constexpr ModuleRow rows[] = {
    {pooling, "MaxPool1d", max_pool<1>},
    {pooling, "MaxPool2d", max_pool<2>},
    {pooling, "MaxPool3d", max_pool<3>},
    {pooling, "AvgPool1d", average_pool<1>},
    {pooling, "AvgPool2d", average_pool<2>},
    {pooling, "AvgPool3d", average_pool<3>},
    {pooling, "AdaptiveAvgPool1d", adaptive_average_pool<1>},
    {pooling, "AdaptiveAvgPool2d", adaptive_average_pool<2>},
    {pooling, "AdaptiveAvgPool3d", adaptive_average_pool<3>},
    {pooling, "AdaptiveMaxPool1d", adaptive_max_pool<1>},
    {pooling, "AdaptiveMaxPool2d", adaptive_max_pool<2>},
};

}  // namespace

std::span<const ModuleRow> torch_pooling_rows() {
  return rows;
}

}  // namespace calib8
