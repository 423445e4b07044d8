#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ops/onnx_op.h"

namespace calib8 {

using Dimensions = std::vector<Dimension>;

/// An axis in [-rank, rank) as one in [0, rank); fails with ErrorCode::model, naming the node, where it is
/// outside.
std::int64_t normalized_axis(const NodeView& view, std::int64_t axis, std::size_t rank);

/// The same for several, ascending; fails likewise where one is named twice.
std::vector<std::int64_t> normalized_axes(const NodeView& view, std::vector<std::int64_t> axes,
                                          std::size_t rank);

/// The elements of an input of int32 or int64 elements; nothing where it is omitted or not constant. Fails
/// with ErrorCode::model where it has other elements.
std::optional<std::vector<std::int64_t>> constant_integers(const NodeView& view, std::size_t position);

/// What is known of the elements of an integer input of rank 0 or 1, each as the dimension that it would be
/// (a negative one, as Reshape has, as an unknown dimension): looks through the Shape, Gather, Concat, ...
/// nodes that compute it. Nothing where not even their number is known.
std::optional<Dimensions> known_elements(const NodeView& view, std::size_t position);

/// A shape has few elements: what is longer is no shape arithmetic.
inline constexpr std::int64_t most_elements = 64;

/// For the rows of operators that leave the elements and, up to rank 1, their order as they are.
std::optional<Dimensions> elements_of_first_input(const NodeView& view, const ElementsOfInput& elements_of);

/// The dimension that two descriptions of one and the same size amount to; fails with ErrorCode::model where
/// they contradict each other.
Dimension merged(const NodeView& view, const Dimension& a, const Dimension& b);

/// The shape that two shapes broadcast to, as NumPy has it; fails with ErrorCode::model where they don't.
Dimensions broadcast(const NodeView& view, const Dimensions& a, const Dimensions& b);

/// The sum of two sizes: known where both are. Fails with ErrorCode::model where it is too large.
Dimension sum(const NodeView& view, const Dimension& a, const Dimension& b);

/// The product of some dimensions: known where all are known, the one dimension where the others are 1.
Dimension product(const NodeView& view, const Dimensions& dimensions);

/// A known dimension.
inline Dimension known(std::int64_t size) {
  return {size, {}};
}

}  // namespace calib8
