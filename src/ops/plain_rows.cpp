#include "ops/plain_rows.h"

#include <fmt/format.h>

#include <algorithm>

namespace calib8 {
namespace {

constexpr std::size_t most_broadcast = 4;
constexpr std::array booleans = {DType::boolean};

/// Of operands of one of `types`, both the same.
Shape broadcast_of_four(const OperatorView& view, std::span<const DType> types) {
  view.require_type(0, types);
  const TfliteTensor &a = view.input(0), &b = view.input(1);
  if (a.dtype != b.dtype) {
    view.fail(fmt::format("its operands are {} and {}", name_of(a.dtype), name_of(b.dtype)));
  }
  if (a.shape != b.shape && std::max(a.shape.size(), b.shape.size()) > most_broadcast) {
    view.fail(fmt::format("broadcasts {} and {}; its kernel does so in four dimensions at most",
                          to_string(a.shape), to_string(b.shape)));
  }
  return broadcast(view, a.shape, b.shape);
}

}  // namespace

std::vector<TensorType> infer_broadcast_of_four(const OperatorView& view) {
  return {{view.input(0).dtype, broadcast_of_four(view, number_types)}};
}

std::vector<TensorType> infer_logic(const OperatorView& view) {
  return {{DType::boolean, broadcast_of_four(view, booleans)}};
}

std::vector<TensorType> infer_comparison(const OperatorView& view) {
  for (std::size_t i = 0; i < view.op.inputs.size(); ++i) {
    const TfliteTensor& x = view.input(i);
    const bool is_narrow = x.dtype == DType::int8 || x.dtype == DType::uint8 || x.dtype == DType::int16;
    // Its kernels take these for levels, and end the process where they don't find a scale.
    if (is_narrow && !x.quantization)
      view.fail(fmt::format("compares '{}' of {} without a scale", x.name, name_of(x.dtype)));
  }
  return {{DType::boolean, broadcast_of_four(view, moved_types)}};
}

}  // namespace calib8
