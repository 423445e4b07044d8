// SIN, COS, FLOOR, CEIL, ROUND, SIGN, POW, FLOOR_DIV, FLOOR_MOD and CUMSUM: none has a right integer kernel.

#include <fmt/format.h>

#include "ops/arithmetic/functions_rows.h"
#include "ops/plain_rows.h"

namespace calib8 {
namespace {

constexpr std::array floats = {DType::float32};
constexpr std::array signed_types = {DType::float32, DType::int32};
constexpr std::array summed_types = {DType::float32, DType::int32, DType::int64};

constexpr QuantizationRule without_kernel = keep_float("there is no integer kernel");
constexpr QuantizationRule jumps = keep_float("rounded numbers fall on the other side of its steps");

constexpr TfliteOp function(std::int32_t code, const QuantizationRule& rule,
                            std::string_view (*release)(int)) {
  return {.infer = infer_unary<floats>,
          .is_elementwise = true,
          .builtin_code = code,
          .rule = rule,
          .minimum_runtime = release};
}

int version_of_floor_div(const TfliteGraph& graph, const TfliteOperator& op) {
  return input_of(graph, op, 0).dtype == DType::float32 ? 2 : 1;
}

std::vector<TensorType> infer_cumulative_sum(const OperatorView& view) {
  const auto axis = view.integers(1, "its axis");
  if (axis.size() != 1) view.fail("takes one axis");
  axis_of(view, axis[0], view.input(0).shape.size());
  return infer_like_input(view, summed_types);
}

TfliteOp::WrittenOptions write_cumulative_sum(flatbuffers::FlatBufferBuilder& builder,
                                              const tflite::Options& options) {
  const auto& sum = std::get<tflite::CumSum>(options);
  return written(schema::BuiltinOptions::CumsumOptions,
                 schema::CreateCumsumOptions(builder, sum.exclusive, sum.reverse));
}

tflite::Options read_cumulative_sum(const schema::Operator& op) {
  const auto* table = options_table<schema::CumsumOptions>(op);
  return table ? tflite::CumSum{table->exclusive(), table->reverse()} : tflite::CumSum{};
}

constexpr auto release_1_9 = [](int) -> std::string_view { return "1.9.0"; };
constexpr auto release_1_14 = [](int) -> std::string_view { return "1.14.0"; };

constexpr OpFamily::TfliteRow rows[] = {
    row_of<tflite::Sin>(function(66, without_kernel, release_1_9)),
    row_of<tflite::Cos>(function(108, without_kernel, release_1_14)),
    row_of<tflite::Floor>(function(8, jumps, release_1_9)),
    row_of<tflite::Ceil>(function(104, jumps, release_1_14)),
    row_of<tflite::Round>(function(116, jumps, release_1_14)),
    row_of<tflite::Sign>({.infer = infer_unary<signed_types>,
                          .is_elementwise = true,
                          .builtin_code = 158,
                          .rule = jumps,
                          .minimum_runtime = [](int) -> std::string_view { return "2.12.0"; }}),
    row_of<tflite::Pow>({.inputs = {2, 2},
                         .infer = infer_broadcast_of_four,
                         .is_elementwise = true,
                         .builtin_code = 78,
                         .rule = without_kernel,
                         .minimum_runtime = [](int) -> std::string_view { return "1.10.0"; }}),
    row_of<tflite::FloorDiv>({.inputs = {2, 2},
                              .infer = infer_broadcast_of_four,
                              .is_elementwise = true,
                              .builtin_code = 90,
                              .rule = jumps,
                              .version = version_of_floor_div,
                              .minimum_runtime =
                                  [](int version) {
                                    return release_of(version, {"1.13.1", "1.14.0"});
                                  }}),
    row_of<tflite::FloorMod>({.inputs = {2, 2},
                              .infer = infer_broadcast_of_four,
                              .is_elementwise = true,
                              .builtin_code = 95,
                              .rule = jumps,
                              .minimum_runtime = [](int) -> std::string_view { return "1.13.1"; }}),
    row_of<tflite::CumSum>({.inputs = {2, 2},
                            .infer = infer_cumulative_sum,
                            .builtin_code = 128,
                            .rule = without_kernel,
                            .write = write_cumulative_sum,
                            .read = read_cumulative_sum,
                            .minimum_runtime = [](int) -> std::string_view { return "2.4.0"; }}),
};

}  // namespace

std::span<const OpFamily::TfliteRow> functions_tflite_rows() {
  return rows;
}

}  // namespace calib8
