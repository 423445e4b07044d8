#include <fmt/format.h>

#include <algorithm>

#include "ops/all_ops.h"
#include "ops/emit.h"
#include "ops/file_options.h"
#include "ops/infer.h"
#include "ops/infer_tflite.h"
#include "ops/strided.h"
#include "ops/xnnpack.h"

namespace calib8 {
namespace {

// --- ONNX ---

std::vector<std::int64_t> permutation_of(const NodeView& view, std::size_t rank) {
  std::vector<std::int64_t> reversed;
  for (std::size_t i = rank; i-- > 0;) reversed.push_back(static_cast<std::int64_t>(i));
  const std::vector<std::int64_t> permutation = view.node.get_ints("perm", reversed);
  if (permutation.size() != rank || normalized_axes(view, permutation, rank).size() != rank ||
      std::any_of(permutation.begin(), permutation.end(), [](std::int64_t axis) { return axis < 0; })) {
    view.fail("perm " + to_string(permutation) + " is no permutation of " + std::to_string(rank) + " axes");
  }
  return permutation;
}

std::vector<OnnxType> infer_transpose(const NodeView& view) {
  const OnnxType& x = view.input_type(0);
  if (!x.has_rank()) {
    if (!view.node.has("perm")) return {x};
    return {{x.dtype, Dimensions(view.node.get_ints("perm", {}).size())}};
  }
  OnnxType result{x.dtype, Dimensions{}};
  for (const std::int64_t axis : permutation_of(view, x.shape->size())) {
    result.shape->push_back((*x.shape)[static_cast<std::size_t>(axis)]);
  }
  return {result};
}

std::vector<Tensor> fold_transpose(const NodeView& view) {
  const Tensor* tensor = view.constant(0);
  if (!tensor) return {};
  const Shape own = row_major_strides(tensor->shape);
  Shape shape, strides;
  for (const std::int64_t axis : permutation_of(view, tensor->shape.size())) {
    shape.push_back(tensor->shape[static_cast<std::size_t>(axis)]);
    strides.push_back(own[static_cast<std::size_t>(axis)]);
  }
  return {copy_strided(*tensor, shape, strides)};
}

Refusal lower_transpose(Lowering& lowering) {
  if (Refusal refusal = refuse_unmovable(lowering)) return refusal;
  const TensorId x = lowering.input(0);
  const auto permutation = permutation_of(lowering, lowering.target[x].shape.size());
  lowering.set_output(0, emit_permutation(lowering, x, permutation));
  return std::nullopt;
}

const OnnxOp onnx_rows[] = {
    {.type = "Transpose",
     .inputs = {1, 1},
     .infer = infer_transpose,
     .fold = fold_transpose,
     .lower = lower_transpose,
     .traits = {.sign = Sign::keeps}},
};

// --- TFLite ---

std::vector<TensorType> infer_transpose_tflite(const OperatorView& view) {
  view.require_type(0, moved_types);
  const TfliteTensor& x = view.input(0);
  const auto permutation = view.integers(1, "its axes");
  std::vector<bool> is_taken(x.shape.size(), false);
  Shape shape;
  for (const std::int64_t axis : permutation) {
    if (axis < 0 || axis >= static_cast<std::int64_t>(x.shape.size()) ||
        is_taken[static_cast<std::size_t>(axis)])
      break;
    is_taken[static_cast<std::size_t>(axis)] = true;
    shape.push_back(x.shape[static_cast<std::size_t>(axis)]);
  }
  if (shape.size() != x.shape.size() || permutation.size() != shape.size()) {
    view.fail(fmt::format("{} is no permutation of {} dimensions", to_string(permutation), x.shape.size()));
  }
  return {{x.dtype, std::move(shape)}};
}

TfliteOp::WrittenOptions write_transpose(flatbuffers::FlatBufferBuilder& builder, const tflite::Options&) {
  return written(schema::BuiltinOptions::TransposeOptions, schema::CreateTransposeOptions(builder));
}

int version_of_transpose(const TfliteGraph& graph, const TfliteOperator& op) {
  const std::size_t rank = graph[op.inputs.at(0)].shape.size();
  if (rank > 5) return rank == 6 ? 6 : 8;
  if (graph[op.inputs.at(0)].dtype == DType::int16) return 5;
  return rank == 5 ? 4 : version_by_type<0>(graph, op);
}

constexpr OpFamily::TfliteRow tflite_rows[] = {
    {alternative_of<tflite::Transpose>,
     {.name = tflite::Transpose::name,
      .inputs = {2, 2},
      .infer = infer_transpose_tflite,
      .sign = SignEffect::keeps,
      .builtin_code = 39,
      .rule = {OutputRange::same_as_input},
      .version = version_of_transpose,
      .write = write_transpose,
      .read = read_plain<tflite::Transpose>,
      .runs_on_xnnpack = xnnpack_moves_bytes,
      .minimum_runtime =
          [](int version) {
            return release_of(version,
                              {"1.6.0", "1.14.0", "1.15.0", "2.3.0", "2.4.0", "2.12.0", "2.14.4", "2.22.0"});
          }}},
};

}  // namespace

const OpFamily& transpose_family() {
  static const OpFamily family{onnx_rows, tflite_rows};
  return family;
}

}  // namespace calib8
