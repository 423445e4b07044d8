// Functions of one number, order, choice and what normalizes by its own statistics.
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <stdexcept>

#include "functions.h"
#include "onnx_reference.h"

namespace calib8::property {
namespace {

using Unary = Real (*)(Real);

Real rounded(Real x, double (*f)(double)) {
  return {f(x.value),
          std::max(std::abs(f(x.value + x.error) - f(x.value)), std::abs(f(x.value - x.error) - f(x.value)))};
}

const std::map<std::string, Unary> functions = {
    {"Sin",
     [](Real x) {
       return lipschitz(x, 1, 1e-6 * (1 + std::abs(x.value)), [](double v) { return std::sin(v); });
     }},
    {"Cos",
     [](Real x) {
       return lipschitz(x, 1, 1e-6 * (1 + std::abs(x.value)), [](double v) { return std::cos(v); });
     }},
    {"Tan",
     [](Real x) {
       const Real s = functions.at("Sin")(x), c = functions.at("Cos")(x);
       return s / c;
     }},
    {"Sinh",
     [](Real x) {
       const Real e = exponential(x);
       return (e - Real{1} / e) * Real{0.5};
     }},
    {"Cosh",
     [](Real x) {
       const Real e = exponential(x);
       return (e + Real{1} / e) * Real{0.5};
     }},
    {"Asinh", [](Real x) { return lipschitz(x, 1, 1e-6, [](double v) { return std::asinh(v); }); }},
    {"Acosh", [](Real x) { return logarithm(x + square_root(x * x - Real{1})); }},
    {"Atanh", [](Real x) { return logarithm((x + Real{1}) / (Real{1} - x)) * Real{0.5}; }},
    {"Round", [](Real x) { return rounded(x, [](double v) { return std::nearbyint(v); }); }},
    {"Sign", [](Real x) { return rounded(x, [](double v) { return double(v > 0) - double(v < 0); }); }},
    {"Erf", [](Real x) { return lipschitz(x, 1.13, 1e-6, [](double v) { return std::erf(v); }); }},
    {"IsNaN",
     [](Real) {
       return Real{0, 0};
     }},
    {"IsInf",
     [](Real) {
       return Real{0, 0};
     }},
    {"Softplus",
     [](Real x) {
       return lipschitz(x, 1, 1e-6,
                        [](double v) { return std::max(v, 0.0) + std::log1p(std::exp(-std::abs(v))); });
     }},
    {"Softsign", [](Real x) { return x / (absolute(x) + Real{1}); }},
    {"Mish",
     [](Real x) {
       return lipschitz(x, 1.1, 1e-6 * (1 + std::abs(x.value)), [](double v) {
         return v * std::tanh(std::max(v, 0.0) + std::log1p(std::exp(-std::abs(v))));
       });
     }},
};

Array with_dtype(Array array, DType dtype) {
  array.dtype = dtype;
  return array;
}

Ints all_axes_from(std::size_t first, std::size_t rank) {
  Ints axes(rank - first);
  std::iota(axes.begin(), axes.end(), static_cast<std::int64_t>(first));
  return axes;
}

Real times(Real a, Real b) {
  return a * b;
}
Real plus(Real a, Real b) {
  return a + b;
}
Real minus(Real a, Real b) {
  return a - b;
}

Array standardized(const Array& x, const Ints& axes, double epsilon) {
  const Array difference = combine(x, reduced(x, axes, true, Reduction::mean), minus);
  const Array variance = reduced(combine(difference, difference, times), axes, true, Reduction::mean);
  const Array factor = map(variance, [&](Real v) { return reciprocal_square_root(v + Real{epsilon, 0}); });
  return combine(difference, factor, times);
}

Array along_channels(const Array& values, std::size_t rank) {
  Shape shape(rank, 1);
  shape.at(1) = values.shape.at(0);
  return reshaped(values, shape);
}

Array group_normalized(const OnnxNode& node, const Operands& in, double epsilon) {
  const Shape shape = in[0]->shape;
  const std::int64_t groups = node.get_int("num_groups", 1);
  const auto count = static_cast<std::int64_t>(in[0]->elements.size());
  Array y = standardized(reshaped(*in[0], {shape[0], groups, count / shape[0] / groups}), {2}, epsilon);
  const bool is_per_group = in[1]->shape[0] == groups && groups != shape[1];
  if (!is_per_group) y = reshaped(y, shape);
  const std::size_t rank = y.shape.size();
  y = combine(combine(y, along_channels(*in[1], rank), times), along_channels(*in[2], rank), plus);
  return reshaped(y, shape);
}

Array local_response(const OnnxNode& node, const Array& x) {
  const std::int64_t size = node.get_int("size", 1), channels = x.shape.at(1);
  const double alpha = static_cast<double>(node.get_float("alpha", 1e-4f)),
               beta = static_cast<double>(node.get_float("beta", 0.75f));
  const double bias = static_cast<double>(node.get_float("bias", 1));
  const Ints strides = strides_of(x.shape);
  return build(x.shape, [&](const Index& index) {
    Real sum{bias, 0};
    Index at = index;
    for (std::int64_t c = index[1] - (size - 1) / 2; c <= index[1] + size / 2; ++c) {
      if (c < 0 || c >= channels) continue;
      at[1] = c;
      const Real v = x.elements[offset_at(strides, at)];
      sum = sum + v * v * Real{alpha / static_cast<double>(size), 0};
    }
    return x.elements[offset_at(strides, index)] * exponential(logarithm(sum) * Real{-beta, 0});
  });
}

std::optional<Array> normalized(const OnnxNode& node, const Operands& in) {
  const std::string& op = node.op_type;
  const std::size_t rank = in.at(0)->shape.size();
  const double epsilon = static_cast<double>(node.get_float("epsilon", 1e-5f));
  if (op == "LayerNormalization") {
    Array y = standardized(*in[0], all_axes_from(axis_of(node.get_int("axis", -1), rank), rank), epsilon);
    y = combine(y, *in.at(1), times);
    return in.size() > 2 && in[2] ? combine(y, *in[2], plus) : y;
  }
  if (op == "InstanceNormalization") {
    const Array y = standardized(*in[0], all_axes_from(2, rank), epsilon);
    return combine(combine(y, along_channels(*in.at(1), rank), times), along_channels(*in.at(2), rank), plus);
  }
  if (op == "GroupNormalization") return group_normalized(node, in, epsilon);
  if (op == "MeanVarianceNormalization") return standardized(*in[0], node.get_ints("axes", {0, 2, 3}), 1e-9);
  if (op == "LRN") return local_response(node, *in[0]);
  if (op == "LpNormalization") {
    const Ints axes{static_cast<std::int64_t>(axis_of(node.get_int("axis", -1), rank))};
    const bool squares = node.get_int("p", 2) == 2;
    Array size =
        reduced(squares ? combine(*in[0], *in[0], times) : map(*in[0], absolute), axes, true, Reduction::sum);
    if (squares) size = map(size, square_root);
    return combine(*in[0], size, [](Real a, Real b) { return a / b; });
  }
  return std::nullopt;
}

/// The last axis line by line: f(elements of a line) gives a line.
template <class Function>
Array by_lines(const Array& x, std::size_t axis, Function f) {
  Ints permutation = all_axes_from(0, x.shape.size());
  std::swap(permutation[axis], permutation.back());
  const Array turned = permuted(x, permutation);
  const auto length = static_cast<std::size_t>(turned.shape.back());
  Array result{turned.shape, {}};
  std::int64_t made = 0;
  for (std::size_t at = 0; at < turned.elements.size(); at += length) {
    const std::vector<Real> line =
        f(std::vector<Real>(turned.elements.begin() + static_cast<std::ptrdiff_t>(at),
                            turned.elements.begin() + static_cast<std::ptrdiff_t>(at + length)));
    made = static_cast<std::int64_t>(line.size());
    result.elements.insert(result.elements.end(), line.begin(), line.end());
  }
  result.shape.back() = made;
  return permuted(result, permutation);
}

}  // namespace

std::vector<Real> sorted_places(const std::vector<Real>& line, bool largest) {
  std::vector<Real> places;
  for (std::size_t i = 0; i < line.size(); ++i) places.push_back({static_cast<double>(i), 0});
  std::stable_sort(places.begin(), places.end(), [&](Real a, Real b) {
    const double x = line[static_cast<std::size_t>(a.value)].value,
                 y = line[static_cast<std::size_t>(b.value)].value;
    return largest ? x > y : x < y;
  });
  // Unknown where rounding may change the order of two neighbours.
  for (std::size_t i = 0; i + 1 < places.size(); ++i) {
    const Real x = line[static_cast<std::size_t>(places[i].value)],
               y = line[static_cast<std::size_t>(places[i + 1].value)];
    const bool is_known = (x.error == 0 && y.error == 0) || std::abs(x.value - y.value) > x.error + y.error;
    if (!is_known) places[i].error = places[i + 1].error = static_cast<double>(line.size());
  }
  return places;
}

std::vector<Array> top_of(const Array& x, std::size_t axis, std::size_t k, bool largest) {
  const auto places = by_lines(x, axis, [&](std::vector<Real> line) {
    auto all = sorted_places(line, largest);
    all.resize(k);
    return all;
  });
  const auto values = by_lines(x, axis, [&](std::vector<Real> line) {
    std::stable_sort(line.begin(), line.end(),
                     [&](Real a, Real b) { return largest ? a.value > b.value : a.value < b.value; });
    double error = 0;
    for (const Real& element : line) error = std::max(error, element.error);
    for (Real& element : line) element.error = error;
    line.resize(k);
    return line;
  });
  return {values, with_dtype(places, DType::int64)};
}

Array summed_up(const Array& x, std::size_t axis, bool exclusive, bool reverse) {
  return by_lines(x, axis, [&](std::vector<Real> line) {
    if (reverse) std::reverse(line.begin(), line.end());
    Sum sum;
    std::vector<Real> sums;
    for (const Real& element : line) {
      if (exclusive) sums.push_back(sum.total());
      sum.add(element);
      if (!exclusive) sums.push_back(sum.total());
    }
    if (reverse) std::reverse(sums.begin(), sums.end());
    return sums;
  });
}

Array log_softmax(const Array& x, std::size_t axis) {
  return map(softmax(x, axis, 1), logarithm);
}

std::vector<Array> evaluate_functions(const OnnxNode& node, const Operands& in) {
  const std::string& op = node.op_type;
  if (in.empty() || !in[0]) return {};
  const Array& x = *in[0];
  const std::size_t rank = x.shape.size();
  if (const auto found = functions.find(op); found != functions.end()) {
    const bool is_truth = op == "IsNaN" || op == "IsInf";
    return {with_dtype(map(x, found->second), is_truth ? DType::boolean : x.dtype)};
  }
  if (op == "Selu" || op == "ThresholdedRelu" || op == "Shrink") {
    const auto attribute = [&](const char* name, float fallback) {
      return static_cast<double>(node.get_float(name, fallback));
    };
    const double gamma = attribute("gamma", 1.05070102214813232421875f);
    const double alpha = attribute("alpha", op == "Selu" ? 1.67326319217681884765625f : 1.0f);
    const double bias = attribute("bias", 0), bound = attribute("lambd", 0.5f);
    return {map(x, [&](Real v) -> Real {
      if (op == "Selu") return elu(v, alpha) * Real{gamma, 0};
      const bool is_threshold = op == "ThresholdedRelu";
      for (const double edge : is_threshold ? std::vector<double>{alpha} : std::vector<double>{bound, -bound})
        if (std::abs(v.value - edge) <= v.error) return {NAN, 0};
      if (is_threshold) return v.value > alpha ? v : Real{0, 0};
      return v.value > bound ? v - Real{bias, 0} : v.value < -bound ? v + Real{bias, 0} : Real{0, 0};
    })};
  }
  if (auto result = normalized(node, in)) return {std::move(*result)};
  if (op == "LogSoftmax") return {log_softmax(x, axis_of(node.get_int("axis", -1), rank))};
  if (op == "ArgMax" || op == "ArgMin") {
    const std::size_t axis = axis_of(node.get_int("axis", 0), rank);
    Array places = top_of(x, axis, 1, op == "ArgMax")[1];
    if (node.get_int("keepdims", 1) == 0) {
      Shape shape = places.shape;
      shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
      places = with_dtype(reshaped(places, shape), DType::int64);
    }
    return {with_dtype(std::move(places), DType::int64)};
  }
  if (op == "TopK") {
    const auto k = static_cast<std::size_t>(integers_of(*in.at(1)).at(0));
    return top_of(x, axis_of(node.get_int("axis", -1), rank), k, node.get_int("largest", 1) != 0);
  }
  if (op == "Hardmax") {
    return {by_lines(x, axis_of(node.get_int("axis", -1), rank), [](std::vector<Real> line) {
      const Real place = sorted_places(line, true).at(0);
      std::vector<Real> hits(line.size(), {0, place.error > 0 ? 1.0 : 0.0});
      hits[static_cast<std::size_t>(place.value)].value = 1;
      return hits;
    })};
  }
  if (op == "CumSum") {
    return {summed_up(x, axis_of(integers_of(*in.at(1)).at(0), rank), node.get_int("exclusive", 0) != 0,
                      node.get_int("reverse", 0) != 0)};
  }
  return {};
}

}  // namespace calib8::property
