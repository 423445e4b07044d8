// Pools of aten.

#include <algorithm>
#include <ranges>

#include "torch_program/operator_rows.h"
#include "torch_program/windows.h"

namespace calib8 {
namespace {

OperatorCall::Attributes window_of(const OperatorCall& call, std::size_t rank) {
  const Integers kernel = call.window("kernel_size", rank, 1, 1);
  Integers strides = call.integers("stride");
  strides = strides.empty() ? kernel : call.window("stride", rank, 1, 1);
  return {{"kernel_shape", kernel},
          {"strides", strides},
          {"pads", both_sides(call.window("padding", rank, 0, 0))},
          {"ceil_mode", std::int64_t{call.flag("ceil_mode", false)}}};
}

template <std::size_t Rank>
OnnxValueId max_pool(OperatorCall& call) {
  OperatorCall::Attributes attributes = window_of(call, Rank);
  attributes["dilations"] = call.window("dilation", Rank, 1, 1);
  return with_batch(call, call.tensor("self"), Rank,
                    [&](OnnxValueId x) { return call.emit("MaxPool", {x}, attributes); });
}

template <std::size_t Rank>
Values max_pool_with_indices(OperatorCall& call) {
  return {max_pool<Rank>(call), OnnxValueId{}};
}

template <std::size_t Rank>
OnnxValueId average_pool(OperatorCall& call) {
  if (call.has("divisor_override")) call.fail("divides by a number of its own (divisor_override)");
  OperatorCall::Attributes attributes = window_of(call, Rank);
  attributes["count_include_pad"] = std::int64_t{call.flag("count_include_pad", true)};
  return with_batch(call, call.tensor("self"), Rank,
                    [&](OnnxValueId x) { return call.emit("AveragePool", {x}, attributes); });
}

/// Windows of one size where the sizes divide; nothing where they don't.
std::optional<OperatorCall::Attributes> even_windows(const Shape& input, const Integers& output) {
  Integers kernel;
  for (std::size_t i = 0; i < output.size(); ++i) {
    if (input[2 + i] % output[i] != 0) return std::nullopt;
    kernel.push_back(input[2 + i] / output[i]);
  }
  return OperatorCall::Attributes{{"kernel_shape", kernel}, {"strides", kernel}};
}

/// Element i of the output averages elements floor(i * from / to) to ceil((i + 1) * from / to): [from, to].
OnnxValueId averages(OperatorCall& call, std::int64_t from, std::int64_t to) {
  constexpr std::int64_t most = 1 << 24;
  if (from > most / to) call.fail("pools more elements than any image has");
  std::vector<float> weights(static_cast<std::size_t>(from * to), 0);
  for (std::int64_t i = 0; i < to; ++i) {
    const std::int64_t begin = i * from / to, end = ((i + 1) * from + to - 1) / to;
    for (std::int64_t j = begin; j < end; ++j)
      weights[static_cast<std::size_t>(j * to + i)] = 1.0f / static_cast<float>(end - begin);
  }
  return call.constant(make_tensor({from, to}, std::move(weights)));
}

/// Windows that overlap, along one axis after the other.
OnnxValueId uneven_average(OperatorCall& call, OnnxValueId x, const Integers& output) {
  const std::size_t rank = output.size();
  for (std::size_t i = 0; i < rank; ++i) {
    const std::int64_t from = call.shape(x)[2 + i];
    if (from == output[i]) continue;
    Integers last(rank + 2);
    for (std::size_t k = 0; k < last.size(); ++k) last[k] = static_cast<std::int64_t>(k);
    std::swap(last[2 + i], last[rank + 1]);
    x = call.transpose(call.emit("MatMul", {call.transpose(x, last), averages(call, from, output[i])}), last);
  }
  return x;
}

template <std::size_t Rank>
OnnxValueId adaptive_average_pool(OperatorCall& call) {
  return with_batch(call, call.tensor("self"), Rank, [&](OnnxValueId x) {
    const Shape input = call.shape(x);
    const Integers output = call.window("output_size", Rank, 1, 1);
    if (std::ranges::equal(output, input | std::views::drop(2))) return x;
    if (std::ranges::all_of(output, [](std::int64_t size) { return size == 1; }))
      return call.emit("GlobalAveragePool", {x});
    if (const auto windows = even_windows(input, output)) return call.emit("AveragePool", {x}, *windows);
    return uneven_average(call, x, output);
  });
}

template <std::size_t Rank>
Values adaptive_max_pool(OperatorCall& call) {
  const OnnxValueId y = with_batch(call, call.tensor("self"), Rank, [&](OnnxValueId x) {
    const auto windows = even_windows(call.shape(x), call.window("output_size", Rank, 1, 1));
    if (!windows) call.fail("pools " + to_string(call.shape(x)) + " to a size that doesn't divide it");
    return call.emit("MaxPool", {x}, *windows);
  });
  return {y, OnnxValueId{}};
}

constexpr OperatorRow rows[] = {
    {"aten.max_pool1d", max_pool<1>},
    {"aten.max_pool2d", max_pool<2>},
    {"aten.max_pool3d", max_pool<3>},
    {"aten.max_pool2d_with_indices", max_pool_with_indices<2>},
    {"aten.max_pool3d_with_indices", max_pool_with_indices<3>},
    {"aten.avg_pool1d", average_pool<1>},
    {"aten.avg_pool2d", average_pool<2>},
    {"aten.avg_pool3d", average_pool<3>},
    {"aten.adaptive_avg_pool1d", adaptive_average_pool<1>},
    {"aten.adaptive_avg_pool2d", adaptive_average_pool<2>},
    {"aten.adaptive_avg_pool3d", adaptive_average_pool<3>},
    {"aten._adaptive_avg_pool2d", adaptive_average_pool<2>},
    {"aten._adaptive_avg_pool3d", adaptive_average_pool<3>},
    {"aten.adaptive_max_pool1d", adaptive_max_pool<1>},
    {"aten.adaptive_max_pool2d", adaptive_max_pool<2>},
};

}  // namespace

std::span<const OperatorRow> pooling_operators() {
  return rows;
}

}  // namespace calib8
