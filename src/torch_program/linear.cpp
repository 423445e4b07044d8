// Products of matrices, and tables that are looked up.

#include "torch_program/operator_rows.h"
#include "torch_program/promotion.h"

namespace calib8 {
namespace {

/// x [..., in], weight [out, in] -> [..., out]
OnnxValueId linear(OperatorCall& call) {
  const OnnxValueId x = call.tensor("input"), weight = call.tensor("weight");
  const OnnxValueId bias = call.tensor_or_none("bias");
  const Shape sizes = call.shape(x), weights = call.shape(weight);
  if (weights.size() == 2 && sizes.size() == 2) {
    Values inputs{x, weight};
    if (bias.exists()) inputs.push_back(bias);
    return call.emit("Gemm", inputs, {{"transB", std::int64_t{1}}});
  }
  const OnnxValueId y =
      call.emit("MatMul", {x, weights.size() == 2 ? call.transpose(weight, {1, 0}) : weight});
  return bias.exists() ? call.emit("Add", {y, bias}) : y;
}

OnnxValueId multiply(OperatorCall& call, std::string_view a, std::string_view b) {
  return call.emit("MatMul", {call.tensor(a), call.tensor(b)});
}

OnnxValueId matmul(OperatorCall& call) {
  return multiply(call, "self",
                  call.has("mat2")     ? "mat2"
                  : call.has("vec")    ? "vec"
                  : call.has("tensor") ? "tensor"
                                       : "other");
}

/// x times a number where it isn't 1.
OnnxValueId times(OperatorCall& call, OnnxValueId x, std::string_view name) {
  const double factor = call.number(name, 1);
  return factor == 1 ? x : call.emit("Mul", {x, call.number_constant(factor)});
}

/// beta * self + alpha * mat1 @ mat2
OnnxValueId addmm(OperatorCall& call) {
  return call.emit("Gemm", {call.tensor("mat1"), call.tensor("mat2"), call.tensor("self")},
                   {{"alpha", static_cast<float>(call.number("alpha", 1))},
                    {"beta", static_cast<float>(call.number("beta", 1))}});
}

OnnxValueId baddbmm(OperatorCall& call) {
  const OnnxValueId product = times(call, multiply(call, "batch1", "batch2"), "alpha");
  if (call.number("beta", 1) == 0) return product;
  return call.emit("Add", {times(call, call.tensor("self"), "beta"), product});
}

OnnxValueId einsum(OperatorCall& call) {
  return call.emit("Einsum", call.tensors("tensors"), {{"equation", call.text("equation", "")}});
}

OnnxValueId embedding(OperatorCall& call) {
  return call.emit("Gather", {call.tensor("weight"), call.tensor("indices")}, {{"axis", std::int64_t{0}}});
}

constexpr OperatorRow rows[] = {
    {"aten.linear", linear}, {"aten.matmul", matmul},       {"aten.mm", matmul},   {"aten.bmm", matmul},
    {"aten.mv", matmul},     {"aten.dot", matmul},          {"aten.addmm", addmm}, {"aten.baddbmm", baddbmm},
    {"aten.einsum", einsum}, {"aten.embedding", embedding},
};

}  // namespace

std::span<const OperatorRow> linear_operators() {
  return rows;
}

}  // namespace calib8
