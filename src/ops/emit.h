#pragma once

#include <cstdint>
#include <vector>

#include "ops/lowering.h"

namespace calib8 {

/// Operators that several families lower to.

/// Sizes or axes as TFLite has them; fails with ErrorCode::model, naming the node, where one exceeds int32.
std::vector<std::int32_t> as_int32(const NodeView& view, const Shape& sizes);

/// A refusal where the node computes with something else than float32: TFLite's integer operators aren't
/// generated.
Refusal refuse_integers(const Lowering& lowering);

/// A refusal where the node reads what TFLite's kernels have for numbers neither in float32 nor in int32.
Refusal refuse_other_than_numbers(const Lowering& lowering);

/// A refusal where the node reads what TFLite can't even move.
Refusal refuse_unmovable(const Lowering& lowering);

/// The tensor itself where it has that shape, else a RESHAPE of it.
TensorId emit_reshape(Lowering& lowering, TensorId tensor, const Shape& shape, std::string_view part = {});

/// The tensor itself where the slice is all of it, else a SLICE.
TensorId emit_slice(Lowering& lowering, TensorId tensor, const Shape& begin, const Shape& size,
                    std::string_view part = {});

/// The tensor itself where the permutation leaves all where it is, else a TRANSPOSE.
TensorId emit_permutation(Lowering& lowering, TensorId tensor, const std::vector<std::int64_t>& permutation);

}  // namespace calib8
