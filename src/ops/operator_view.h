#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// What a tensor is without its name and values.
struct TensorType {
  DType dtype = DType::float32;
  Shape shape;

  friend bool operator==(const TensorType&, const TensorType&) = default;
};

/// An operator as its row's `infer` sees it.
struct OperatorView {
  const TfliteGraph& graph;
  const TfliteOperator& op;

  /// The options; Op is the operator's own struct.
  template <class Op>
  const Op& options() const {
    return std::get<Op>(op.options);
  }

  bool has_input(std::size_t position) const;
  /// Fails with ErrorCode::model, naming the operator, where the input is omitted.
  const TfliteTensor& input(std::size_t position) const;
  /// The input's shape; fails likewise where it has another rank.
  const Shape& shape(std::size_t position, std::size_t rank) const;
  /// Fails likewise where the input's type is none of these.
  void require_type(std::size_t position, std::span<const DType> types) const;

  /// The elements of a constant input of rank 0 or 1 (`what`: "its axes") of int32, or of int32 or int64.
  /// Fails likewise where it is computed, of another type or rank, or has more elements than any tensor
  /// needs.
  std::vector<std::int64_t> integers(std::size_t position, std::string_view what,
                                     bool may_be_int64 = false) const;

  /// An error about this operator: ErrorCode::model, naming it ("PAD 'features.0'").
  [[noreturn]] void fail(const std::string& message) const;
};

}  // namespace calib8
