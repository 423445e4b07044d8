#include <algorithm>
#include <numeric>

#include "random_onnx.h"

namespace calib8::property {
namespace {

using Value = OnnxGrowth::Value;
using MaybeValue = std::optional<Value>;

MaybeValue ranked(OnnxGrowth& growth, std::size_t least, std::size_t most = 5) {
  return growth.activation([&](const Shape& shape) { return shape.size() >= least && shape.size() <= most; });
}

/// The same axis, counted from the front or from the back.
std::int64_t named_axis(OnnxGrowth& growth, std::size_t axis, std::size_t rank) {
  const auto from_front = static_cast<std::int64_t>(axis);
  return growth.random.chance(0.3) ? from_front - static_cast<std::int64_t>(rank) : from_front;
}

Ints shuffled(OnnxGrowth& growth, std::size_t count) {
  Ints order(count);
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = count; i > 1; --i) std::swap(order[i - 1], order[growth.random.below(i)]);
  return order;
}

/// Another shape of as many elements.
Shape random_factors(OnnxGrowth& growth, std::int64_t count) {
  Shape shape;
  for (const std::int64_t divisor : {2, 3, 2, 5, 2, 3}) {
    if (count % divisor == 0 && shape.size() < 3 && growth.random.chance(0.5)) {
      shape.push_back(divisor);
      count /= divisor;
    }
  }
  shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(growth.random.below(shape.size() + 1)), count);
  if (growth.random.chance(0.3)) shape.insert(shape.begin(), 1);
  return shape;
}

bool add_reshape(OnnxGrowth& growth) {
  const MaybeValue x = growth.activation();
  if (!x) return false;
  Shape wanted = random_factors(growth, static_cast<std::int64_t>(count_of(growth.shape_of(*x))));
  Attributes attributes;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (i < growth.rank_of(*x) && wanted[i] == growth.shape_of(*x)[i] && growth.random.chance(0.3))
      wanted[i] = 0;
  if (std::find(wanted.begin(), wanted.end(), 0) == wanted.end() && growth.random.chance(0.2))
    attributes.emplace("allowzero", std::int64_t{1});
  if (growth.random.chance(0.4)) wanted[growth.random.below(wanted.size())] = -1;
  return growth.add_one("Reshape", {x, integer_operand(growth, wanted)}, attributes).has_value();
}

bool add_flatten(OnnxGrowth& growth) {
  const MaybeValue x = ranked(growth, 1);
  if (!x) return false;
  const auto rank = static_cast<std::int64_t>(growth.rank_of(*x));
  Attributes attributes;
  if (growth.random.chance(0.6)) attributes.emplace("axis", growth.random.between(-rank, rank));
  return growth.add_one("Flatten", {x}, attributes).has_value();
}

bool add_squeeze(OnnxGrowth& growth) {
  const MaybeValue x = growth.activation(
      [](const Shape& shape) { return std::find(shape.begin(), shape.end(), 1) != shape.end(); });
  if (!x) return false;
  if (growth.random.chance(0.3)) return growth.add_one("Squeeze", {x}).has_value();
  Ints axes;
  for (std::size_t i = 0; i < growth.rank_of(*x); ++i)
    if (growth.shape_of(*x)[i] == 1 && growth.random.chance(0.6))
      axes.push_back(named_axis(growth, i, growth.rank_of(*x)));
  return !axes.empty() && growth.add_one("Squeeze", {x, integer_operand(growth, axes)});
}

bool add_unsqueeze(OnnxGrowth& growth) {
  const MaybeValue x = ranked(growth, 0, 3);
  if (!x) return false;
  const std::size_t count = 1 + growth.random.below(2), rank = growth.rank_of(*x) + count;
  Ints axes = shuffled(growth, rank);
  axes.resize(count);
  for (std::int64_t& axis : axes) axis = named_axis(growth, static_cast<std::size_t>(axis), rank);
  return growth.add_one("Unsqueeze", {x, integer_operand(growth, axes)}).has_value();
}

