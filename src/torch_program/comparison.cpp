// What aten says of values: comparisons, logic and their tests.

#include "torch_program/operator_rows.h"
#include "torch_program/promotion.h"

namespace calib8 {
namespace {

template <const char* Operator>
OnnxValueId compare(OperatorCall& call) {
  Operands x = promoted(call, "self", "other");
  if (x.dtype == DType::boolean)
    x = {call.cast(x.a, DType::int64), call.cast(x.b, DType::int64), DType::int64};
  return call.emit(Operator, {x.a, x.b});
}

constexpr char equal[] = "Equal", less[] = "Less", less_equal[] = "LessOrEqual", greater[] = "Greater",
               greater_equal[] = "GreaterOrEqual", both[] = "And", either[] = "Or", one[] = "Xor",
               is_nan[] = "IsNaN", is_infinite[] = "IsInf";

OnnxValueId not_equal(OperatorCall& call) {
  return call.emit("Not", {compare<equal>(call)});
}

template <const char* Operator>
OnnxValueId logic(OperatorCall& call) {
  return call.emit(Operator, {operand(call, "self", DType::boolean), operand(call, "other", DType::boolean)});
}

OnnxValueId logical_not(OperatorCall& call) {
  return call.emit("Not", {operand(call, "self", DType::boolean)});
}

template <const char* Operator>
OnnxValueId bitwise(OperatorCall& call) {
  if (result_type(call, {"self", "other"}) != DType::boolean)
    call.fail("combines the bits of whole numbers, which TFLite doesn't");
  return logic<Operator>(call);
}

OnnxValueId bitwise_not(OperatorCall& call) {
  const OnnxValueId x = call.tensor("self");
  if (call.dtype(x) == DType::boolean) return call.emit("Not", {x});
  return call.emit("Sub", {call.number_constant(Scalar(std::int64_t{-1}), call.dtype(x)), x});
}

template <const char* Operator>
OnnxValueId test(OperatorCall& call) {
  const OnnxValueId x = call.tensor("self");
  if (call.dtype(x) == DType::float32) return call.emit(Operator, {x});
  return call.filled(call.shape(x), Scalar(false), DType::boolean);
}

constexpr OperatorRow rows[] = {
    {"aten.eq", compare<equal>},         {"aten.ne", not_equal},
    {"aten.lt", compare<less>},          {"aten.le", compare<less_equal>},
    {"aten.gt", compare<greater>},       {"aten.ge", compare<greater_equal>},
    {"aten.logical_and", logic<both>},   {"aten.logical_or", logic<either>},
    {"aten.logical_xor", logic<one>},    {"aten.logical_not", logical_not},
    {"aten.bitwise_and", bitwise<both>}, {"aten.bitwise_or", bitwise<either>},
    {"aten.bitwise_xor", bitwise<one>},  {"aten.__and__", bitwise<both>},
    {"aten.__or__", bitwise<either>},    {"aten.__xor__", bitwise<one>},
    {"aten.bitwise_not", bitwise_not},   {"aten.isnan", test<is_nan>},
    {"aten.isinf", test<is_infinite>},
};

}  // namespace

std::span<const OperatorRow> comparison_operators() {
  return rows;
}

}  // namespace calib8
