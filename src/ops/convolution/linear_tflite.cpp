// FULLY_CONNECTED and BATCH_MATMUL: rules, versions, options, what XNNPACK takes.

#include <fmt/format.h>

#include <array>
#include <utility>

#include "calib8/error.h"
#include "ops/convolution/linear_rows.h"
#include "ops/convolution/weighted.h"
#include "ops/file_options.h"
#include "ops/infer_tflite.h"
#include "ops/target.h"
#include "ops/xnnpack.h"

namespace calib8 {
namespace {

std::vector<TensorType> infer_fully_connected(const OperatorView& view) {
  const TfliteTensor& x = view.input(0);
  const Shape& weights = view.shape(1, 2);
  const std::int64_t units = weights[0], depth = weights[1];
  require_weighted(view, 0, 1, 2, units);
  const std::int64_t count = element_count(x.shape).value_or(0);
  const bool keeps = view.options<tflite::FullyConnected>().keep_num_dims;
  if (x.shape.empty() || count % depth != 0 || (keeps && x.shape.back() != depth)) {
    view.fail(fmt::format("weights of {} don't fit an input of {}", to_string(weights), to_string(x.shape)));
  }
  if (!keeps) return {{x.dtype, {count / depth, units}}};
  Shape shape = x.shape;
  shape.back() = units;
  return {{x.dtype, std::move(shape)}};
}

/// The last two dimensions in reading order: rows, columns.
std::pair<std::int64_t, std::int64_t> matrix_of(const Shape& shape, bool is_transposed) {
  const std::int64_t rows = shape[shape.size() - 2], columns = shape.back();
  return is_transposed ? std::pair(columns, rows) : std::pair(rows, columns);
}

std::vector<TensorType> infer_batch_matmul(const OperatorView& view) {
  constexpr std::array types = {DType::float32, DType::int8, DType::int16};
  view.require_type(0, types);
  const TfliteTensor &a = view.input(0), &b = view.input(1);
  if (b.dtype != a.dtype && b.dtype != DType::int8) {
    view.fail(fmt::format("its operands are {} and {}", name_of(a.dtype), name_of(b.dtype)));
  }
  require_scale_of_narrow(view, a.dtype, b);
  for (const TfliteTensor* operand : {&a, &b}) {
    if (operand->shape.size() >= 2) continue;
    view.fail(
        fmt::format("reads '{}' of shape {}, which is no matrix", operand->name, to_string(operand->shape)));
  }
  const auto& op = view.options<tflite::BatchMatMul>();
  const auto [rows, depth] = matrix_of(a.shape, op.adjoint_x);
  const auto [depth_of_b, columns] = matrix_of(b.shape, op.adjoint_y);
  if (depth != depth_of_b) {
    view.fail(
        fmt::format("matrices of {} and {} can't be multiplied", to_string(a.shape), to_string(b.shape)));
  }
  Shape shape = broadcast(view, {a.shape.begin(), a.shape.end() - 2}, {b.shape.begin(), b.shape.end() - 2});
  shape.insert(shape.end(), {rows, columns});
  return {{a.dtype, std::move(shape)}};
}

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
  const auto* table = options_table<schema::FullyConnectedOptions>(op);
  if (!table) return tflite::FullyConnected{};
  if (table->weights_format() != 0) {
    throw Error(ErrorCode::model, "shuffled weights are not supported");
  }
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
  const auto* table = options_table<schema::BatchMatMulOptions>(op);
  return table ? tflite::BatchMatMul{table->adj_x(), table->adj_y()} : tflite::BatchMatMul{};
}

const OpFamily::TfliteRow rows[] = {
    {alternative_of<tflite::FullyConnected>,
     {.name = tflite::FullyConnected::name,
      .inputs = {2, 3},
      .most_dimensions = 6,
      .infer = infer_fully_connected,
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
     {.name = tflite::BatchMatMul::name,
      .inputs = {2, 2},
      .most_dimensions = 5,
      .infer = infer_batch_matmul,
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
