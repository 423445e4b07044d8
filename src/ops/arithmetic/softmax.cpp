// Softmax and SOFTMAX, LogSoftmax and LOG_SOFTMAX.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ops/all_ops.h"
#include "ops/emit.h"
#include "ops/file_options.h"
#include "ops/infer.h"
#include "ops/infer_tflite.h"
#include "ops/lowering.h"
#include "ops/xnnpack.h"

namespace calib8 {
namespace {

std::vector<OnnxType> infer_softmax(const NodeView& view) {
  const OnnxType& type = view.input_type(0);
  if (type.has_rank()) normalized_axis(view, view.node.get_int("axis", -1), type.shape->size());
  return {type};
}

// TFLite's is over the last axis.
//   Softmax(x), axis   ->   [TRANSPOSE], SOFTMAX, [TRANSPOSE]
template <class Op>
Refusal lower_softmax(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  const std::size_t rank = lowering.input_shape(0).size();
  const auto axis =
      static_cast<std::size_t>(normalized_axis(lowering, lowering.node.get_int("axis", -1), rank));
  const bool is_channels = axis == 1 && rank > 2;
  std::vector<std::int32_t> permutation(rank);
  std::iota(permutation.begin(), permutation.end(), 0);
  std::swap(permutation[axis], permutation[rank - 1]);

  TensorId x = lowering.input(0);
  x = is_channels ? lowering.to_channels_last(x) : lowering.emit_transpose(x, permutation);
  TensorId y = lowering.emit(Op{}, {x}, lowering.target[x].shape);
  y = is_channels ? lowering.to_channels_first(y) : lowering.emit_transpose(y, permutation);
  lowering.set_output(0, y);
  return std::nullopt;
}

std::vector<TensorType> infer_log_softmax(const OperatorView& view) {
  if (view.input(0).shape.empty()) view.fail("takes no scalar");
  return infer_like_input(view, real_types);
}

std::vector<TensorType> infer_softmax_tflite(const OperatorView& view) {
  const float beta = view.options<tflite::Softmax>().beta;
  if (!std::isfinite(beta) || beta <= 0) view.fail(fmt::format("its factor beta is {}", beta));
  if (view.input(0).shape.empty()) view.fail("takes no scalar");
  return infer_like_input(view, real_types);
}

TfliteOp::WrittenOptions write_softmax(flatbuffers::FlatBufferBuilder& builder,
                                       const tflite::Options& options) {
  return written(schema::BuiltinOptions::SoftmaxOptions,
                 schema::CreateSoftmaxOptions(builder, std::get<tflite::Softmax>(options).beta));
}

tflite::Options read_softmax(const schema::Operator& op) {
  const auto* table = options_table<schema::SoftmaxOptions>(op);
  return tflite::Softmax{table ? table->beta() : 0.0f};
}

/// The delegate knows no factor.
bool softmax_on_xnnpack(const TfliteGraph& graph, const TfliteOperator& op) {
  return xnnpack_float_only(graph, op) && std::get<tflite::Softmax>(op.options).beta == 1.0f;
}

const OnnxOp onnx_rows[] = {
    {.type = "Softmax",
     .inputs = {1, 1},
     .infer = infer_softmax,
     .lower = lower_softmax<tflite::Softmax>,
     .traits = {.sign = Sign::never_negative}},
    {.type = "LogSoftmax",
     .inputs = {1, 1},
     .infer = infer_softmax,
     .lower = lower_softmax<tflite::LogSoftmax>},
};

/// Whether the model gives the tensor out, as it is or converted to the type of its outputs.
bool is_given_out(const TfliteGraph& graph, TensorId tensor) {
  const auto converts = [&](OperatorId reader) {
    const TfliteOperator& op = graph[reader];
    return (op.is<tflite::Dequantize>() || op.is<tflite::Quantize>()) && graph.is_output(op.outputs[0]);
  };
  return graph.is_output(tensor) || std::ranges::any_of(graph.users(tensor), converts);
}

/// The int8 kernel writes multiples of 1/256: of a row of many, which share a sum of 1, little is left, and
/// of the thousands that attend to each other in an image nothing. In float the result has the scale that it
/// needs, and XNNPACK runs it four times as fast. Scores that the model gives out keep the scale that
/// everybody expects of them.
QuantizationRule softmax_rule(const TfliteGraph& graph, const TfliteOperator& op, const TargetTraits&) {
  constexpr std::int64_t longest_row = 32;
  const Shape& shape = output_of(graph, op).shape;
  if (!shape.empty() && shape.back() > longest_row && !is_given_out(graph, op.outputs[0]))
    return keep_float("1/256, the int8 kernel's scale, is too coarse for a share of so many");
  return {OutputRange::fixed, 1.0f / 256.0f, -128};
}

constexpr QuantizationRule log_softmax_rule{
    .output = OutputRange::fixed, .fixed_scale = 16.0f / 256.0f, .fixed_zero_point = 127, .has_int16 = false};

const OpFamily::TfliteRow tflite_rows[] = {
    {alternative_of<tflite::LogSoftmax>,
     {.name = tflite::LogSoftmax::name,
      .infer = infer_log_softmax,
      .builtin_code = 50,
      .rule = log_softmax_rule,
      .version = version_by_type<0>,
      .read = read_plain<tflite::LogSoftmax>,
      .runs_on_xnnpack = xnnpack_never,
      .minimum_runtime = [](int) -> std::string_view { return "1.14.0"; }}},
    {alternative_of<tflite::Softmax>,
     {.name = tflite::Softmax::name,
      .infer = infer_softmax_tflite,
      .sign = SignEffect::never_negative,
      .builtin_code = 25,
      .rule = softmax_rule,
      .version = version_by_type<0>,
      .write = write_softmax,
      .read = read_softmax,
      .runs_on_xnnpack = softmax_on_xnnpack,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.5.0", "1.14.0", "2.3.0"});
          }}},
};

}  // namespace

const OpFamily& softmax_family() {
  static const OpFamily family{onnx_rows, tflite_rows};
  return family;
}

}  // namespace calib8
