// Comparisons, choice, order, places and the rarer functions.
#include <cmath>
#include <stdexcept>

#include "functions.h"
#include "onnx_reference.h"
#include "tflite_reference.h"

namespace calib8::property {
namespace {

using Results = std::vector<Array>;

Array with_dtype(Array array, DType dtype) {
  array.dtype = dtype;
  return array;
}

/// The truth of a comparison, unknown where rounding decides.
template <class Holds>
Results compared(const std::vector<const Array*>& in, Holds holds) {
  return {with_dtype(combine(*in[0], *in[1],
                             [&](Real a, Real b) {
                               const double error = a.error + b.error;
                               const bool is_known = error == 0 || std::abs(a.value - b.value) > error;
                               return Real{double(holds(a.value, b.value)), is_known ? 0.0 : 1.0};
                             }),
                     DType::boolean)};
}

Real stepping(Real x, double (*f)(double)) {
  const double value = f(x.value);
  return {value, std::max(std::abs(f(x.value + x.error) - value), std::abs(f(x.value - x.error) - value))};
}

/// a - b floor(a / b); unknown where a is near a multiple of b.
Real floor_modulo(Real a, Real b) {
  const double quotient = std::floor(a.value / b.value);
  double rest = std::fmod(a.value, b.value);  // exact, however large a is
  if (rest != 0 && std::signbit(rest) != std::signbit(b.value)) rest += b.value;
  const double error =
      a.error + std::abs(quotient) * b.error + 4 * float_unit * (std::abs(a.value) + std::abs(b.value));
  if (a.error == 0 && b.error == 0 && std::trunc(a.value) == a.value && std::trunc(b.value) == b.value)
    return {rest, 0};
  const bool jumps = std::min(std::abs(rest), std::abs(b.value - rest)) <= error;
  return {rest, jumps ? std::abs(b.value) + error : error};
}

Real floor_quotient(Real a, Real b) {
  const Real quotient = a / b;
  if (a.error == 0 && b.error == 0 && std::trunc(a.value) == a.value && std::trunc(b.value) == b.value)
    return {std::floor(quotient.value), 0};
  return stepping(quotient, [](double v) { return std::floor(v); });
}

Real power(Real a, Real b) {
  const Real result = monotone(a, 1e-30, [&](double v) { return std::pow(v, b.value); });
  const double by_exponent =
      std::abs(std::pow(a.value, b.value + b.error) - std::pow(a.value, b.value - b.error));
  return {result.value, result.error + by_exponent};
}

Results selected(const std::vector<const Array*>& in) {
  const Shape shape = broadcast_shape(broadcast_shape(in[0]->shape, in[1]->shape), in[2]->shape);
  const Array condition = expanded(*in[0], shape), a = expanded(*in[1], shape), b = expanded(*in[2], shape);
  Array result = a;
  result.dtype = in[1]->dtype;
  for (std::size_t i = 0; i < result.elements.size(); ++i) {
    if (condition.elements[i].value == 0) result.elements[i] = b.elements[i];
    if (condition.elements[i].error > 0)
      result.elements[i].error =
          std::abs(a.elements[i].value - b.elements[i].value) + a.elements[i].error + b.elements[i].error;
  }
  return {result};
}

Results cast(const Array& x, DType to) {
  Array result = x;
  result.dtype = to;
  for (Real& element : result.elements) {
    if (to == DType::boolean) {
      element = {double(element.value != 0),
                 element.error > 0 && std::abs(element.value) <= element.error ? 1.0 : 0.0};
    } else if (!is_floating(to)) {
      element = stepping(element, [](double v) { return std::trunc(v); });
    }
  }
  return {result};
}

OnnxNode node_like(const std::string& op, std::map<std::string, OnnxAttribute> attributes = {}) {
  return {op, "", {}, {}, std::move(attributes)};
}

}  // namespace

std::vector<Array> evaluate_choice(const TfliteOperator& op, const std::vector<const Array*>& in) {
  const auto unary = [&](auto f) { return Results{map(*in[0], f)}; };
  const auto binary = [&](auto f) { return Results{with_dtype(combine(*in[0], *in[1], f), in[0]->dtype)}; };
  const auto axis_in = [&](std::size_t position) {
    return axis_of(integers_of(*in[position]).at(0), in[0]->shape.size());
  };
  if (op.is<tflite::Sin>()) return evaluate(node_like("Sin"), in);
  if (op.is<tflite::Cos>()) return evaluate(node_like("Cos"), in);
  if (op.is<tflite::Floor>())
    return unary([](Real x) { return stepping(x, [](double v) { return std::floor(v); }); });
  if (op.is<tflite::Ceil>())
    return unary([](Real x) { return stepping(x, [](double v) { return std::ceil(v); }); });
  if (op.is<tflite::Round>())
    return unary([](Real x) { return stepping(x, [](double v) { return std::nearbyint(v); }); });
  if (op.is<tflite::Sign>())
    return unary([](Real x) { return stepping(x, [](double v) { return double(v > 0) - double(v < 0); }); });
  if (op.is<tflite::Pow>()) return binary(power);
  if (op.is<tflite::FloorDiv>()) return binary(floor_quotient);
  if (op.is<tflite::FloorMod>()) return binary(floor_modulo);
  if (op.is<tflite::Equal>()) return compared(in, [](double a, double b) { return a == b; });
  if (op.is<tflite::NotEqual>()) {
    if (in[0] == in[1]) return {with_dtype(map(*in[0], [](Real) { return Real{0, 0}; }), DType::boolean)};
    return compared(in, [](double a, double b) { return a != b; });
  }
  if (op.is<tflite::Less>()) return compared(in, [](double a, double b) { return a < b; });
  if (op.is<tflite::LessEqual>()) return compared(in, [](double a, double b) { return a <= b; });
  if (op.is<tflite::Greater>()) return compared(in, [](double a, double b) { return a > b; });
  if (op.is<tflite::GreaterEqual>()) return compared(in, [](double a, double b) { return a >= b; });
  const auto either = [](Real a, Real b) { return std::max(a.error, b.error); };
  if (op.is<tflite::LogicalAnd>())
    return binary([&](Real a, Real b) { return Real{double(a.value != 0 && b.value != 0), either(a, b)}; });
  if (op.is<tflite::LogicalOr>())
    return binary([&](Real a, Real b) { return Real{double(a.value != 0 || b.value != 0), either(a, b)}; });
  if (op.is<tflite::LogicalNot>())
    return {with_dtype(map(*in[0],
                           [](Real x) {
                             return Real{double(x.value == 0), x.error};
                           }),
                       DType::boolean)};
  if (op.is<tflite::SelectV2>()) return selected(in);
  if (const auto* to = op.get_if<tflite::Cast>()) return cast(*in[0], to->to);
  if (const auto* gather = op.get_if<tflite::Gather>())
    return {with_dtype(gathered(*in[0], axis_of(gather->axis, in[0]->shape.size()), *in[1]), in[0]->dtype)};
  if (op.is<tflite::GatherNd>()) return evaluate(node_like("GatherND"), in);
  if (op.is<tflite::ScatterNd>()) {
    const Array data = with_dtype(filled(integers_of(*in[2]), {}), in[1]->dtype);
    return evaluate(node_like("ScatterND", {{"reduction", std::string("add")}}), {&data, in[0], in[1]});
  }
  if (op.is<tflite::Tile>()) return {with_dtype(tiled(*in[0], integers_of(*in[1])), in[0]->dtype)};
  if (op.is<tflite::BroadcastTo>()) return {with_dtype(expanded(*in[0], integers_of(*in[1])), in[0]->dtype)};
  if (op.is<tflite::LogSoftmax>()) return evaluate(node_like("LogSoftmax"), in);
  if (op.is<tflite::ArgMax>() || op.is<tflite::ArgMin>()) {
    const std::string name = op.is<tflite::ArgMax>() ? "ArgMax" : "ArgMin";
    const auto axis = static_cast<std::int64_t>(axis_in(1));
    return evaluate(node_like(name, {{"axis", axis}, {"keepdims", std::int64_t{0}}}), {in[0]});
  }
  if (op.is<tflite::TopKV2>()) return evaluate(node_like("TopK"), in);
  if (const auto* sum = op.get_if<tflite::CumSum>())
    return evaluate(node_like("CumSum", {{"exclusive", std::int64_t{sum->exclusive}},
                                         {"reverse", std::int64_t{sum->reverse}}}),
                    in);
  if (op.is<tflite::ReduceProd>())
    return {reduced(*in[0], integers_of(*in[1]), std::get<tflite::ReduceProd>(op.options).keep_dims,
                    Reduction::product)};
  if (const auto* pad = op.get_if<tflite::MirrorPad>()) {
    const Ints paddings = integers_of(*in[1]), strides = strides_of(in[0]->shape);
    Shape shape = in[0]->shape;
    for (std::size_t i = 0; i < paddings.size(); ++i) shape[i / 2] += paddings[i];
    const std::int64_t edge = pad->symmetric ? 1 : 0;
    return {build(shape, [&](Index index) {
      for (std::size_t axis = 0; axis < index.size(); ++axis) {
        const std::int64_t size = in[0]->shape[axis];
        std::int64_t& at = index[axis];
        at -= paddings[2 * axis];
        if (at < 0) at = -at - edge;
        if (at >= size) at = 2 * size - 2 - at + edge;
      }
      return in[0]->elements[offset_at(strides, index)];
    })};
  }
  if (const auto* conv = op.get_if<tflite::Conv3D>()) {
    const Array &x = *in[0], &weights = *in[1];
    const Shape &from = x.shape, &kernel = weights.shape;
    const Ints stride{conv->stride_depth, conv->stride_height, conv->stride_width};
    const Ints dilation{conv->dilation_depth, conv->dilation_height, conv->dilation_width};
    Shape shape{from[0], 0, 0, 0, kernel[4]};
    for (std::size_t i = 0; i < 3; ++i)
      shape[i + 1] = (from[i + 1] - (kernel[i] - 1) * dilation[i] - 1) / stride[i] + 1;
    if (conv->padding != tflite::Padding::valid) throw std::logic_error("CONV_3D in SAME");
    const Ints to_x = strides_of(from), to_weights = strides_of(kernel);
    return {build(shape, [&](const Index& index) {
      Sum sum;
      build({kernel[0], kernel[1], kernel[2], kernel[3]}, [&](const Index& tap) {
        Index at{index[0], 0, 0, 0, tap[3]};
        for (std::size_t i = 0; i < 3; ++i) at[i + 1] = index[i + 1] * stride[i] + tap[i] * dilation[i];
        sum.add(x.elements[offset_at(to_x, at)] *
                weights.elements[offset_at(to_weights, {tap[0], tap[1], tap[2], tap[3], index[4]})]);
        return Real{};
      });
      return in.size() > 2 && in[2] ? sum.total() + in[2]->elements[static_cast<std::size_t>(index[4])]
                                    : sum.total();
    })};
  }
  return {};
}

}  // namespace calib8::property