bool add_identity(OnnxGrowth& growth) {
  const MaybeValue x = growth.activation();
  return x && growth.add_one("Identity", {x});
}
bool add_dropout(OnnxGrowth& growth) {
  const MaybeValue x = growth.activation();
  return x && growth.add_one("Dropout", {x});
}

bool add_transpose(OnnxGrowth& growth) {
  const MaybeValue x = ranked(growth, 2);
  if (!x) return false;
  Attributes attributes;
  const std::size_t rank = growth.rank_of(*x);
  if (rank == 4 && growth.random.chance(0.5)) {
    attributes.emplace("perm", growth.random.chance(0.5) ? Ints{0, 2, 3, 1} : Ints{0, 3, 1, 2});
  } else if (growth.random.chance(0.8)) {
    attributes.emplace("perm", shuffled(growth, rank));
  }
  return growth.add_one("Transpose", {x}, attributes).has_value();
}

bool add_concat(OnnxGrowth& growth) {
  RandomNumbers& random = growth.random;
  const MaybeValue x = ranked(growth, 1);
  if (!x) return false;
  const Shape& shape = growth.shape_of(*x);
  const std::size_t axis = shape.size() > 1 && random.chance(0.7) ? 1 : random.below(shape.size());
  const auto fits = [&](Shape other) {
    if (other.size() != shape.size()) return false;
    other[axis] = shape[axis];
    return other == shape;
  };
  std::vector<std::optional<Value>> parts{x};
  for (std::size_t count = random.chance(0.85) ? 1 + random.below(3) : 5 + random.below(3);
       parts.size() <= count;) {
    if (random.chance(0.7)) {
      parts.push_back(growth.activation(fits));
    } else {
      Shape other = shape;
      other[axis] = random.between(1, 3);
      parts.push_back(growth.random_constant(other));
    }
  }
  std::swap(parts.front(), parts[random.below(parts.size())]);
  return growth.add_one("Concat", parts, {{"axis", named_axis(growth, axis, shape.size())}}).has_value();
}

bool add_split(OnnxGrowth& growth) {
  RandomNumbers& random = growth.random;
  const MaybeValue x = growth.activation([](const Shape& shape) {
    return std::any_of(shape.begin(), shape.end(), [](std::int64_t size) { return size > 1; });
  });
  if (!x) return false;
  const Shape& shape = growth.shape_of(*x);
  std::size_t axis = random.below(shape.size());
  while (shape[axis] < 2) axis = (axis + 1) % shape.size();
  const std::int64_t count = random.between(2, std::min<std::int64_t>(shape[axis], 6));
  std::optional<Value> sizes;
  Attributes attributes{{"axis", named_axis(growth, axis, shape.size())}};
  const std::int64_t chunk = (shape[axis] + count - 1) / count;
  if (random.chance(0.5) || shape[axis] - chunk * (count - 1) < 1) {
    Ints parts(static_cast<std::size_t>(count), 1);
    for (std::int64_t left = shape[axis] - count; left > 0; --left) ++parts[random.below(parts.size())];
    sizes = integer_operand(growth, parts);
    return growth.add("Split", {x, sizes}, attributes, parts.size()).has_value();
  }
  attributes.emplace("num_outputs", count);
  return growth.add("Split", {x}, attributes, static_cast<std::size_t>(count)).has_value();
}

