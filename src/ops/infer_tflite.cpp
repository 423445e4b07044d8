#include "ops/infer_tflite.h"

#include <fmt/format.h>

#include <algorithm>

namespace calib8 {
namespace {

/// Kernels hold strides, dilations and paddings in 16 bits.
constexpr std::int64_t largest_step = 32767;

void require_step(const OperatorView& view, std::string_view dimension, std::string_view what,
                  std::int64_t value) {
  if (value >= 1 && value <= largest_step) return;
  view.fail(fmt::format("{} {} along its {} is outside of 1 to {}", what, value, dimension, largest_step));
}

bool is_weights_type(DType data, DType weights) {
  switch (data) {
    case DType::float32:
      return weights == DType::float32 || weights == DType::int8;
    case DType::int8:
    case DType::int16:
      return weights == DType::int8;
    default:
      return weights == data;
  }
}

bool is_bias_type(DType data, DType bias) {
  if (data == DType::float32) return bias == DType::float32;
  return bias == DType::int32 || (data == DType::int16 && bias == DType::int64);
}

}  // namespace

std::vector<TensorType> infer_like_input(const OperatorView& view, std::span<const DType> types) {
  view.require_type(0, types);
  const TfliteTensor& x = view.input(0);
  return {{x.dtype, x.shape}};
}

std::vector<TensorType> infer_binary(const OperatorView& view) {
  view.require_type(0, number_types);
  const TfliteTensor &a = view.input(0), &b = view.input(1);
  if (a.dtype != b.dtype) {
    view.fail(fmt::format("its operands are {} and {}", name_of(a.dtype), name_of(b.dtype)));
  }
  return {{a.dtype, broadcast(view, a.shape, b.shape)}};
}

void require_scale_of_narrow(const OperatorView& view, DType data, const TfliteTensor& weights) {
  if (data != DType::float32 || weights.dtype == DType::float32 || weights.quantization) return;
  view.fail(fmt::format("reads '{}' of {} without a scale", weights.name, name_of(weights.dtype)));
}

Shape broadcast(const OperatorView& view, const Shape& a, const Shape& b) {
  Shape result(std::max(a.size(), b.size()));
  for (std::size_t i = 0; i < result.size(); ++i) {  // from the last dimension on
    const std::int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1;
    const std::int64_t y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1) {
      view.fail(fmt::format("shapes {} and {} don't broadcast", to_string(a), to_string(b)));
    }
    result[result.size() - 1 - i] = x == 1 ? y : x;
  }
  return result;
}

std::size_t axis_of(const OperatorView& view, std::int64_t axis, std::size_t rank) {
  const auto signed_rank = static_cast<std::int64_t>(rank);
  if (axis < -signed_rank || axis >= signed_rank) {
    view.fail(fmt::format("axis {} is outside of its {} dimensions", axis, rank));
  }
  return static_cast<std::size_t>(axis < 0 ? axis + signed_rank : axis);
}

std::int64_t window_count(const OperatorView& view, std::string_view dimension, std::int64_t size,
                          const Window& window, tflite::Padding padding) {
  require_step(view, dimension, "filter size", window.filter);
  require_step(view, dimension, "stride", window.stride);
  require_step(view, dimension, "dilation", window.dilation);
  const std::int64_t reach = (window.filter - 1) * window.dilation + 1;
  if (padding == tflite::Padding::valid) {
    if (reach > size) {
      view.fail(
          fmt::format("its filter reaches over {} elements of its {}, which has {}", reach, dimension, size));
    }
    return (size - reach) / window.stride + 1;
  }
  const std::int64_t count = (size + window.stride - 1) / window.stride;
  if (((count - 1) * window.stride + reach - size) / 2 > largest_step) {
    view.fail(fmt::format("its filter reaches over {} elements, too far beyond a {} of {}", reach, dimension,
                          size));
  }
  return count;
}

void require_weighted(const OperatorView& view, std::size_t data, std::size_t weights, std::size_t bias,
                      std::int64_t channels) {
  view.require_type(data, real_types);
  const DType type = view.input(data).dtype;
  const TfliteTensor& filter = view.input(weights);
  if (!is_weights_type(type, filter.dtype)) {
    view.fail(fmt::format("its data is {}, its weights are {}", name_of(type), name_of(filter.dtype)));
  }
  require_scale_of_narrow(view, type, filter);
  if (element_count(filter.shape) == 0) view.fail("its weights have no elements");
  if (!view.has_input(bias)) return;
  const TfliteTensor& offsets = view.input(bias);
  if (!is_bias_type(type, offsets.dtype)) {
    view.fail(fmt::format("its data is {}, its bias is {}", name_of(type), name_of(offsets.dtype)));
  }
  if (offsets.shape != Shape{channels}) {
    view.fail(fmt::format("its bias has shape {}; {} channels take [{}]", to_string(offsets.shape), channels,
                          channels));
  }
}

}  // namespace calib8
