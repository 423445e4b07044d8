#include <algorithm>
#include <numeric>

#include "random_onnx.h"

namespace calib8::property {
namespace {

using Value = OnnxGrowth::Value;
using MaybeValue = std::optional<Value>;

Value indices_constant(OnnxGrowth& growth, const Shape& shape, const Ints& values) {
  return growth.constant(make_tensor(shape, values));
}

MaybeValue of_rank(OnnxGrowth& growth, std::size_t least, std::size_t most) {
  return growth.activation([&](const Shape& shape) { return shape.size() >= least && shape.size() <= most; });
}

Ints random_indices(OnnxGrowth& growth, std::size_t count, std::int64_t size) {
  Ints indices(count);
  for (std::int64_t& index : indices) index = growth.random.between(-size, size - 1);
  return indices;
}

bool add_gather_elements(OnnxGrowth& growth) {
  const MaybeValue x = of_rank(growth, 1, 4);
  if (!x) return false;
  Shape shape = growth.shape_of(*x);
  const std::size_t axis = growth.random.below(shape.size());
  const std::int64_t size = shape[axis];
  shape[axis] = growth.random.between(1, 4);
  const Value indices = indices_constant(growth, shape, random_indices(growth, count_of(shape), size));
  return growth.add_one("GatherElements", {x, indices}, {{"axis", static_cast<std::int64_t>(axis)}})
      .has_value();
}

bool add_gather_nd(OnnxGrowth& growth) {
  RandomNumbers& random = growth.random;
  const MaybeValue x = of_rank(growth, 2, 4);
  if (!x) return false;
  const Shape from = growth.shape_of(*x);
  const std::int64_t batch = random.chance(0.3) ? 1 : 0;
  const std::int64_t named = random.between(1, static_cast<std::int64_t>(from.size()) - batch);
  Shape shape{random.between(1, 3), named};
  if (batch == 1) shape.insert(shape.begin(), from[0]);
  Ints indices;
  for (std::size_t i = 0; i < count_of(shape); ++i) {
    const std::int64_t size = from[static_cast<std::size_t>(batch) + i % static_cast<std::size_t>(named)];
    indices.push_back(random.between(-size, size - 1));
  }
  return growth.add_one("GatherND", {x, indices_constant(growth, shape, indices)}, {{"batch_dims", batch}})
      .has_value();
}

bool add_scatter(OnnxGrowth& growth) {
  RandomNumbers& random = growth.random;
  const MaybeValue x = of_rank(growth, 1, 4);
  if (!x) return false;
  const Shape from = growth.shape_of(*x);
  Attributes attributes;
  if (random.chance(0.4)) attributes.emplace("reduction", std::string("add"));
  if (random.chance(0.5)) {
    const std::size_t axis = random.below(from.size());
    Shape shape = from;
    shape[axis] = 1;
    const Value indices =
        indices_constant(growth, shape, random_indices(growth, count_of(shape), from[axis]));
    attributes.emplace("axis", static_cast<std::int64_t>(axis));
    return growth.add_one("ScatterElements", {x, indices, growth.random_constant(shape)}, attributes)
        .has_value();
  }
  const std::int64_t rows = random.between(1, std::min<std::int64_t>(from[0], 3));
  Ints places(static_cast<std::size_t>(from[0]));
  std::iota(places.begin(), places.end(), 0);
  for (std::size_t i = places.size(); i > 1; --i) std::swap(places[i - 1], places[random.below(i)]);
  places.resize(static_cast<std::size_t>(rows));
  Shape shape = from;
  shape[0] = rows;
  const Value indices = indices_constant(growth, {rows, 1}, places);
  const MaybeValue alike = growth.activation([&](const Shape& other) { return other == shape; });
  if (alike && random.chance(0.5))
    return growth.add_one("ScatterND", {x, indices, alike}, attributes).has_value();
  return growth.add_one("ScatterND", {x, indices, growth.random_constant(shape)}, attributes).has_value();
}

bool add_tile(OnnxGrowth& growth) {
  const MaybeValue x = of_rank(growth, 1, 4);
  if (!x) return false;
  Ints repeats(growth.rank_of(*x));
  for (std::int64_t& count : repeats) count = growth.random.between(1, 2);
  return growth.add_one("Tile", {x, integer_operand(growth, repeats)}).has_value();
}

bool add_trilu(OnnxGrowth& growth) {
  const MaybeValue x = of_rank(growth, 2, 4);
  if (!x) return false;
  const Value diagonal = growth.constant(make_tensor<std::int64_t>({}, {growth.random.between(-2, 2)}));
  return growth.add_one("Trilu", {x, diagonal}, {{"upper", growth.random.between(0, 1)}}).has_value();
}

bool add_mirror_pad(OnnxGrowth& growth) {
  RandomNumbers& random = growth.random;
  const MaybeValue x = of_rank(growth, 2, 4);
  if (!x) return false;
  const Shape shape = growth.shape_of(*x);
  Ints pads(2 * shape.size(), 0);
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] < 2) continue;
    pads[axis] = random.between(0, std::min<std::int64_t>(shape[axis] - 1, 3));
    pads[axis + shape.size()] = random.between(0, std::min<std::int64_t>(shape[axis] - 1, 3));
  }
  return growth
      .add_one("Pad", {x, integer_operand(growth, pads)},
               {{"mode", random.pick({std::string("reflect"), std::string("edge"), std::string("wrap")})}})
      .has_value();
}

