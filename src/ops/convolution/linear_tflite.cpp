// FULLY_CONNECTED and BATCH_MATMUL: rules, versions, options, what XNNPACK takes.

#include "ops/convolution/linear_rows.h"
#include "ops/convolution/weighted.h"
#include "ops/file_options.h"
#include "ops/target.h"
#include "ops/xnnpack.h"

namespace calib8 {
namespace {

int fully_connected_version(const TfliteGraph& graph, const TfliteOperator& op) {
  const TfliteTensor &x = input_of(graph, op, 0), &weights = input_of(graph, op, 1);
  const bool is_hybrid = x.dtype == DType::float32 && weights.dtype == DType::int8;
  if (is_hybrid && weights.quantization && weights.quantization->scales.size() > 1) return 12;
  if (x.dtype == DType::int16) return 7;
  if (op.inputs.size() < 3 || !op.inputs[2].exists()) return 6;
  if (std::get<tflite::FullyConnected>(op.options).keep_num_dims) return 5;
  if (x.dtype == DType::int8) return 4;
  return is_hybrid ? 3 : 1;
}

bool fully_connected_on_xnnpack(const TfliteGraph& graph, const TfliteOperator& op) {
  return input_of(graph, op, 1).shape.size() == 2 &&
         xnnpack_takes_weighted(
             graph, op,
             {.data = 0, .weights = 1, .bias = 2, .axis = 0, .bias_optional = true, .hybrid = true});
}

TfliteOp::WrittenOptions write_fully_connected(flatbuffers::FlatBufferBuilder& builder,
                                               const tflite::Options& options) {
  const auto& op = std::get<tflite::FullyConnected>(options);
  return written(schema::BuiltinOptions::FullyConnectedOptions,
                 schema::CreateFullyConnectedOptions(builder, to_schema(op.activation), 0, op.keep_num_dims));
}

tflite::Options read_fully_connected(const schema::Operator& op) {
  const auto* table = op.builtin_options_as_FullyConnectedOptions();
  if (!table) return tflite::FullyConnected{};
  return tflite::FullyConnected{from_schema(table->fused_activation_function()), table->keep_num_dims()};
}

QuantizationRule batch_matmul_rule(const TfliteGraph&, const TfliteOperator&, const TargetTraits& target) {
  QuantizationRule rule = own_range_with(ScaleRelation::matrices);
  if (target.wants_symmetric_matrices) rule.symmetric_input = 1;
  return rule;
}

/// In int8 only where the second operand is symmetric.
bool batch_matmul_on_xnnpack(const TfliteGraph& graph, const TfliteOperator& op) {
  const TfliteTensor &a = input_of(graph, op, 0), &b = input_of(graph, op, 1);
  const auto type = xnnpack_type({&a, &b, &output_of(graph, op)});
  return type == DType::float32 || (type == DType::int8 && b.quantization->zero_points[0] == 0);
}

TfliteOp::WrittenOptions write_batch_matmul(flatbuffers::FlatBufferBuilder& builder,
                                            const tflite::Options& options) {
  const auto& op = std::get<tflite::BatchMatMul>(options);
  return written(schema::BuiltinOptions::BatchMatMulOptions,
                 schema::CreateBatchMatMulOptions(builder, op.adjoint_x, op.adjoint_y));
}

tflite::Options read_batch_matmul(const schema::Operator& op) {
  const auto* table = op.builtin_options_as_BatchMatMulOptions();
  return table ? tflite::BatchMatMul{table->adj_x(), table->adj_y()} : tflite::BatchMatMul{};
}

const OpFamily::TfliteRow rows[] = {
    {alternative_of<tflite::FullyConnected>,
     {.name = "FULLY_CONNECTED",
      .builtin_code = 9,
      .rule = has_weights<WeightsRule{.input = 1, .axis = 0, .bias = 2, .data = 0}>,
      .version = fully_connected_version,
      .write = write_fully_connected,
      .read = read_fully_connected,
      .runs_on_xnnpack = fully_connected_on_xnnpack,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.5.0", "1.10.0", "1.14.0", "1.14.0", "2.0.0", "2.1.0", "2.3.0",
                                        "2.3.0", "2.3.0", "2.11.0", "2.15.0", "2.17.0"});
          }}},
    {alternative_of<tflite::BatchMatMul>,
     {.name = "BATCH_MATMUL",
      .builtin_code = 126,
      .rule = batch_matmul_rule,
      .version = version_by_type<0>,
      .write = write_batch_matmul,
      .read = read_batch_matmul,
      .runs_on_xnnpack = batch_matmul_on_xnnpack,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"2.3.0", "2.3.0", "2.4.0", "2.5.0"});
          }}},
};

}  // namespace

std::span<const OpFamily::TfliteRow> linear_tflite_rows() {
  return rows;
}

}  // namespace calib8
