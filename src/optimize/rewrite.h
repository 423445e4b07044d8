#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// Removes the operator if nobody reads its results, then those of its producers that nobody reads any more.
/// `id` may be absent or removed already. Returns whether it removed anything.
bool remove_if_unused(TfliteGraph& graph, OperatorId id);

/// Readers of the operator's only output read `replacement` instead, and the operator goes, with producers
/// that nobody reads any more. Only where can_replace().
void replace_operator(TfliteGraph& graph, OperatorId id, TensorId replacement);

/// False where the operator's only output is one of the model's and `replacement` can't be: LiteRT wants each
/// output written by an operator, and each a tensor of its own.
bool can_replace(const TfliteGraph& graph, OperatorId id, TensorId replacement);

/// Adds an operator in front of `next` with one new output of that name, shape and type, and returns it.
TensorId emit_before(TfliteGraph& graph, OperatorId next, tflite::Options options,
                     std::vector<TensorId> inputs, std::string output_name, Shape shape,
                     DType dtype = DType::float32);

/// Adds a RESHAPE of `input` in front of `next` and returns its result.
TensorId insert_reshape_before(TfliteGraph& graph, OperatorId next, TensorId input, const Shape& shape,
                               std::string output_name);

/// Lets the RESHAPE `id` read `input` and give `shape` (the shape input and the option); the output tensor's
/// own shape is the caller's to see to.
void set_reshape(TfliteGraph& graph, OperatorId id, TensorId input, const Shape& shape);

/// The one value that every element of a float32 constant has; nothing otherwise.
std::optional<float> uniform_value(const TfliteGraph& graph, TensorId id);

/// True for a constant of float32.
bool is_float_constant(const TfliteGraph& graph, TensorId id);

/// A float32 constant's elements.
std::span<const float> float_values(const TfliteGraph& graph, TensorId id);

/// A constant int32 or int64 tensor's elements, where there are exactly `count` of them; nothing otherwise. A
/// .tflite file may hold anything where an operator wants axes or paddings.
std::optional<std::vector<std::int64_t>> integers_of(const TfliteGraph& graph, TensorId id,
                                                     std::size_t count);
/// Likewise for any number of axes of a tensor of `rank` dimensions, as 0 .. rank - 1; nothing where one is
/// out of range.
std::optional<std::vector<std::size_t>> axes_of(const TfliteGraph& graph, TensorId id, std::size_t rank);

/// A shape as TFLite's int32; fails with ErrorCode::model where a size exceeds 2^31 - 1.
std::vector<std::int32_t> to_int32(const Shape& shape);

/// An axis as 0 .. rank - 1, counted from the end where it is negative; nothing where it is out of range.
std::optional<std::size_t> normalized_axis(std::int64_t axis, std::size_t rank);

}  // namespace calib8
