#pragma once

#include <cstdint>
#include <optional>

#include "base/tensor.h"
#include "onnx_graph/onnx_graph.h"

namespace calib8 {

bool is_integer(const Tensor& tensor);

/// (q - zero point) * scale; scales and zero points are one, or one for each index of the axis. Nothing where
/// they fit neither way.
std::optional<Tensor> real_numbers(const Tensor& q, const Tensor& scale, const Tensor* zero_point,
                                   std::int64_t axis);

/// Of q [D, rows, columns], as [D, columns, rows]; nothing where scales or zero points are neither one for
/// each direction nor one for each of its columns.
std::optional<Tensor> numbers_of_directions(const Tensor& q, const Tensor& scale, const Tensor* zero_point);

/// A constant of whole numbers, or numbers that are cast to such, whatever shape they got since.
bool is_whole(const OnnxGraph& graph, OnnxValueId value);

}  // namespace calib8
