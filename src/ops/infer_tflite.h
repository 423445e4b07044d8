#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "ops/operator_view.h"

namespace calib8 {

/// What several TFLite rows say when they infer their outputs. All fail with ErrorCode::model, naming the
/// operator, on what LiteRT's kernels can't be given.

/// Types that kernels of real arithmetic take; with plain integers too; that kernels take which move bytes.
inline constexpr std::array real_types = {DType::float32, DType::int8, DType::uint8, DType::int16};
inline constexpr std::array number_types = {DType::float32, DType::int8,  DType::uint8,
                                            DType::int16,   DType::int32, DType::int64};
inline constexpr std::array moved_types = {DType::float32, DType::int8,  DType::uint8,  DType::int16,
                                           DType::int32,   DType::int64, DType::boolean};

/// One output like the first input, which is of one of `types`.
std::vector<TensorType> infer_like_input(const OperatorView& view, std::span<const DType> types);
template <const auto& types>
std::vector<TensorType> infer_unary(const OperatorView& view) {
  return infer_like_input(view, types);
}

/// Two inputs of one type that broadcast as NumPy has it.
std::vector<TensorType> infer_binary(const OperatorView& view);
Shape broadcast(const OperatorView& view, const Shape& a, const Shape& b);

/// An axis in [-rank, rank) as one in [0, rank).
std::size_t axis_of(const OperatorView& view, std::int64_t axis, std::size_t rank);

/// How a filter moves along one dimension.
struct Window {
  std::int64_t filter, stride, dilation = 1;
};
/// The number of places that the window has along `size` elements. `dimension` is for the error: "height".
std::int64_t window_count(const OperatorView& view, std::string_view dimension, std::int64_t size,
                          const Window& window, tflite::Padding padding);

/// Beside float32 data, weights of a narrow type stand for real numbers: they need a scale.
void require_scale_of_narrow(const OperatorView& view, DType data, const TfliteTensor& weights);

/// Types of an operator with weights and an optional bias: all float32, int8 weights with float32, or all of
/// a quantized type with an integer bias. The bias has one element per channel.
void require_weighted(const OperatorView& view, std::size_t data, std::size_t weights, std::size_t bias,
                      std::int64_t channels);

}  // namespace calib8