bool add_slice(OnnxGrowth& growth) {
  RandomNumbers& random = growth.random;
  const MaybeValue x = ranked(growth, 1);
  if (!x) return false;
  const Shape shape = growth.shape_of(*x);
  Ints axes = shuffled(growth, shape.size()), starts, ends, steps;
  axes.resize(1 + random.below(std::min<std::size_t>(axes.size(), 2)));
  bool has_steps = false;
  for (std::int64_t& axis : axes) {
    const std::int64_t size = shape[static_cast<std::size_t>(axis)];
    std::int64_t start = random.between(0, size - 1), end = random.between(start + 1, size), step = 1;
    if (random.chance(0.3)) step = random.between(1, 3);
    if (random.chance(0.15)) {
      std::swap(start, end);
      start = std::min(start, size - 1);
      end = end == 0 ? -size - 1 : end - 1;
      step = -random.between(1, 2);
    } else if (end == size && random.chance(0.5)) {
      end = random.pick<std::int64_t>({INT64_MAX, INT32_MAX, size + 5});
    }
    if (start > 0 && random.chance(0.3)) start -= size;
    has_steps = has_steps || step != 1;
    starts.push_back(start);
    ends.push_back(end);
    steps.push_back(step);
    axis = named_axis(growth, static_cast<std::size_t>(axis), shape.size());
  }
  std::vector<std::optional<Value>> inputs{
      x, integer_operand(growth, starts),
      growth.constant(make_tensor({static_cast<std::int64_t>(ends.size())}, ends)),
      integer_operand(growth, axes)};
  if (has_steps) inputs.push_back(integer_operand(growth, steps));
  return growth.add_one("Slice", inputs).has_value();
}

bool add_gather(OnnxGrowth& growth) {
  const MaybeValue x = ranked(growth, 1);
  if (!x) return false;
  const std::size_t axis = growth.random.below(growth.rank_of(*x));
  const std::int64_t size = growth.shape_of(*x)[axis], start = growth.random.between(0, size - 1);
  Attributes attributes;
  if (axis != 0 || growth.random.chance(0.5))
    attributes.emplace("axis", named_axis(growth, axis, growth.rank_of(*x)));
  if (growth.random.chance(0.5)) {
    const std::int64_t index = growth.random.chance(0.3) ? start - size : start;
    return growth.add_one("Gather", {x, growth.constant(make_tensor<std::int64_t>({}, {index}))}, attributes)
        .has_value();
  }
  Ints indices;
  for (std::int64_t end = growth.random.between(start, size - 1), i = start; i <= end; ++i)
    indices.push_back(i);
  return growth.add_one("Gather", {x, integer_operand(growth, indices)}, attributes).has_value();
}

bool add_pad(OnnxGrowth& growth) {
  RandomNumbers& random = growth.random;
  const MaybeValue x = ranked(growth, 1);
  if (!x) return false;
  const std::size_t rank = growth.rank_of(*x);
  Ints axes = shuffled(growth, rank);
  if (random.chance(0.7)) axes.resize(std::min<std::size_t>(rank, 2));
  Ints pads(2 * rank, 0), some;
  for (const std::int64_t axis : axes) {
    pads[static_cast<std::size_t>(axis)] = random.between(0, 2);
    pads[static_cast<std::size_t>(axis) + rank] = random.between(0, 2);
  }
  std::vector<std::optional<Value>> inputs{x, std::nullopt};
  if (random.chance(0.4)) {
    const double value = random.pick({0.0, 1.0, random.normal(), random.sign() * random.magnitude()});
    inputs.push_back(growth.constant(make_tensor<float>({}, {static_cast<float>(value)})));
  }
  if (random.chance(0.3)) {
    for (const std::int64_t axis : axes) some.push_back(pads[static_cast<std::size_t>(axis)]);
    for (const std::int64_t axis : axes) some.push_back(pads[static_cast<std::size_t>(axis) + rank]);
    inputs.resize(3);
    for (std::int64_t& axis : axes) axis = named_axis(growth, static_cast<std::size_t>(axis), rank);
    inputs.push_back(integer_operand(growth, axes));
  }
  inputs[1] = integer_operand(growth, some.empty() ? pads : some);
  return growth.add_one("Pad", inputs).has_value();
}

