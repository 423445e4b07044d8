#include "onnx_reference.h"

#include <functional>
#include <map>
#include <stdexcept>

#include "functions.h"
#include "onnx_graph/data_type.h"

namespace calib8::property {
namespace {

bool is_integer(const Array& array) {
  return !is_floating(array.dtype);
}

/// A function that jumps: unknown (not a number) where rounding decides on which side x is.
template <class Function>
Real jumping(Real x, Function f) {
  const double value = f(x.value);
  return {f(x.value - x.error) == f(x.value + x.error) ? value : NAN, 0};
}

Real truncated_quotient(Real a, Real b) {
  return {std::trunc(a.value / b.value), 0};
}

/// Mod without fmod has the divisor's sign, with it the dividend's.
Real modulo(Real a, Real b, bool fmod) {
  if (a.error > 0 || b.error > 0) return {NAN, 0};
  const double rest = std::fmod(a.value, b.value);
  if (fmod || rest == 0 || std::signbit(rest) == std::signbit(b.value)) return {rest, 0};
  return {rest + b.value, 0};
}

Real power(Real a, Real b) {
  if (b.value == 1) return a;
  if (b.value == 2) return a * a;
  if (b.value == 3) return a * a * a;
  if (b.value == 0.5) return square_root(a);
  if (b.value == -0.5) return reciprocal_square_root(a);
  return monotone(a, 0, [&](double v) { return std::pow(v, b.value); });
}

using Binary = Real (*)(Real, Real);
const std::map<std::string, Binary> binaries = {
    {"Add", [](Real a, Real b) { return a + b; }},
    {"Sub", [](Real a, Real b) { return a - b; }},
    {"Mul", [](Real a, Real b) { return a * b; }},
    {"Pow", power},
    {"Max", larger},
    {"Min", smaller},
};

using Comparison = bool (*)(double, double);
const std::map<std::string, Comparison> comparisons = {
    {"Equal", [](double a, double b) { return a == b; }},
    {"Less", [](double a, double b) { return a < b; }},
    {"LessOrEqual", [](double a, double b) { return a <= b; }},
    {"Greater", [](double a, double b) { return a > b; }},
    {"GreaterOrEqual", [](double a, double b) { return a >= b; }},
    {"And", [](double a, double b) { return a != 0 && b != 0; }},
    {"Or", [](double a, double b) { return a != 0 || b != 0; }},
    {"Xor", [](double a, double b) { return (a != 0) != (b != 0); }},
};

using Unary = std::function<Real(Real)>;
Unary unary_of(const OnnxNode& node) {
  const std::string& op = node.op_type;
  if (op == "Relu") return relu;
  if (op == "Sigmoid") return logistic;
  if (op == "Tanh") return hyperbolic_tangent;
  if (op == "HardSwish") return hard_swish;
  if (op == "Sqrt") return square_root;
  if (op == "Exp") return exponential;
  if (op == "Log") return logarithm;
  if (op == "Abs") return absolute;
  if (op == "Neg") return [](Real x) { return -x; };
  if (op == "Reciprocal") return [](Real x) { return Real{1} / x; };
  if (op == "Floor") return [](Real x) { return jumping(x, [](double v) { return std::floor(v); }); };
  if (op == "Ceil") return [](Real x) { return jumping(x, [](double v) { return std::ceil(v); }); };
  if (op == "Not") return [](Real x) { return Real{x.value == 0 ? 1.0 : 0.0, 0}; };
  if (op == "Gelu") {
    return [tanh = node.get_string("approximate", "none") == "tanh"](Real x) { return gelu(x, tanh); };
  }
  const double alpha = static_cast<double>(node.get_float("alpha", 0));
  if (op == "HardSigmoid") {
    return [a = static_cast<double>(node.get_float("alpha", 0.2f)),
            b = static_cast<double>(node.get_float("beta", 0.5f))](Real x) { return hard_sigmoid(x, a, b); };
  }
  if (op == "LeakyRelu") return [a = node.has("alpha") ? alpha : 0.01](Real x) { return leaky_relu(x, a); };
  if (op == "Elu") return [a = node.has("alpha") ? alpha : 1](Real x) { return elu(x, a); };
  if (op == "Celu") return [a = node.has("alpha") ? alpha : 1](Real x) { return celu(x, a); };
  return nullptr;
}

Array clip(const Operands& in) {
  const double low = in.size() > 1 && in[1] ? in[1]->elements.at(0).value : -INFINITY;
  const double high = in.size() > 2 && in[2] ? in[2]->elements.at(0).value : INFINITY;
  return map(*in[0], [&](Real x) { return smaller(larger(x, {low, 0}), {high, 0}); });
}

Array cast(const Array& x, DType to) {
  Array result = x;
  result.dtype = to;
  for (Real& element : result.elements) {
    if (to == DType::boolean) {
      element = {element.value != 0 ? 1.0 : 0.0, 0};
    } else if (!is_floating(to)) {
      element = jumping(element, [](double v) { return std::trunc(v); });
    } else if (to == DType::float32) {
      element.value = static_cast<double>(static_cast<float>(element.value));
    }
  }
  return result;
}

Array with_dtype(Array array, DType dtype) {
  array.dtype = dtype;
  return array;
}

Array batch_normalized(const OnnxNode& node, const Operands& in) {
  const double epsilon = static_cast<double>(node.get_float("epsilon", 1e-5f));
  Shape shape(in[0]->shape.size(), 1);
  shape.at(1) = in[0]->shape.at(1);
  const Array mean = reshaped(*in[3], shape), bias = reshaped(*in[2], shape);
  const Array factor =
      combine(reshaped(*in[1], shape), reshaped(*in[4], shape), [&](Real scale, Real variance) {
        const double value = scale.value / std::sqrt(variance.value + epsilon);
        return Real{value, 4 * float_unit * std::abs(value)};
      });
  // What is rounded is bias - mean * factor, before x joins.
  const Array offset = combine(bias, combine(mean, factor, [](Real m, Real f) { return m * f; }),
                               [](Real b, Real shift) { return b - shift; });
  const auto product = [](Real a, Real b) { return a * b; };
  const auto plus = [](Real a, Real b) { return a + b; };
  return combine(combine(*in[0], factor, product), offset, plus);
}

}  // namespace

std::vector<Array> evaluate_arithmetic(const OnnxNode& node, const Operands& in) {
  const std::string& op = node.op_type;
  if (const auto found = binaries.find(op); found != binaries.end()) {
    Array result = *in.at(0);
    for (std::size_t i = 1; i < in.size(); ++i) result = combine(result, *in[i], found->second);
    return {with_dtype(std::move(result), in[0]->dtype)};
  }
  if (op == "Div") {
    const auto real = [](Real a, Real b) { return a / b; };
    return {with_dtype(
        is_integer(*in[0]) ? combine(*in[0], *in[1], truncated_quotient) : combine(*in[0], *in[1], real),
        in[0]->dtype)};
  }
  if (op == "Mod") {
    const bool fmod = node.get_int("fmod", 0) != 0;
    return {with_dtype(combine(*in[0], *in[1], [&](Real a, Real b) { return modulo(a, b, fmod); }),
                       in[0]->dtype)};
  }
  if (const auto found = comparisons.find(op); found != comparisons.end()) {
    return {with_dtype(combine(*in[0], *in[1],
                               [&](Real a, Real b) {
                                 const bool is_known = a.error + b.error == 0 ||
                                                       std::abs(a.value - b.value) > a.error + b.error;
                                 return Real{is_known ? double(found->second(a.value, b.value)) : NAN, 0};
                               }),
                       DType::boolean)};
  }
  if (const Unary function = unary_of(node)) return {with_dtype(map(*in[0], function), in[0]->dtype)};
  if (op == "Where") {
    const Shape shape = broadcast_shape(broadcast_shape(in[0]->shape, in[1]->shape), in[2]->shape);
    const Array condition = expanded(*in[0], shape), a = expanded(*in[1], shape);
    Array result = expanded(*in[2], shape);
    for (std::size_t i = 0; i < result.elements.size(); ++i)
      if (condition.elements[i].value != 0) result.elements[i] = a.elements[i];
    return {with_dtype(std::move(result), in[1]->dtype)};
  }
  if (op == "Clip") return {clip(in)};
  if (op == "PRelu") {
    return {combine(*in[0], expanded(*in[1], in[0]->shape), [](Real x, Real slope) {
      Real y = leaky_relu(x, slope.value);
      y.error += std::min(x.value, 0.0) * -slope.error;
      return y;
    })};
  }
  if (op == "Softmax") return {softmax(*in[0], axis_of(node.get_int("axis", -1), in[0]->shape.size()), 1)};
  if (op == "BatchNormalization") return {batch_normalized(node, in)};
  if (op == "Cast") return {cast(*in[0], dtype_of_onnx(node.get_int("to", 0)).value())};
  if (op == "CastLike") return {cast(*in[0], in[1]->dtype)};
  return {};
}

std::vector<Array> evaluate(const OnnxNode& node, const Operands& operands) {
  for (const auto family : {evaluate_arithmetic, evaluate_shapes, evaluate_volumes, evaluate_windows,
                            evaluate_functions, evaluate_places, evaluate_recurrent}) {
    std::vector<Array> results = family(node, operands);
    if (!results.empty()) return results;
  }
  throw std::logic_error("the reference evaluator doesn't know " + node.op_type);
}

}  // namespace calib8::property
