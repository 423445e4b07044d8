#pragma once

#include <initializer_list>
#include <optional>
#include <string_view>

#include "ops/tflite_op.h"

namespace calib8 {

/// What TFLite rows say about versions and about LiteRT's XNNPACK delegate, in words that they share.

const TfliteTensor& input_of(const TfliteGraph& graph, const TfliteOperator& op, std::size_t position);
const TfliteTensor& output_of(const TfliteGraph& graph, const TfliteOperator& op, std::size_t position = 0);

/// The tensor has this type and one quantization, whose scale is a normal positive number.
bool is_quantized(const TfliteTensor& tensor, DType dtype);
bool has_same_quantization(const TfliteTensor& a, const TfliteTensor& b);

/// The tensor's one scale; 0 where it has none or several.
float scale_of(const TfliteTensor& tensor);

/// The type in which the delegate could compute with these tensors: all float32, or all int8 with one
/// quantization each; and none of more than its six dimensions (XNN_MAX_TENSOR_DIMS). Nothing otherwise.
std::optional<DType> xnnpack_type(std::initializer_list<const TfliteTensor*> tensors);

/// The same over all tensors of an operator; int32 ones (shapes, axes) must be constant.
std::optional<DType> xnnpack_type(const TfliteGraph& graph, const TfliteOperator& op);

/// Conditions of `runs_on_xnnpack`: computes in float32 only; in float32, and in int8 with any scales; in
/// float32, and in int8 with one quantization for all tensors (for operators that move bytes); never.
bool xnnpack_float_only(const TfliteGraph& graph, const TfliteOperator& op);
bool xnnpack_any_scales(const TfliteGraph& graph, const TfliteOperator& op);
bool xnnpack_moves_bytes(const TfliteGraph& graph, const TfliteOperator& op);
bool xnnpack_never(const TfliteGraph& graph, const TfliteOperator& op);

/// 2 for int8 at that input, 3 (or what the operator has) for int16, else 1: what most operators' versions
/// say.
template <std::size_t position, int int16_version = 3>
int version_by_type(const TfliteGraph& graph, const TfliteOperator& op) {
  const DType dtype = input_of(graph, op, position).dtype;
  return dtype == DType::int8 ? 2 : dtype == DType::int16 ? int16_version : 1;
}

/// The release whose runtime first had a version, from the releases of the versions 1, 2, ...
std::string_view release_of(int version, std::initializer_list<std::string_view> releases);

}  // namespace calib8
