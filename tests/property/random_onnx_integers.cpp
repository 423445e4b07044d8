#include <algorithm>

#include "onnx_graph/data_type.h"
#include "random_onnx.h"

namespace calib8::property {
namespace {

using Value = OnnxGrowth::Value;
using MaybeValue = std::optional<Value>;

Value vector_constant(OnnxGrowth& growth, const Ints& values) {
  return growth.constant(make_tensor({static_cast<std::int64_t>(values.size())}, values));
}

Value scalar_constant(OnnxGrowth& growth, std::int64_t value) {
  return growth.constant(make_tensor<std::int64_t>({}, {value}));
}

Ints each(Ints values, std::int64_t (*change)(std::int64_t, std::int64_t), std::int64_t by) {
  for (std::int64_t& value : values) value = change(value, by);
  return values;
}

MaybeValue by_arithmetic(OnnxGrowth& growth, const Ints& wanted) {
  RandomNumbers& random = growth.random;
  const std::int64_t by = random.between(2, 9);
  const std::int64_t largest = *std::max_element(wanted.begin(), wanted.end());
  switch (random.below(7)) {
    case 0:
      return growth.add_one("Sub",
                            {vector_constant(growth, each(
                                                         wanted, [](auto a, auto b) { return a + b; }, by)),
                             scalar_constant(growth, by)});
    case 1:
      return growth.add_one("Add",
                            {vector_constant(growth, each(
                                                         wanted, [](auto a, auto b) { return a - b; }, by)),
                             scalar_constant(growth, by)});
    case 2:
      return growth.add_one("Div",
                            {vector_constant(growth, each(
                                                         wanted, [](auto a, auto b) { return a * b; }, by)),
                             scalar_constant(growth, by)});
    case 3:
      if (*std::min_element(wanted.begin(), wanted.end()) < 0) return std::nullopt;
      return growth.add_one(
          "Mod", {vector_constant(growth, each(
                                              wanted, [](auto a, auto b) { return a + 2 * b; }, largest + 1)),
                  scalar_constant(growth, largest + 1)});
    case 4:
      return growth.add_one("Max", {vector_constant(growth, wanted), scalar_constant(growth, -100)});
    case 5:
      return growth.add_one("Min", {scalar_constant(growth, 1000000), vector_constant(growth, wanted)});
    default:
      return growth.add_one("Neg",
                            {vector_constant(growth, each(
                                                         wanted, [](auto a, auto b) { return a * b; }, -1))});
  }
}

MaybeValue by_choice(OnnxGrowth& growth, const Ints& wanted) {
  RandomNumbers& random = growth.random;
  MaybeValue condition = growth.add_one(random.pick({"Equal", "LessOrEqual", "GreaterOrEqual"}),
                                        {scalar_constant(growth, 3), scalar_constant(growth, 3)});
  const MaybeValue other = growth.add_one(random.pick({"Less", "Greater"}),
                                          {scalar_constant(growth, 3), scalar_constant(growth, 3)});
  if (!condition || !other) return std::nullopt;
  condition = random.chance(0.5) ? growth.add_one("Or", {condition, other})
                                 : growth.add_one("And", {condition, growth.add_one("Not", {other})});
  return growth.add_one("Where", {condition, vector_constant(growth, wanted), scalar_constant(growth, 7)});
}

MaybeValue by_joining(OnnxGrowth& growth, const Ints& wanted) {
  if (wanted.size() < 2) return std::nullopt;
  const auto middle = wanted.begin() + growth.random.between(1, static_cast<std::int64_t>(wanted.size()) - 1);
  std::optional<Value> first = integer_operand(growth, Ints(wanted.begin(), middle));
  std::optional<Value> second = integer_operand(growth, Ints(middle, wanted.end()));
  return growth.add_one("Concat", {first, second}, {{"axis", std::int64_t{0}}});
}

/// From a longer vector, or the sizes of some tensor.
MaybeValue by_taking(OnnxGrowth& growth, const Ints& wanted) {
  RandomNumbers& random = growth.random;
  const auto count = static_cast<std::int64_t>(wanted.size());
  for (const Value value : growth.all_activations()) {
    const Shape& shape = growth.shape_of(value);
    if (wanted.size() == 1 && static_cast<std::int64_t>(count_of(shape)) == wanted[0] && random.chance(0.5)) {
      const MaybeValue size = growth.add_one("Size", {value});
      return size ? growth.add_one("Unsqueeze", {size, vector_constant(growth, {0})}) : size;
    }
    const auto at = std::search(shape.begin(), shape.end(), wanted.begin(), wanted.end());
    if (at == shape.end()) continue;
    const auto start = static_cast<std::int64_t>(at - shape.begin());
    if (random.chance(0.5))
      return growth.add_one("Shape", {value}, {{"start", start}, {"end", start + count}});
    const MaybeValue sizes = growth.add_one("Shape", {value});
    if (random.chance(0.5) && sizes && count == 1)
      return growth.add_one("Gather", {sizes, vector_constant(growth, {start})});
    return growth.add_one(
        "Slice", {sizes, vector_constant(growth, {start}), vector_constant(growth, {start + count})});
  }
  Ints longer = wanted;
  longer.insert(longer.begin(), 5);
  longer.push_back(9);
  return growth.add_one("Slice", {vector_constant(growth, longer), vector_constant(growth, {1}),
                                  vector_constant(growth, {-1})});
}

MaybeValue by_form(OnnxGrowth& growth, const Ints& wanted) {
  RandomNumbers& random = growth.random;
  const auto count = static_cast<std::int64_t>(wanted.size());
  switch (random.below(6)) {
    case 0: {
      std::vector<std::int32_t> narrow(wanted.begin(), wanted.end());
      const Value value = growth.constant(make_tensor({count}, std::move(narrow)));
      return growth.add_one("Cast", {value}, {{"to", onnx_data_type(DType::int64)}});
    }
    case 1: {
      std::vector<float> real(wanted.begin(), wanted.end());
      return growth.add_one(
          "CastLike", {growth.constant(make_tensor({count}, std::move(real))), scalar_constant(growth, 0)});
    }
    case 2: {
      const MaybeValue row =
          growth.add_one("Unsqueeze", {vector_constant(growth, wanted), vector_constant(growth, {0})});
      return row ? growth.add_one("Squeeze", {row, vector_constant(growth, {0})}) : row;
    }
    case 3: {
      const Value column = growth.constant(make_tensor({count, 1}, wanted));
      return growth.add_one("Reshape", {column, vector_constant(growth, {-1})});
    }
    case 4:
      for (std::size_t i = 0; i < wanted.size(); ++i)
        if (wanted[i] != wanted[0] + static_cast<std::int64_t>(i)) return std::nullopt;
      return growth.add_one("Range",
                            {scalar_constant(growth, wanted[0]), scalar_constant(growth, wanted[0] + count),
                             scalar_constant(growth, 1)});
    default:
      if (!std::all_of(wanted.begin(), wanted.end(), [&](auto value) { return value == wanted[0]; }))
        return std::nullopt;
      return growth.add_one("ConstantOfShape", {vector_constant(growth, {count})},
                            {{"value", make_tensor<std::int64_t>({1}, {wanted[0]})}});
  }
}

}  // namespace

Value integer_operand(OnnxGrowth& growth, const Ints& wanted) {
  RandomNumbers& random = growth.random;
  if (wanted.empty() || random.chance(0.65)) return vector_constant(growth, wanted);
  MaybeValue computed;
  switch (random.below(5)) {
    case 0:
      computed = by_arithmetic(growth, wanted);
      break;
    case 1:
      computed = by_choice(growth, wanted);
      break;
    case 2:
      computed = by_joining(growth, wanted);
      break;
    case 3:
      computed = by_taking(growth, wanted);
      break;
    default:
      computed = by_form(growth, wanted);
  }
  const bool is_right = computed && growth.array_of_value(*computed).dtype == DType::int64 &&
                        growth.rank_of(*computed) == 1 &&
                        integers_of(growth.array_of_value(*computed)) == wanted;
  return is_right ? *computed : vector_constant(growth, wanted);
}

}  // namespace calib8::property
