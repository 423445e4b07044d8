#include <algorithm>

#include "onnx_graph/data_type.h"
#include "random_onnx.h"

namespace calib8::property {
namespace {

using Value = OnnxGrowth::Value;
using MaybeValue = std::optional<Value>;

/// The attribute, or nothing so that the default holds.
void maybe(OnnxGrowth& growth, Attributes& attributes, const std::string& name, double value) {
  if (growth.random.chance(0.7)) attributes.emplace(name, static_cast<float>(value));
}

bool add_unary(OnnxGrowth& growth, const std::string& op, Attributes attributes = {}) {
  const MaybeValue x = growth.activation();
  return x && growth.add_one(op, {x}, std::move(attributes)).has_value();
}
/// What a logarithm, a root or a divisor takes: never negative, and mostly away from zero.
MaybeValue positive(OnnxGrowth& growth) {
  MaybeValue x = growth.activation();
  if (!x) return x;
  x = growth.random.chance(0.5) ? growth.add_one("Abs", {x}) : growth.add_one("Mul", {x, x});
  if (!x || growth.random.chance(0.15)) return x;
  const double least = growth.random.uniform(0.05, 2);
  return growth.add_one("Add", {x, growth.constant(make_tensor<float>({}, {static_cast<float>(least)}))});
}

bool add_sqrt(OnnxGrowth& growth) {
  const MaybeValue x = positive(growth);
  return x && growth.add_one("Sqrt", {x});
}
bool add_log(OnnxGrowth& growth) {
  const MaybeValue x = positive(growth);
  return x && growth.add_one("Log", {x});
}
bool add_reciprocal(OnnxGrowth& growth) {
  const MaybeValue x = positive(growth);
  return x && growth.add_one("Reciprocal", {x});
}
bool add_pow(OnnxGrowth& growth) {
  const double exponent = growth.random.pick({1.0, 2.0, 2.0, 3.0, 0.5, -0.5});
  const MaybeValue x = exponent < 1 ? positive(growth) : growth.activation();
  if (!x) return false;
  const Shape shape = growth.random.chance(0.7) ? Shape{} : Shape{1};
  return growth
      .add_one("Pow", {x, growth.constant(make_tensor<float>(shape, {static_cast<float>(exponent)}))})
      .has_value();
}

bool add_clip(OnnxGrowth& growth) {
  RandomNumbers& random = growth.random;
  const MaybeValue x = growth.activation();
  if (!x) return false;
  const auto bound = [&](double value) {
    return growth.constant(make_tensor<float>({}, {static_cast<float>(value)}));
  };
  const double low = random.pick({0.0, 0.0, -1.0, random.normal()});
  const double high = random.pick({6.0, 6.0, 1.0, low + random.magnitude()});
  switch (random.below(4)) {
    case 0:
      return growth.add_one("Clip", {x, bound(low)}).has_value();
    case 1:
      return growth.add_one("Clip", {x, std::nullopt, bound(high)}).has_value();
    default:
      return low <= high && growth.add_one("Clip", {x, bound(low), bound(high)});
  }
}

bool add_prelu(OnnxGrowth& growth) {
  const MaybeValue x = growth.activation([](const Shape& shape) { return shape.size() >= 2; });
  if (!x) return false;
  Shape slope(growth.rank_of(*x) - 1, 1);
  slope[0] = growth.shape_of(*x)[1];
  if (growth.random.chance(0.2)) slope = growth.random.chance(0.5) ? Shape{} : Shape{1};
  return growth.add_one("PRelu", {x, growth.random_constant(slope, growth.random.uniform(0.01, 2))})
      .has_value();
}

bool add_softmax(OnnxGrowth& growth) {
  const MaybeValue x =
      growth.activation([](const Shape& shape) { return !shape.empty() && shape.size() <= 4; });
  if (!x) return false;
  const auto rank = static_cast<std::int64_t>(growth.rank_of(*x));
  Attributes attributes;
  if (growth.random.chance(0.7)) attributes.emplace("axis", growth.random.between(-rank, rank - 1));
  return growth.add_one("Softmax", {x}, attributes).has_value();
}

/// Two operands, at least one of them an activation; the other may be constant, or the same.
bool add_binary(OnnxGrowth& growth, const std::string& op) {
  RandomNumbers& random = growth.random;
  const MaybeValue a = op == "Div" && random.chance(0.5) ? positive(growth) : growth.activation();
  if (!a) return false;
  MaybeValue b;
  if (random.chance(0.5)) {
    b = growth.activation([&](const Shape& shape) {
      if (shape == growth.shape_of(*a)) return true;
      try {
        broadcast_shape(shape, growth.shape_of(*a));
        return true;
      } catch (const std::logic_error&) {
        return false;
      }
    });
  }
  if (!b) b = float_operand(growth, growth.shape_of(*a));
  const bool swaps = random.chance(0.5);
  return growth.add_one(op, {swaps ? b : a, swaps ? a : b}).has_value();
}
bool add_add(OnnxGrowth& growth) {
  return add_binary(growth, "Add");
}
bool add_sub(OnnxGrowth& growth) {
  return add_binary(growth, "Sub");
}
bool add_mul(OnnxGrowth& growth) {
  return add_binary(growth, "Mul");
}
bool add_div(OnnxGrowth& growth) {
  return add_binary(growth, "Div");
}

bool add_extreme(OnnxGrowth& growth, const std::string& op) {
  const MaybeValue x = growth.activation();
  if (!x) return false;
  std::vector<std::optional<Value>> inputs{x};
  for (std::size_t count = growth.random.below(4); count > 0; --count) {
    if (growth.random.chance(0.4)) {
      inputs.push_back(growth.activation([&](const Shape& shape) { return shape == growth.shape_of(*x); }));
    } else {
      inputs.push_back(growth.random_constant(growth.random.chance(0.5) ? Shape{} : growth.shape_of(*x)));
    }
  }
  std::swap(inputs.front(), inputs[growth.random.below(inputs.size())]);
  return growth.add_one(op, inputs).has_value();
}
bool add_max(OnnxGrowth& growth) {
  return add_extreme(growth, "Max");
}
bool add_min(OnnxGrowth& growth) {
  return add_extreme(growth, "Min");
}

bool add_relu(OnnxGrowth& growth) {
  return add_unary(growth, "Relu");
}
bool add_sigmoid(OnnxGrowth& growth) {
  const MaybeValue x = growth.activation();
  const MaybeValue gate = x ? growth.add_one("Sigmoid", {x}) : x;
  if (gate && growth.random.chance(0.4)) growth.add_one("Mul", {x, gate});  // SiLU
  return gate.has_value();
}
bool add_tanh(OnnxGrowth& growth) {
  return add_unary(growth, "Tanh");
}
bool add_hard_swish(OnnxGrowth& growth) {
  return add_unary(growth, "HardSwish");
}
bool add_hard_sigmoid(OnnxGrowth& growth) {
  Attributes attributes;
  maybe(growth, attributes, "alpha", growth.random.pick({1.0 / 6, 0.2, growth.random.normal()}));
  maybe(growth, attributes, "beta", growth.random.pick({0.5, growth.random.normal()}));
  return add_unary(growth, "HardSigmoid", attributes);
}
bool add_leaky_relu(OnnxGrowth& growth) {
  Attributes attributes;
  maybe(growth, attributes, "alpha", growth.random.pick({0.1, 0.001, 0.0, 1.5, growth.random.normal()}));
  return add_unary(growth, "LeakyRelu", attributes);
}
bool add_elu(OnnxGrowth& growth) {
  Attributes attributes;
  maybe(growth, attributes, "alpha", growth.random.pick({1.0, 0.5, 0.0, growth.random.normal()}));
  return add_unary(growth, "Elu", attributes);
}
bool add_celu(OnnxGrowth& growth) {
  Attributes attributes;
  maybe(growth, attributes, "alpha", growth.random.pick({1.0, 0.5, growth.random.uniform(0.1, 3)}));
  return add_unary(growth, "Celu", attributes);
}
bool add_gelu(OnnxGrowth& growth) {
  Attributes attributes;
  if (growth.random.chance(0.5)) attributes.emplace("approximate", std::string("tanh"));
  return add_unary(growth, "Gelu", attributes);
}
bool add_exp(OnnxGrowth& growth) {
  return add_unary(growth, "Exp");
}
bool add_abs(OnnxGrowth& growth) {
  return add_unary(growth, "Abs");
}
bool add_neg(OnnxGrowth& growth) {
  return add_unary(growth, "Neg");
}

bool add_batch_normalization(OnnxGrowth& growth) {
  const MaybeValue x = growth.activation([](const Shape& shape) { return shape.size() >= 2; });
  if (!x) return false;
  const Shape channels{growth.shape_of(*x)[1]};
  std::vector<float> variance = random_values(growth.random, count_of(channels), growth.random.magnitude());
  for (float& value : variance) value = std::abs(value) + (growth.random.chance(0.1) ? 0.0f : 0.01f);
  Attributes attributes;
  maybe(growth, attributes, "epsilon", growth.random.pick({1e-5, 1e-3}));
  return growth
      .add_one(
          "BatchNormalization",
          {x, growth.random_constant(channels), growth.random_constant(channels),
           growth.random_constant(channels), growth.constant(make_tensor(channels, std::move(variance)))},
          attributes)
      .has_value();
}

/// A constant of the same shape from one that only folding knows how to compute; the same where that fails.
Value computed_constant(OnnxGrowth& growth, Value x) {
  RandomNumbers& random = growth.random;
  const Shape shape = growth.shape_of(x);
  const auto scalar = [&](double value) {
    return growth.constant(make_tensor<float>({}, {static_cast<float>(value)}));
  };
  MaybeValue y;
  switch (random.below(10)) {
    case 0:
      y = growth.add_one(random.chance(0.5) ? "Floor" : "Ceil", {x});
      break;
    case 1:
      y = growth.add_one("Mod", {x, scalar(random.uniform(0.5, 3) * random.sign())},
                         {{"fmod", std::int64_t{1}}});
      break;
    case 2: {
      const std::string comparison =
          random.pick({"Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"});
      MaybeValue condition = growth.add_one(comparison, {x, scalar(0)});
      if (condition && random.chance(0.5)) condition = growth.add_one("Not", {condition});
      const MaybeValue other = condition ? growth.add_one("Less", {x, scalar(random.normal())}) : condition;
      if (other) condition = growth.add_one(random.pick({"And", "Or", "Xor"}), {condition, other});
      if (condition) y = growth.add_one("Where", {condition, x, scalar(random.normal())});
      break;
    }
    case 3:
      y = growth.add_one("Cast", {x}, {{"to", onnx_data_type(DType::float64)}});
      if (y) y = growth.add_one("CastLike", {y, x});
      break;
    case 4:
      if (!shape.empty() && shape.size() < 5) {
        Ints repeats(shape.size(), 1);
        repeats[0] = 2;
        y = growth.add_one("Tile", {x, integer_operand(growth, repeats)});
        if (y)
          y = growth.add_one("Slice", {y, integer_operand(growth, {0}), integer_operand(growth, {shape[0]})});
      }
      break;
    case 5:
      if (!shape.empty())
        y = growth.add_one("ReduceProd", {x, integer_operand(growth, {-1})}, {{"keepdims", std::int64_t{1}}});
      if (y) y = growth.add_one("Mul", {y, x});
      break;
    case 6: {
      Attributes attributes;
      if (random.chance(0.7))
        attributes.emplace("value", make_tensor<float>({1}, {static_cast<float>(random.normal())}));
      y = growth.add_one("ConstantOfShape", {integer_operand(growth, shape)}, attributes);
      break;
    }
    case 7:
      y = growth.add_one("Range", {scalar(0), scalar(static_cast<double>(count_of(shape))), scalar(1)});
      if (y) y = growth.add_one("Reshape", {y, integer_operand(growth, shape)});
      break;
    case 8:
      y = growth.add_one(
          random.pick({"Abs", "Neg", "Exp", "Identity", "Sqrt", "Sin", "Cos", "Round", "Sign"}), {x});
      break;
    default:
      y = growth.add_one(random.pick({"Add", "Sub", "Mul", "Div", "Max", "Min", "Pow"}),
                         {x, scalar(random.uniform(0.5, 2))});
  }
  return y && growth.shape_of(*y) == shape ? *y : x;
}

}  // namespace

Value float_operand(OnnxGrowth& growth, const Shape& shape) {
  RandomNumbers& random = growth.random;
  if (random.chance(0.1)) {
    std::vector<Value> fitting;
    for (const Value value : growth.all_constants())
      if (growth.shape_of(value) == shape || growth.rank_of(value) == 0) fitting.push_back(value);
    if (!fitting.empty()) return random.pick(fitting);
  }
  Shape own = shape;
  for (std::int64_t& size : own)
    if (random.chance(0.35)) size = 1;
  if (random.chance(0.3)) std::fill(own.begin(), own.end(), 1);
  while (!own.empty() && own.front() == 1 && random.chance(0.5)) own.erase(own.begin());
  if (random.chance(0.05) && own.size() < 5) own.insert(own.begin(), random.between(1, 2));
  Value value = growth.random_constant(own);
  while (random.chance(0.2)) value = computed_constant(growth, value);
  return value;
}

const std::vector<OnnxStep>& arithmetic_steps() {
  static const std::vector<OnnxStep> steps = {
      {"Relu", 2, add_relu},
      {"Sigmoid", 2, add_sigmoid},
      {"Tanh", 1, add_tanh},
      {"HardSwish", 1, add_hard_swish},
      {"HardSigmoid", 1, add_hard_sigmoid},
      {"LeakyRelu", 1, add_leaky_relu},
      {"Elu", 1, add_elu},
      {"Celu", 0.5, add_celu},
      {"Gelu", 1, add_gelu},
      {"Clip", 1.5, add_clip},
      {"PRelu", 1, add_prelu},
      {"Softmax", 1, add_softmax},
      {"Exp", 0.7, add_exp},
      {"Log", 0.7, add_log},
      {"Sqrt", 0.7, add_sqrt},
      {"Abs", 0.7, add_abs},
      {"Neg", 0.7, add_neg},
      {"Reciprocal", 0.7, add_reciprocal},
      {"Pow", 0.7, add_pow},
      {"Add", 3, add_add},
      {"Sub", 1.5, add_sub},
      {"Mul", 3, add_mul},
      {"Div", 1.5, add_div},
      {"Max", 1, add_max},
      {"Min", 1, add_min},
      {"BatchNormalization", 1.5, add_batch_normalization},
  };
  return steps;
}

}  // namespace calib8::property
