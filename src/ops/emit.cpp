#include "ops/emit.h"

#include <algorithm>
#include <limits>

namespace calib8 {
namespace {

std::string with_part(std::string_view part, std::string_view name) {
  return part.empty() ? std::string(name) : std::string(part) + "/" + std::string(name);
}

Refusal refuse_other_than(const Lowering& lowering, std::initializer_list<DType> types) {
  for (std::size_t i = 0; i < lowering.node.inputs.size(); ++i) {
    if (!lowering.has_input(i) || lowering.constant(i)) continue;
    const DType dtype = lowering.input_type(i).dtype;
    if (std::find(types.begin(), types.end(), dtype) == types.end())
      return "computes with " + std::string(name_of(dtype)) + " at run time";
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::int32_t> as_int32(const NodeView& view, const Shape& sizes) {
  std::vector<std::int32_t> result;
  for (const std::int64_t size : sizes) {
    if (size > std::numeric_limits<std::int32_t>::max() || size < std::numeric_limits<std::int32_t>::min()) {
      view.fail("TFLite has no tensor with a size of " + std::to_string(size));
    }
    result.push_back(static_cast<std::int32_t>(size));
  }
  return result;
}

Refusal refuse_integers(const Lowering& lowering) {
  return refuse_other_than(lowering, {DType::float32});
}

Refusal refuse_other_than_numbers(const Lowering& lowering) {
  return refuse_other_than(lowering, {DType::float32, DType::int32, DType::int64});
}

Refusal refuse_unmovable(const Lowering& lowering) {
  return refuse_other_than(lowering, {DType::float32, DType::int32, DType::int64, DType::uint8, DType::int8,
                                      DType::int16, DType::boolean});
}

TensorId emit_reshape(Lowering& lowering, TensorId tensor, const Shape& shape, std::string_view part) {
  if (lowering.target[tensor].shape == shape) return tensor;
  const std::vector<std::int32_t> sizes = as_int32(lowering, shape);
  const TensorId wanted = lowering.constant(with_part(part, "shape"), sizes);
  return lowering.emit(tflite::Reshape{sizes}, {tensor, wanted}, shape, part);
}

TensorId emit_slice(Lowering& lowering, TensorId tensor, const Shape& begin, const Shape& size,
                    std::string_view part) {
  if (lowering.target[tensor].shape == size) return tensor;
  const TensorId from = lowering.constant(with_part(part, "begin"), as_int32(lowering, begin));
  const TensorId sizes = lowering.constant(with_part(part, "size"), as_int32(lowering, size));
  return lowering.emit(tflite::Slice{}, {tensor, from, sizes}, size, part);
}

TensorId emit_permutation(Lowering& lowering, TensorId tensor, const std::vector<std::int64_t>& permutation) {
  if (std::is_sorted(permutation.begin(), permutation.end())) return tensor;
  return lowering.emit_transpose(tensor, as_int32(lowering, permutation));
}

}  // namespace calib8