bool add_expand(OnnxGrowth& growth) {
  const MaybeValue x = growth.activation();
  if (!x) return false;
  Shape wanted = growth.shape_of(*x);
  for (std::int64_t& size : wanted)
    if (size == 1) size = growth.random.between(1, 4);
  for (std::int64_t& size : wanted)
    if (growth.random.chance(0.2)) size = 1;
  if (growth.random.chance(0.3) && wanted.size() < 4)
    wanted.insert(wanted.begin(), growth.random.between(1, 3));
  return !wanted.empty() && growth.add_one("Expand", {x, integer_operand(growth, wanted)});
}

bool add_shuffle(OnnxGrowth& growth, const std::string& op) {
  const std::int64_t block = growth.random.between(1, 3);
  const MaybeValue x = growth.activation([&](const Shape& shape) {
    if (shape.size() != 4) return false;
    return op == "DepthToSpace" ? shape[1] % (block * block) == 0
                                : shape[2] % block == 0 && shape[3] % block == 0;
  });
  if (!x) return false;
  Attributes attributes{{"blocksize", block}};
  if (op == "DepthToSpace" && growth.random.chance(0.6))
    attributes.emplace("mode", std::string(growth.random.chance(0.5) ? "CRD" : "DCR"));
  return growth.add_one(op, {x}, attributes).has_value();
}
bool add_depth_to_space(OnnxGrowth& growth) {
  return add_shuffle(growth, "DepthToSpace");
}
bool add_space_to_depth(OnnxGrowth& growth) {
  return add_shuffle(growth, "SpaceToDepth");
}

bool add_reduction(OnnxGrowth& growth, const std::string& op) {
  const MaybeValue x = growth.activation();
  if (!x) return false;
  const std::size_t rank = growth.rank_of(*x);
  Attributes attributes;
  if (growth.random.chance(0.7))
    attributes.emplace("keepdims", static_cast<std::int64_t>(growth.random.below(2)));
  if (rank == 0 || growth.random.chance(0.15)) {
    if (growth.random.chance(0.2)) attributes.emplace("noop_with_empty_axes", std::int64_t{1});
    return growth.add_one(op, {x}, attributes).has_value();
  }
  Ints axes = shuffled(growth, rank);
  axes.resize(1 + growth.random.below(rank));
  if (rank == 4 && growth.random.chance(0.4)) axes = {2, 3};
  for (std::int64_t& axis : axes) axis = named_axis(growth, static_cast<std::size_t>(axis), rank);
  return growth.add_one(op, {x, integer_operand(growth, axes)}, attributes).has_value();
}
bool add_reduce_mean(OnnxGrowth& growth) {
  return add_reduction(growth, "ReduceMean");
}
bool add_reduce_sum(OnnxGrowth& growth) {
  return add_reduction(growth, "ReduceSum");
}
bool add_reduce_max(OnnxGrowth& growth) {
  return add_reduction(growth, "ReduceMax");
}
bool add_reduce_min(OnnxGrowth& growth) {
  return add_reduction(growth, "ReduceMin");
}

}  // namespace

const std::vector<OnnxStep>& shape_steps() {
  static const std::vector<OnnxStep> steps = {
      {"Reshape", 1.5, add_reshape},
      {"Flatten", 0.7, add_flatten},
      {"Squeeze", 0.7, add_squeeze},
      {"Unsqueeze", 0.7, add_unsqueeze},
      {"Identity", 0.3, add_identity},
      {"Dropout", 0.3, add_dropout},
      {"Transpose", 1.5, add_transpose},
      {"Concat", 2.5, add_concat},
      {"Split", 1, add_split},
      {"Slice", 1.5, add_slice},
      {"Gather", 1, add_gather},
      {"Pad", 1.5, add_pad},
      {"Expand", 0.7, add_expand},
      {"DepthToSpace", 0.7, add_depth_to_space},
      {"SpaceToDepth", 0.7, add_space_to_depth},
      {"ReduceMean", 1, add_reduce_mean},
      {"ReduceSum", 0.7, add_reduce_sum},
      {"ReduceMax", 0.7, add_reduce_max},
      {"ReduceMin", 0.7, add_reduce_min},
  };
  return steps;
}

}  // namespace calib8::property