bool add_einsum(OnnxGrowth& growth) {
  RandomNumbers& random = growth.random;
  const MaybeValue x = of_rank(growth, 3, 3);
  if (!x) return false;
  const Shape shape = growth.shape_of(*x);
  const Attributes transposed{{"equation", std::string("abc->cab")}},
      summed{{"equation", std::string("abc->ca")}};
  switch (random.below(5)) {
    case 0:
      return growth.add_one("Einsum", {x}, random.chance(0.5) ? transposed : summed).has_value();
    case 1:
      return growth
          .add_one("Einsum", {x, growth.random_constant({shape[2], 3})},
                   {{"equation", std::string("abc,cd->adb")}})
          .has_value();
    case 2:
      return growth.add_one("Einsum", {x, x}, {{"equation", std::string("abc,adc->abd")}}).has_value();
    case 3:
      return growth
          .add_one("Einsum", {x, growth.random_constant({shape[1]})},
                   {{"equation", std::string("abc,b->abc")}})
          .has_value();
    default:
      return growth
          .add_one("Einsum", {x, x, growth.random_constant({shape[0]})},
                   {{"equation", std::string("abc,abd,a->cd")}})
          .has_value();
  }
}

bool add_recurrent(OnnxGrowth& growth) {
  RandomNumbers& random = growth.random;
  const MaybeValue x = growth.activation(
      [](const Shape& shape) { return shape.size() == 3 && shape[0] <= 4 && count_of(shape) <= 100; });
  if (!x) return false;
  const std::string op = random.pick({"LSTM", "GRU", "RNN"});
  const std::int64_t gates = op == "LSTM" ? 4 : op == "GRU" ? 3 : 1, hidden = random.between(1, 3);
  const std::int64_t directions = random.chance(0.4) ? 2 : 1;
  const Shape shape = growth.shape_of(*x);
  const Value weights = growth.random_constant({directions, gates * hidden, shape[2]}, 0.5);
  const Value recurrent = growth.random_constant({directions, gates * hidden, hidden}, 0.5);
  const MaybeValue bias = random.chance(0.7)
                              ? MaybeValue(growth.random_constant({directions, 2 * gates * hidden}, 0.5))
                              : std::nullopt;
  std::vector<std::optional<Value>> inputs{x, weights, recurrent, bias};
  if (random.chance(0.4)) {
    inputs.push_back(std::nullopt);
    inputs.push_back(growth.random_constant({directions, shape[1], hidden}, 0.5));
    if (op == "LSTM") inputs.push_back(growth.random_constant({directions, shape[1], hidden}, 0.5));
  }
  Attributes attributes{{"hidden_size", hidden}};
  if (directions == 2) attributes.emplace("direction", std::string("bidirectional"));
  if (directions == 1 && random.chance(0.3)) attributes.emplace("direction", std::string("reverse"));
  if (op == "GRU") attributes.emplace("linear_before_reset", random.between(0, 1));
  return growth.add(op, inputs, attributes, op == "LSTM" ? 3 : 2).has_value();
}

bool add_volume(OnnxGrowth& growth) {
  const MaybeValue x = of_rank(growth, 5, 5);
  if (!x) return false;
  const Shape shape = growth.shape_of(*x);
  Shape weights{growth.random.between(1, 3), shape[1]};
  for (std::size_t axis = 2; axis < 5; ++axis)
    weights.push_back(growth.random.between(1, std::min<std::int64_t>(shape[axis], 2)));
  return growth.add_one("Conv", {x, growth.random_constant(weights), growth.random_constant({weights[0]})})
      .has_value();
}

/// An If as it stands when a file is read: both branches' values behind the condition.
bool add_branch(OnnxGrowth& growth) {
  const auto a = growth.activation(), b = growth.activation();
  if (!a || !b) return false;
  const std::vector<std::uint8_t> holds{static_cast<std::uint8_t>(growth.random.chance(0.5) ? 1 : 0)};
  const auto condition = growth.constant({DType::boolean, {}, Data::from_vector(holds)});
  return growth.add_one("If", {condition, a, b}).has_value();
}

}  // namespace

const std::vector<OnnxStep>& place_steps() {
  static const std::vector<OnnxStep> steps = {
      {"If", 0.4, add_branch},        {"GatherElements", 0.7, add_gather_elements},
      {"GatherND", 1, add_gather_nd}, {"ScatterND", 1.5, add_scatter},
      {"Tile", 0.5, add_tile},        {"Trilu", 0.5, add_trilu},
      {"Pad", 1, add_mirror_pad},     {"Einsum", 1, add_einsum},
      {"LSTM", 1.5, add_recurrent},   {"Conv", 0.7, add_volume},
  };
  return steps;
}

}  // namespace calib8::property
