#include "onnx_graph/data_type.h"
#include "random_onnx.h"

namespace calib8::property {
namespace {

using Value = OnnxGrowth::Value;
using MaybeValue = std::optional<Value>;

Value scalar(OnnxGrowth& growth, double value) {
  return growth.constant(make_tensor<float>({}, {static_cast<float>(value)}));
}

MaybeValue of_rank(OnnxGrowth& growth, std::size_t least, std::size_t most = 5) {
  return growth.activation([&](const Shape& shape) { return shape.size() >= least && shape.size() <= most; });
}

template <const char* const& op>
bool add_function(OnnxGrowth& growth) {
  const MaybeValue x = growth.activation();
  return x && growth.add_one(op, {x});
}
constexpr const char *sine = "Sin", *cosine = "Cos", *sinh = "Sinh", *cosh = "Cosh", *asinh = "Asinh",
                     *floor = "Floor", *ceil = "Ceil", *round_half = "Round", *sign = "Sign", *erf = "Erf",
                     *softplus = "Softplus", *softsign = "Softsign", *mish = "Mish";

/// A number between -1 and 1, for what is defined there only.
MaybeValue bounded(OnnxGrowth& growth) {
  const MaybeValue x = growth.activation();
  const MaybeValue gate = x ? growth.add_one("Tanh", {x}) : x;
  return gate ? growth.add_one("Mul", {gate, scalar(growth, 0.9)}) : gate;
}
bool add_tan(OnnxGrowth& growth) {
  const MaybeValue x = bounded(growth);
  return x && growth.add_one("Tan", {x});
}
bool add_atanh(OnnxGrowth& growth) {
  const MaybeValue x = bounded(growth);
  return x && growth.add_one("Atanh", {x});
}
bool add_acosh(OnnxGrowth& growth) {
  MaybeValue x = bounded(growth);
  if (x) x = growth.add_one("Add", {x, scalar(growth, 3)});
  return x && growth.add_one("Acosh", {x});
}
bool add_with_parameters(OnnxGrowth& growth) {
  const MaybeValue x = growth.activation();
  if (!x) return false;
  const auto number = [&] { return static_cast<float>(growth.random.uniform(0.1, 2)); };
  switch (growth.random.below(3)) {
    case 0:
      return growth.add_one("Selu", {x}).has_value();
    case 1:
      return growth.add_one("ThresholdedRelu", {x}, {{"alpha", number()}}).has_value();
    default:
      return growth.add_one("Shrink", {x}, {{"lambd", number()}, {"bias", number()}}).has_value();
  }
}
bool add_mod(OnnxGrowth& growth) {
  const MaybeValue x = growth.activation();
  if (!x) return false;
  const Value divisor = scalar(growth, growth.random.uniform(0.5, 3) * growth.random.sign());
  return growth.add_one("Mod", {x, divisor}, {{"fmod", std::int64_t{1}}}).has_value();
}
bool add_power(OnnxGrowth& growth) {
  MaybeValue x = growth.activation();
  if (x) x = growth.add_one("Abs", {x});
  if (x) x = growth.add_one("Add", {x, scalar(growth, 0.5)});
  return x && growth.add_one("Pow", {x, scalar(growth, growth.random.pick({1.5, -1.0, 4.0, 0.3, 2.5}))});
}

/// A condition computed at run time, and what it chooses or becomes.
bool add_choice(OnnxGrowth& growth) {
  RandomNumbers& random = growth.random;
  const MaybeValue x = growth.activation([](const Shape& shape) { return shape.size() <= 4; });
  if (!x) return false;
  const std::string comparison = random.pick({"Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"});
  MaybeValue condition = growth.add_one(comparison, {x, scalar(growth, random.normal())});
  if (condition && random.chance(0.4)) condition = growth.add_one("Not", {condition});
  if (condition && random.chance(0.5)) {
    const std::string truth = random.pick({"IsNaN", "IsInf"});
    const MaybeValue other = random.chance(0.5)
                                 ? growth.add_one(truth, {x})
                                 : growth.add_one("Less", {x, scalar(growth, random.normal())});
    if (other) condition = growth.add_one(random.pick({"And", "Or", "Xor"}), {condition, other});
  }
  if (!condition) return false;
  if (random.chance(0.3)) {
    const MaybeValue number = growth.add_one("Cast", {condition}, {{"to", onnx_data_type(DType::float32)}});
    return number && growth.add_one("Mul", {number, x});
  }
  return growth.add_one("Where", {condition, x, scalar(growth, random.normal())}).has_value();
}

bool add_normalization(OnnxGrowth& growth) {
  RandomNumbers& random = growth.random;
  const MaybeValue x = of_rank(growth, 3, 4);
  if (!x) return false;
  for (const Array& sample : growth.samples_of(*x)) {  // their squares are summed up
    for (const Real& element : sample.elements)
      if (std::abs(element.value) > 1e6) return false;
  }
  const Shape shape = growth.shape_of(*x);
  const Attributes epsilon{{"epsilon", static_cast<float>(random.pick({1e-5, 1e-2}))}};
  const auto rank = static_cast<std::int64_t>(shape.size());
  switch (random.below(7)) {
    case 0:
    case 1: {
      const std::int64_t axis = random.between(1, rank - 1);
      const Shape inner(shape.begin() + axis, shape.end());
      Attributes attributes = epsilon;
      attributes.emplace("axis", random.chance(0.5) ? axis : axis - rank);
      const MaybeValue scale = growth.random_constant(inner);
      const MaybeValue bias = random.chance(0.7) ? MaybeValue(growth.random_constant(inner)) : std::nullopt;
      return growth.add_one("LayerNormalization", {x, scale, bias}, attributes).has_value();
    }
    case 2:
      return growth
          .add_one("InstanceNormalization",
                   {x, growth.random_constant({shape[1]}), growth.random_constant({shape[1]})}, epsilon)
          .has_value();
    case 3: {
      const std::int64_t groups = shape[1] % 2 == 0 ? 2 : 1;
      const Shape count{random.chance(0.5) ? groups : shape[1]};
      Attributes attributes = epsilon;
      attributes.emplace("num_groups", groups);
      return growth
          .add_one("GroupNormalization", {x, growth.random_constant(count), growth.random_constant(count)},
                   attributes)
          .has_value();
    }
    case 4:
      return growth
          .add_one("LpNormalization", {x},
                   {{"axis", random.between(0, rank - 1)}, {"p", random.between(1, 2)}})
          .has_value();
    case 5:
      return growth.add_one("MeanVarianceNormalization", {x}, {{"axes", Ints{0, rank - 1}}}).has_value();
    default:
      return rank == 4 &&
             growth.add_one("LRN", {x}, {{"size", random.between(1, 3)}, {"alpha", 0.1f}}).has_value();
  }
}

bool add_log_softmax(OnnxGrowth& growth) {
  const MaybeValue x = of_rank(growth, 1, 4);
  if (!x) return false;
  const auto rank = static_cast<std::int64_t>(growth.rank_of(*x));
  return growth.add_one("LogSoftmax", {x}, {{"axis", growth.random.between(-rank, rank - 1)}}).has_value();
}

bool add_other_reduction(OnnxGrowth& growth) {
  RandomNumbers& random = growth.random;
  MaybeValue x = of_rank(growth, 1, 4);
  if (!x) return false;
  const std::string op = random.pick(
      {"ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp", "ReduceProd"});
  if (op == "ReduceLogSum" || op == "ReduceL2") {
    x = growth.add_one("Abs", {x});
    if (x) x = growth.add_one("Add", {x, scalar(growth, 0.5)});
  }
  if (!x) return false;
  const auto rank = static_cast<std::int64_t>(growth.rank_of(*x));
  return growth
      .add_one(op, {x, integer_operand(growth, {random.between(-rank, rank - 1)})},
               {{"keepdims", random.between(0, 1)}})
      .has_value();
}

/// Places as numbers again, so that they can be outputs of the graph.
bool add_order(OnnxGrowth& growth) {
  RandomNumbers& random = growth.random;
  const MaybeValue x = of_rank(growth, 1, 4);
  if (!x) return false;
  const auto rank = static_cast<std::int64_t>(growth.rank_of(*x));
  const std::int64_t axis = random.between(0, rank - 1);
  const std::int64_t size = growth.shape_of(*x)[static_cast<std::size_t>(axis)];
  const Attributes to_float{{"to", onnx_data_type(DType::float32)}};
  switch (random.below(5)) {
    case 0: {
      const MaybeValue place = growth.add_one(random.chance(0.5) ? "ArgMax" : "ArgMin", {x},
                                              {{"axis", axis}, {"keepdims", random.between(0, 1)}});
      if (!place) return false;
      if (random.chance(0.5)) return growth.add_one("Cast", {place}, to_float).has_value();
      const Value depth = growth.constant(make_tensor<std::int64_t>({}, {size + 1}));
      const Value values = growth.constant(make_tensor<float>({2}, {0.5f, 2}));
      return growth.add_one("OneHot", {place, depth, values}).has_value();
    }
    case 1: {
      const std::int64_t k = random.between(1, size);
      const auto made = growth.add("TopK", {x, growth.constant(make_tensor<std::int64_t>({1}, {k}))},
                                   {{"axis", axis}, {"largest", random.between(0, 1)}}, 2);
      return made && growth.add_one("Cast", {(*made)[1]}, to_float);
    }
    case 2:
      return growth.add_one("Hardmax", {x}, {{"axis", axis}}).has_value();
    default:
      return growth
          .add_one("CumSum", {x, growth.constant(make_tensor<std::int64_t>({}, {axis}))},
                   {{"exclusive", random.between(0, 1)}, {"reverse", random.between(0, 1)}})
          .has_value();
  }
}

}  // namespace

const std::vector<OnnxStep>& function_steps() {
  static const std::vector<OnnxStep> steps = {
      {"Sin", 0.3, add_function<sine>},
      {"Cos", 0.3, add_function<cosine>},
      {"Tan", 0.3, add_tan},
      {"Sinh", 0.3, add_function<sinh>},
      {"Cosh", 0.3, add_function<cosh>},
      {"Asinh", 0.3, add_function<asinh>},
      {"Acosh", 0.3, add_acosh},
      {"Atanh", 0.3, add_atanh},
      {"Floor", 0.3, add_function<floor>},
      {"Ceil", 0.3, add_function<ceil>},
      {"Round", 0.3, add_function<round_half>},
      {"Sign", 0.3, add_function<sign>},
      {"Erf", 0.4, add_function<erf>},
      {"Softplus", 0.4, add_function<softplus>},
      {"Softsign", 0.4, add_function<softsign>},
      {"Mish", 0.5, add_function<mish>},
      {"Selu", 1.5, add_with_parameters},
      {"Mod", 0.3, add_mod},
      {"Pow", 0.4, add_power},
      {"Where", 2, add_choice},
      {"LayerNormalization", 4, add_normalization},
      {"LogSoftmax", 0.5, add_log_softmax},
      {"ReduceL2", 2, add_other_reduction},
      {"ArgMax", 2.5, add_order},
  };
  return steps;
}

}  // namespace calib8::property
