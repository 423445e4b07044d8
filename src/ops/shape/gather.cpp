#include "ops/all_ops.h"
#include "ops/emit.h"
#include "ops/formula.h"
#include "ops/infer.h"
#include "ops/shape/gather_rows.h"
#include "ops/strided.h"

namespace calib8 {
namespace {

std::size_t gather_axis(const NodeView& view, std::size_t rank) {
  return static_cast<std::size_t>(normalized_axis(view, view.node.get_int("axis", 0), rank));
}

std::vector<OnnxType> infer_gather(const NodeView& view) {
  const OnnxType &x = view.input_type(0), &indices = view.input_type(1);
  if (!x.has_rank() || !indices.has_rank()) return {{x.dtype, std::nullopt}};
  const auto axis = static_cast<std::ptrdiff_t>(gather_axis(view, x.shape->size()));
  Dimensions sizes(x.shape->begin(), x.shape->begin() + axis);
  sizes.insert(sizes.end(), indices.shape->begin(), indices.shape->end());
  sizes.insert(sizes.end(), x.shape->begin() + axis + 1, x.shape->end());
  return {{x.dtype, std::move(sizes)}};
}

/// The constant indices, each in range; nothing where they aren't constant.
std::optional<std::vector<std::int64_t>> gather_indices(const NodeView& view, std::int64_t size) {
  auto indices = constant_integers(view, 1);
  if (!indices) return std::nullopt;
  for (std::int64_t& index : *indices) {
    if (index < -size || index >= size) {
      view.fail("index " + std::to_string(index) + " is outside a size of " + std::to_string(size));
    }
    if (index < 0) index += size;
  }
  return indices;
}

std::vector<Tensor> fold_gather(const NodeView& view) {
  const Tensor* tensor = view.constant(0);
  if (!tensor) return {};
  const std::size_t axis = gather_axis(view, tensor->shape.size());
  const auto indices = gather_indices(view, tensor->shape[axis]);
  const OnnxType type = infer_gather(view)[0];
  if (!indices || !is_foldable_size(type.static_shape(), type.dtype)) return {};
  if (element_count(type.static_shape()) == 0) return {{type.dtype, type.static_shape(), Data{}}};
  const std::size_t element_size = size_of(type.dtype);
  const auto outer = element_count(std::span(tensor->shape).first(axis)).value();
  const auto inner =
      static_cast<std::size_t>(element_count(std::span(tensor->shape).subspan(axis + 1)).value());
  const ByteView from = tensor->data.bytes();
  std::vector<std::byte> bytes;
  for (std::int64_t i = 0; i < outer; ++i) {
    for (const std::int64_t index : *indices) {
      const auto block = static_cast<std::size_t>(i * tensor->shape[axis] + index);
      const ByteView part = from.subspan(block * inner * element_size, inner * element_size);
      bytes.insert(bytes.end(), part.begin(), part.end());
    }
  }
  return {{type.dtype, type.static_shape(), Data::from_vector(std::move(bytes))}};
}

/// A stretch of neighbouring elements.
struct Stretch {
  std::int64_t begin, count;
};

std::vector<Stretch> stretches_of(const std::vector<std::int64_t>& indices) {
  std::vector<Stretch> stretches;
  for (const std::int64_t index : indices) {
    if (!stretches.empty() && index == stretches.back().begin + stretches.back().count) {
      ++stretches.back().count;
    } else {
      stretches.push_back({index, 1});
    }
  }
  return stretches;
}

/// XNNPACK has slices and joins of so many parts, but no GATHER.
constexpr std::size_t most_stretches = 5;

//   Gather(x, constant i)                  ->   SLICE, RESHAPE
//   Gather(x, constant i, i + 1, ...)      ->   SLICE
//   Gather(x, constant 2, 1, 0)            ->   SLICE of each stretch, CONCATENATION
//   Gather(x, other indices)               ->   GATHER
// At run time indices must not be negative; LiteRT fails with an error then.
Refusal lower_gather(Lowering& lowering) {
  if (Refusal refusal = refuse_unmovable(lowering)) return refusal;
  Formula f(lowering);
  const std::size_t axis = gather_axis(lowering, lowering.input_shape(0).size());
  const auto indices = gather_indices(lowering, lowering.input_shape(0)[axis]);
  if (!indices) {
    f.result(f.gather(f.input(0), f.cast(f.input(1), DType::int32), axis));
    return std::nullopt;
  }
  if (indices->empty()) return "no indices";
  const TensorId x = f.input(0);
  const std::vector<Stretch> stretches = stretches_of(*indices);
  if (stretches.size() <= most_stretches && !lowering.target.is_constant(x)) {
    std::vector<TensorId> parts;
    for (const auto& [begin, count] : stretches) parts.push_back(f.slice(x, axis, begin, count));
    f.result(f.concatenate(parts, axis));
  } else {
    f.result(f.gather(x, f.integers(lowering.input_shape(1), *indices), axis));
  }
  return std::nullopt;
}

std::optional<Dimensions> elements_of_gather(const NodeView& view, const ElementsOfInput& elements_of) {
  const Tensor* indices = view.constant(1);
  const auto from = elements_of(0);
  if (!from || !indices || is_floating(indices->dtype)) return std::nullopt;
  if (indices->shape.size() > 1 || indices->count() > most_elements) return std::nullopt;
  Dimensions elements;
  for (std::int64_t index : to_int64(*indices)) {
    if (index < 0) index += static_cast<std::int64_t>(from->size());
    if (index < 0 || index >= static_cast<std::int64_t>(from->size())) return std::nullopt;
    elements.push_back((*from)[static_cast<std::size_t>(index)]);
  }
  return elements;
}

const OnnxOp onnx_rows[] = {
    {.type = "Gather",
     .inputs = {2, 2},
     .infer = infer_gather,
     .fold = fold_gather,
     .lower = lower_gather,
     .traits = {.sign = Sign::keeps, .elements = elements_of_gather}},
};

}  // namespace

const OpFamily& gather_family() {
  static const OpFamily family{onnx_rows, gather_tflite_rows()};
  return family;
}

}  // namespace calib8
