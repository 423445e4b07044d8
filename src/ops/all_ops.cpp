#include "ops/all_ops.h"

#include <algorithm>
#include <array>
#include <string>

#include "calib8/error.h"

namespace calib8 {
namespace {

/// The one list of operator families. A new family is a line here and its declaration in all_ops.h.
constexpr std::array families = {
    &conv_family,      &pool_family,      &activation_family,     &linear_family,    &normalization_family,
    &softmax_family,   &quantize_family,  &elementwise_family,    &reduce_family,    &shape_family,
    &join_family,      &resize_family,    &constant_family,       &slice_family,     &gather_family,
    &transpose_family, &pad_family,       &shuffle_family,        &compare_family,   &cast_family,
    &order_family,     &functions_family, &scatter_family,        &recurrent_family, &einsum_family,
    &smooth_family,    &expand_family,    &conv_transpose_family, &conv_3d_family,   &standardize_family,
};

std::vector<const OnnxOp*> collect_onnx_ops() {
  std::vector<const OnnxOp*> rows;
  for (const auto family : families) {
    for (const OnnxOp& row : family().onnx_rows) rows.push_back(&row);
  }
  std::sort(rows.begin(), rows.end(), [](const OnnxOp* a, const OnnxOp* b) { return a->type < b->type; });
  const auto twice = std::adjacent_find(rows.begin(), rows.end(),
                                        [](const OnnxOp* a, const OnnxOp* b) { return a->type == b->type; });
  if (twice != rows.end()) {
    throw Error(ErrorCode::internal, "two rows for the ONNX operator " + std::string((*twice)->type));
  }
  return rows;
}

/// One row per alternative of tflite::Options, in the variant's order.
std::vector<const TfliteOp*> collect_tflite_ops() {
  std::vector<const TfliteOp*> rows(std::variant_size_v<tflite::AnyOptions>);
  for (const auto family : families) {
    for (const OpFamily::TfliteRow& row : family().tflite_rows) {
      const TfliteOp*& slot = rows.at(row.alternative);
      if (slot)
        throw Error(ErrorCode::internal, "two rows for the TFLite operator " + std::string(row.op.name));
      slot = &row.op;
    }
  }
  const auto missing = std::find(rows.begin(), rows.end(), nullptr);
  if (missing != rows.end()) {
    throw Error(ErrorCode::internal,
                "no row for alternative " + std::to_string(missing - rows.begin()) + " of tflite::Options");
  }
  return rows;
}

}  // namespace

std::span<const OnnxOp* const> all_onnx_ops() {
  static const std::vector<const OnnxOp*> rows = collect_onnx_ops();
  return rows;
}

const OnnxOp* find_onnx_op(std::string_view type) {
  const auto rows = all_onnx_ops();
  const auto found =
      std::lower_bound(rows.begin(), rows.end(), type,
                       [](const OnnxOp* row, std::string_view name) { return row->type < name; });
  return found != rows.end() && (*found)->type == type ? *found : nullptr;
}

std::span<const TfliteOp* const> all_tflite_ops() {
  static const std::vector<const TfliteOp*> rows = collect_tflite_ops();
  return rows;
}

const TfliteOp& tflite_op(const tflite::Options& options) {
  return *all_tflite_ops()[options.index()];
}

const TfliteOp* find_tflite_op(std::int32_t builtin_code) {
  const auto rows = all_tflite_ops();
  const auto found = std::find_if(rows.begin(), rows.end(),
                                  [&](const TfliteOp* row) { return row->builtin_code == builtin_code; });
  return found != rows.end() ? *found : nullptr;
}

}  // namespace calib8
