#include "ops/operator_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "calib8/error.h"

namespace calib8 {
namespace {

/// Two for each of 16 dimensions: twice what the largest tensor's paddings have.
constexpr std::int64_t most_integers = 32;

}  // namespace

bool OperatorView::has_input(std::size_t position) const {
  return position < op.inputs.size() && op.inputs[position].exists();
}

const TfliteTensor& OperatorView::input(std::size_t position) const {
  if (!has_input(position)) fail(fmt::format("lacks its input {}", position));
  return graph[op.inputs[position]];
}

const Shape& OperatorView::shape(std::size_t position, std::size_t rank) const {
  const TfliteTensor& tensor = input(position);
  if (tensor.shape.size() == rank) return tensor.shape;
  fail(fmt::format("reads '{}' of shape {}; it takes {} dimensions", tensor.name, to_string(tensor.shape),
                   rank));
}

void OperatorView::require_type(std::size_t position, std::span<const DType> types) const {
  const TfliteTensor& tensor = input(position);
  if (std::ranges::find(types, tensor.dtype) != types.end()) return;
  fail(fmt::format("reads '{}' of {}, which LiteRT's kernel does not take", tensor.name,
                   name_of(tensor.dtype)));
}

std::vector<std::int64_t> OperatorView::integers(std::size_t position, std::string_view what,
                                                 bool may_be_int64) const {
  const TfliteTensor& tensor = input(position);
  if (!tensor.is_constant()) {
    fail(fmt::format("{} in '{}' are computed; calib8 takes constants there", what, tensor.name));
  }
  const bool right_type = tensor.dtype == DType::int32 || (may_be_int64 && tensor.dtype == DType::int64);
  if (!right_type) fail(fmt::format("{} in '{}' are {}", what, tensor.name, name_of(tensor.dtype)));
  const std::int64_t count = element_count(tensor.shape).value_or(most_integers + 1);
  if (count > most_integers) fail(fmt::format("{} in '{}' are too many", what, tensor.name));
  return to_int64(tensor.as_tensor());
}

void OperatorView::fail(const std::string& message) const {
  const std::string name = op.outputs.empty() || !op.outputs[0].exists() ? "" : graph[op.outputs[0]].name;
  throw Error(ErrorCode::model, fmt::format("{} '{}': {}", name_of(op.options), name, message));
}

}  // namespace calib8
