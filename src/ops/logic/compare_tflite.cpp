// EQUAL and its like, LOGICAL_AND and its like, SELECT_V2.

#include <fmt/format.h>

#include "ops/logic/compare_rows.h"
#include "ops/plain_rows.h"

namespace calib8 {
namespace {

constexpr std::array booleans = {DType::boolean};

/// Rounded numbers fall on the other side of a bound, or become equal.
constexpr QuantizationRule exact = keep_float("compares numbers, which is exact in float only");

int version_of_equal(const TfliteGraph& graph, const TfliteOperator& op) {
  const DType dtype = input_of(graph, op, 0).dtype;
  return dtype == DType::int8 ? 2 : dtype == DType::int16 ? 4 : 1;
}

int version_of_comparison(const TfliteGraph& graph, const TfliteOperator& op) {
  return input_of(graph, op, 0).dtype == DType::int8 ? 2 : 1;
}

constexpr TfliteOp comparison(std::int32_t code) {
  return {.inputs = {2, 2},
          .infer = infer_comparison,
          .is_elementwise = true,
          .builtin_code = code,
          .rule = exact,
          .version = version_of_comparison,
          .minimum_runtime = [](int) -> std::string_view { return "1.14.0"; }};
}

constexpr TfliteOp equality(std::int32_t code) {
  TfliteOp op = comparison(code);
  op.version = version_of_equal;
  op.minimum_runtime = [](int version) {
    return release_of(version, {"1.14.0", "1.14.0", "2.3.0", "2.13.0"});
  };
  return op;
}

constexpr TfliteOp logic(std::int32_t code) {
  return {.inputs = {2, 2},
          .infer = infer_logic,
          .is_elementwise = true,
          .builtin_code = code,
          .rule = OutputRange::no_range,
          .minimum_runtime = [](int) -> std::string_view { return "1.11.0"; }};
}

/// LiteRT's kernel broadcasts over five dimensions.
std::vector<TensorType> infer_select(const OperatorView& view) {
  view.require_type(0, booleans);
  view.require_type(1, moved_types);
  const TfliteTensor &condition = view.input(0), &a = view.input(1), &b = view.input(2);
  if (a.dtype != b.dtype)
    view.fail(fmt::format("chooses between {} and {}", name_of(a.dtype), name_of(b.dtype)));
  const Shape all = broadcast(view, condition.shape, broadcast(view, a.shape, b.shape));
  const bool broadcasts = condition.shape != all || a.shape != all || b.shape != all;
  if (broadcasts && all.size() > 5)
    view.fail(fmt::format("broadcasts to {}; its kernel does so in five dimensions at most", to_string(all)));
  return {{a.dtype, all}};
}

constexpr OpFamily::TfliteRow rows[] = {
    row_of<tflite::Equal>(equality(71)),
    row_of<tflite::NotEqual>(equality(72)),
    row_of<tflite::Less>(comparison(58)),
    row_of<tflite::LessEqual>(comparison(63)),
    row_of<tflite::Greater>(comparison(61)),
    row_of<tflite::GreaterEqual>(comparison(62)),
    row_of<tflite::LogicalAnd>(logic(86)),
    row_of<tflite::LogicalOr>(logic(84)),
    row_of<tflite::LogicalNot>({.infer = infer_unary<booleans>,
                                .is_elementwise = true,
                                .builtin_code = 87,
                                .rule = OutputRange::no_range,
                                .minimum_runtime = [](int) -> std::string_view { return "1.11.0"; }}),
    row_of<tflite::SelectV2>(
        {.inputs = {3, 3},
         .infer = infer_select,
         .is_elementwise = true,
         .builtin_code = 123,
         .rule = keep_float("chooses between numbers of different sizes, such as a mask's"),
         .minimum_runtime = [](int) -> std::string_view { return "2.2.0"; }}),
};

}  // namespace

std::span<const OpFamily::TfliteRow> compare_tflite_rows() {
  return rows;
}

}  // namespace calib8
