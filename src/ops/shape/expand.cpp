// Expand, Tile and Trilu. Their TFLite half is gather_tflite.cpp.

#include "ops/all_ops.h"
#include "ops/emit.h"
#include "ops/formula.h"
#include "ops/infer.h"
#include "ops/strided.h"

namespace calib8 {
namespace {

std::vector<OnnxType> infer_expand(const NodeView& view) {
  const OnnxType& x = view.input_type(0);
  const auto wanted = known_elements(view, 1);
  if (!x.has_rank() || !wanted) return {{x.dtype, std::nullopt}};
  return {{x.dtype, broadcast(view, *x.shape, *wanted)}};
}

std::vector<Tensor> fold_expand(const NodeView& view) {
  const Tensor* tensor = view.constant(0);
  const OnnxType type = infer_expand(view)[0];
  if (!tensor || !type.is_static() || !is_foldable_size(type.static_shape(), type.dtype)) return {};
  return {broadcast_to(*tensor, type.static_shape())};
}

/// So many operators with large constants are worse than one that isn't delegated.
constexpr std::int64_t most_ones = std::int64_t{1} << 16;

//   Expand(x)   ->   MUL(x, ones of the sizes that x lacks), or BROADCAST_TO
//
// BROADCAST_TO isn't delegated; and a factor of 1 is exact in int8 (scale 1/255), where an added 0 would have
// no scale.
Refusal lower_expand(Lowering& lowering) {
  if (Refusal refusal = refuse_unmovable(lowering)) return refusal;
  const Shape shape = lowering.output_shape();
  Shape from = lowering.input_shape(0);
  from.insert(from.begin(), shape.size() - from.size(), 1);
  Formula f(lowering);
  const TensorId x = f.reshape(f.input(0), from);
  Shape missing(shape.size(), 1);
  for (std::size_t axis = 0; axis < shape.size(); ++axis) missing[axis] = from[axis] == 1 ? shape[axis] : 1;
  const std::int64_t count = element_count(missing).value_or(most_ones + 1);
  if (from == shape) {
    f.result(x);
  } else if (lowering.target[x].dtype == DType::float32 && count <= most_ones) {
    const std::vector<float> ones(static_cast<std::size_t>(count), 1.0f);
    f.result(f.mul(x, f.constant(make_tensor(missing, ones))));
  } else {
    f.result(f.broadcast(x, shape));
  }
  return std::nullopt;
}

Refusal lower_tile(Lowering& lowering) {
  if (Refusal refusal = refuse_unmovable(lowering)) return refusal;
  const auto repeats = constant_integers(lowering, 1);
  if (!repeats) return "repeats that are not constant";
  Formula f(lowering);
  const TensorId x = f.input(0);
  const Shape shape = lowering.output_shape();
  if (shape == f.shape(x)) {
    f.result(x);
    return std::nullopt;
  }
  const TensorId counts = f.integers({static_cast<std::int64_t>(repeats->size())}, *repeats);
  f.result(f.emit(tflite::Tile{}, {x, counts}, shape));
  return std::nullopt;
}

std::vector<OnnxType> infer_tile(const NodeView& view) {
  const OnnxType& x = view.input_type(0);
  if (!x.has_rank()) return {x};
  const auto repeats = constant_integers(view, 1);
  OnnxType result{x.dtype, Dimensions(x.shape->size())};
  if (!repeats) return {result};
  if (repeats->size() != x.shape->size()) view.fail("has not one repeat for each dimension");
  for (std::size_t i = 0; i < repeats->size(); ++i) {
    const std::int64_t count = (*repeats)[i];
    if (count < 0) view.fail("repeats " + std::to_string(count) + " times");
    (*result.shape)[i] = count == 1 ? (*x.shape)[i] : product(view, {(*x.shape)[i], known(count)});
  }
  return {result};
}

/// Reads the tensor as if it had a dimension of stride 0 before each of its own.
std::vector<Tensor> fold_tile(const NodeView& view) {
  const Tensor* tensor = view.constant(0);
  const auto repeats = constant_integers(view, 1);
  const OnnxType type = infer_tile(view)[0];
  if (!tensor || !repeats || !is_foldable_size(type.static_shape(), type.dtype)) return {};
  const Shape own = row_major_strides(tensor->shape);
  Shape shape, strides;
  for (std::size_t axis = 0; axis < own.size(); ++axis) {
    shape.insert(shape.end(), {(*repeats)[axis], tensor->shape[axis]});
    strides.insert(strides.end(), {0, own[axis]});
  }
  const Tensor tiled = copy_strided(*tensor, shape, strides);
  return {{tiled.dtype, type.static_shape(), tiled.data}};
}

// --- Trilu ---

std::vector<OnnxType> infer_trilu(const NodeView& view) {
  return {view.input_type(0)};
}

/// For each element of the matrices of this shape whether it is kept.
std::optional<std::vector<bool>> kept_by_trilu(const NodeView& view, const Shape& shape) {
  if (shape.size() < 2) view.fail("takes matrices");
  std::int64_t diagonal = 0;
  if (view.has_input(1)) {
    const auto given = constant_integers(view, 1);
    if (!given) return std::nullopt;
    if (given->size() != 1) view.fail("its diagonal is not one number");
    diagonal = (*given)[0];
  }
  const bool is_upper = view.node.get_int("upper", 1) != 0;
  std::vector<bool> kept;
  for (std::int64_t row = 0; row < shape[shape.size() - 2]; ++row) {
    for (std::int64_t column = 0; column < shape.back(); ++column)
      kept.push_back(is_upper ? column - row >= diagonal : column - row <= diagonal);
  }
  return kept;
}

std::vector<Tensor> fold_trilu(const NodeView& view) {
  const Tensor* tensor = view.constant(0);
  if (!tensor) return {};
  const auto kept = kept_by_trilu(view, tensor->shape);
  if (!kept) return {};
  const std::size_t size = size_of(tensor->dtype);
  const ByteView from = tensor->data.bytes();
  std::vector<std::byte> bytes(from.begin(), from.end());
  for (std::size_t i = 0; i * size < bytes.size(); ++i) {
    if ((*kept)[i % kept->size()]) continue;
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(i * size), size, std::byte{0});
  }
  return {{tensor->dtype, tensor->shape, Data::from_vector(std::move(bytes))}};
}

//   Trilu(x)   ->   MUL by ones and zeros
Refusal lower_trilu(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  Formula f(lowering);
  const TensorId x = f.input(0);
  const auto kept = kept_by_trilu(lowering, f.shape(x));
  if (!kept) return "a diagonal that is not constant";
  Shape matrix(f.rank(x), 1);
  matrix[matrix.size() - 2] = f.shape(x)[matrix.size() - 2];
  matrix.back() = f.shape(x).back();
  std::vector<float> factors;
  for (const bool is_kept : *kept) factors.push_back(is_kept ? 1.0f : 0.0f);
  f.result(f.mul(x, f.constant(make_tensor(matrix, std::move(factors)))));
  return std::nullopt;
}

const OnnxOp onnx_rows[] = {
    {.type = "Expand",
     .inputs = {2, 2},
     .infer = infer_expand,
     .fold = fold_expand,
     .lower = lower_expand,
     .traits = {.sign = Sign::keeps}},
    {.type = "Tile",
     .inputs = {2, 2},
     .infer = infer_tile,
     .fold = fold_tile,
     .lower = lower_tile,
     .traits = {.sign = Sign::keeps}},
    {.type = "Trilu",
     .inputs = {1, 2},
     .infer = infer_trilu,
     .fold = fold_trilu,
     .lower = lower_trilu,
     .traits = {.sign = Sign::keeps}},
};

}  // namespace

const OpFamily& expand_family() {
  static const OpFamily family{onnx_rows, {}};
  return family;
}

}  // namespace calib8
