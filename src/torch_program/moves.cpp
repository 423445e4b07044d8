// Operators that join, repeat, turn, pad and shuffle elements into tensors of their own.

#include <algorithm>
#include <numeric>

#include "torch_program/operator_rows.h"
#include "torch_program/promotion.h"

namespace calib8 {
namespace {

constexpr std::int64_t largest_step = 1 << 20;

/// Tensors of a list in the type that the result has; PyTorch passes over what is empty and of one dimension.
Values joined(OperatorCall& call) {
  Values values;
  for (const OnnxValueId value : call.tensors("tensors")) {
    if (!value.exists()) call.fail("joins what is no tensor");
    if (call.shape(value) != Shape{0}) values.push_back(call.cast(value, call.output_dtype()));
  }
  if (values.empty()) call.fail("joins nothing");
  return values;
}

OnnxValueId concatenate(OperatorCall& call) {
  const Values values = joined(call);
  return call.concat(values, call.axis_of("dim", values[0], 0));
}

OnnxValueId stack(OperatorCall& call) {
  Values values = joined(call);
  const std::size_t axis = call.axis(call.integer("dim", 0), call.rank(values[0]) + 1);
  for (OnnxValueId& value : values) value = call.unsqueeze(value, axis);
  return call.concat(values, axis);
}

OnnxValueId repeat(OperatorCall& call) {
  OnnxValueId x = call.tensor("self");
  const Integers repeats = call.integers(call.has("dims") ? "dims" : "repeats");
  if (std::ranges::any_of(repeats, [](std::int64_t n) { return n < 0 || n > largest_step; }))
    call.fail("repeats more often than any network does");
  Shape sizes = call.shape(x);
  Integers whole = repeats;
  if (whole.size() < sizes.size()) whole.insert(whole.begin(), sizes.size() - whole.size(), 1);
  if (sizes.size() < whole.size()) sizes.insert(sizes.begin(), whole.size() - sizes.size(), 1);
  x = call.reshape(x, sizes);
  if (std::ranges::all_of(whole, [](std::int64_t n) { return n == 1; })) return x;
  return call.emit("Tile", {x, call.integers_constant(whole)});
}

/// Each element so often, one beside the other.
OnnxValueId repeat_interleave(OperatorCall& call) {
  OnnxValueId x = call.tensor("self");
  if (call.is_tensor("repeats")) call.fail("repeats each element as often as the data says");
  const std::int64_t repeats = call.integer("repeats");
  if (!call.has("dim")) x = call.reshape(x, {element_count(call.shape(x)).value()});
  const std::size_t axis = call.axis_of("dim", x, 0);
  Shape sizes = call.shape(x);
  if (sizes.empty() || repeats < 0 || repeats > largest_step || sizes[axis] > largest_step)
    call.fail("repeats more often than any network does");
  Shape repeated = sizes;
  repeated.insert(repeated.begin() + static_cast<std::ptrdiff_t>(axis) + 1, repeats);
  sizes[axis] *= repeats;
  return call.reshape(call.expand(call.unsqueeze(x, axis + 1), repeated), sizes);
}

OnnxValueId rolled(OperatorCall& call, OnnxValueId x, std::size_t axis, std::int64_t shift) {
  const std::int64_t size = call.shape(x).at(axis);
  if (size == 0) return x;
  const std::int64_t begin = (size - (shift % size + size) % size) % size;
  if (begin == 0) return x;
  return call.concat({call.slice(x, axis, begin, size), call.slice(x, axis, 0, begin)}, axis);
}

OnnxValueId roll(OperatorCall& call) {
  OnnxValueId x = call.tensor("self");
  const Integers shifts = call.integers("shifts"), dims = call.integers("dims");
  const Shape shape = call.shape(x);
  if (dims.empty() && shifts.size() == 1) {
    x = call.reshape(x, {element_count(shape).value()});
    return call.reshape(rolled(call, x, 0, shifts[0]), shape);
  }
  if (shifts.size() != dims.size()) call.fail("has a shift for other dimensions than it names");
  for (std::size_t i = 0; i < dims.size(); ++i)
    x = rolled(call, x, call.axis(dims[i], shape.size()), shifts[i]);
  return x;
}

OnnxValueId flip(OperatorCall& call) {
  OnnxValueId x = call.tensor("self");
  for (const std::int64_t dim : call.integers("dims")) {
    const std::size_t axis = call.axis(dim, call.rank(x));
    const std::int64_t size = call.shape(x).at(axis);
    if (size > 1) x = call.slice(x, axis, size - 1, -size - 1, -1);
  }
  return x;
}

/// `pads` begin with the last dimension, before and behind it; negative ones take elements away.
OnnxValueId pad(OperatorCall& call, const std::string& mode) {
  OnnxValueId x = call.tensor("self");
  const Integers pads = call.integers(call.has("pad") ? "pad" : "padding");
  const std::size_t rank = call.rank(x), padded = pads.size() / 2;
  if (pads.size() % 2 != 0 || padded > rank) call.fail("pads other dimensions than there are");
  if (std::ranges::any_of(pads, [](std::int64_t p) { return p < -largest_step || p > largest_step; }))
    call.fail("pads by more than any image has");
  Integers whole(2 * rank, 0);
  for (std::size_t i = 0; i < padded; ++i) {
    whole[rank - 1 - i] = pads[2 * i];
    whole[2 * rank - 1 - i] = pads[2 * i + 1];
  }
  const OnnxValueId amounts = call.integers_constant(whole);
  if (mode == "constant") {
    const auto value = call.scalar("value").value_or(Scalar(std::int64_t{0}));
    return call.emit("Pad", {x, amounts, call.number_constant(value, call.dtype(x))}, {{"mode", mode}});
  }
  const std::string spelled = mode == "reflect" ? "reflect" : mode == "replicate" ? "edge" : "wrap";
  if (spelled == "wrap" && mode != "circular") call.fail("pads by '" + mode + "'");
  return call.emit("Pad", {x, amounts}, {{"mode", spelled}});
}

OnnxValueId pad_by_mode(OperatorCall& call) {
  return pad(call, call.text("mode", "constant"));
}
OnnxValueId pad_with_constant(OperatorCall& call) {
  return pad(call, "constant");
}
OnnxValueId pad_with_reflection(OperatorCall& call) {
  return pad(call, "reflect");
}
OnnxValueId pad_with_edge(OperatorCall& call) {
  return pad(call, "replicate");
}

/// The last three dimensions of an image, whatever stands before them.
struct Planes {
  Shape before;
  std::int64_t channels, height, width;
};

Planes planes_of(const OperatorCall& call, OnnxValueId x) {
  const Shape sizes = call.shape(x);
  if (sizes.size() < 3) call.fail("takes an image, and is given " + to_string(sizes));
  const auto last = sizes.end();
  return {{sizes.begin(), last - 3}, last[-3], last[-2], last[-1]};
}

Shape with(Shape before, std::initializer_list<std::int64_t> sizes) {
  before.insert(before.end(), sizes);
  return before;
}

std::int64_t factor_of(const OperatorCall& call, std::string_view name) {
  const std::int64_t factor = call.integer(name);
  if (factor < 1 || factor > 1 << 12) call.fail("scales by more than any image takes");
  return factor;
}

OnnxValueId pixel_shuffle(OperatorCall& call) {
  const OnnxValueId x = call.tensor("self");
  const std::int64_t factor = factor_of(call, "upscale_factor");
  const Planes at = planes_of(call, x);
  if (at.channels % (factor * factor) != 0) call.fail("can't divide its channels");
  const std::int64_t count = element_count(at.before).value_or(0);
  const OnnxValueId y =
      call.emit("DepthToSpace", {call.reshape(x, {count, at.channels, at.height, at.width})},
                {{"blocksize", factor}, {"mode", std::string("CRD")}});
  return call.reshape(
      y, with(at.before, {at.channels / (factor * factor), at.height * factor, at.width * factor}));
}

/// [C, H * r, W * r] -> [C * r * r, H, W], a channel's elements side by side.
OnnxValueId pixel_unshuffle(OperatorCall& call) {
  OnnxValueId x = call.tensor("self");
  const std::int64_t r = factor_of(call, "downscale_factor");
  const Planes at = planes_of(call, x);
  if (at.height % r != 0 || at.width % r != 0) call.fail("can't divide its height and width");
  const std::int64_t height = at.height / r, width = at.width / r,
                     count = element_count(at.before).value_or(0);
  x = call.reshape(x, {count, at.channels, height, r, width, r});
  x = call.transpose(x, {0, 1, 3, 5, 2, 4});
  return call.reshape(x, with(at.before, {at.channels * r * r, height, width}));
}

OnnxValueId channel_shuffle(OperatorCall& call) {
  OnnxValueId x = call.tensor("self");
  const Shape sizes = call.shape(x);
  const std::int64_t groups = call.integer("groups");
  if (sizes.size() < 3 || groups < 1 || sizes[1] % groups != 0) call.fail("can't divide its channels");
  const std::int64_t others =
      std::accumulate(sizes.begin() + 2, sizes.end(), std::int64_t{1}, std::multiplies<>());
  x = call.reshape(x, {sizes[0], groups, sizes[1] / groups, others});
  return call.reshape(call.transpose(x, {0, 2, 1, 3}), sizes);
}

/// Each element less the one before, with elements put before the first and behind the last.
OnnxValueId difference(OperatorCall& call) {
  const OnnxValueId self = call.tensor("self");
  const std::size_t axis = call.axis_of("dim", self, -1);
  Values joined{self};
  if (call.has("prepend")) joined.insert(joined.begin(), call.cast(call.tensor("prepend"), call.dtype(self)));
  if (call.has("append")) joined.push_back(call.cast(call.tensor("append"), call.dtype(self)));
  OnnxValueId x = call.concat(joined, axis);
  const std::int64_t times = call.integer("n", 1);
  if (times < 0 || times > 100) call.fail("subtracts more often than any network does");
  for (std::int64_t i = 0; i < times; ++i) {
    const std::int64_t size = call.shape(x).at(axis);
    if (size < 1) break;
    x = call.emit("Sub", {call.slice(x, axis, 1, size), call.slice(x, axis, 0, size - 1)});
  }
  return x;
}

template <bool Upper>
OnnxValueId triangle(OperatorCall& call) {
  const OnnxValueId diagonal = call.number_constant(Scalar(call.integer("diagonal", 0)), DType::int64);
  return call.emit("Trilu", {call.tensor("self"), diagonal}, {{"upper", std::int64_t{Upper}}});
}

constexpr OperatorRow rows[] = {
    {"aten.cat", concatenate},
    {"aten.concat", concatenate},
    {"aten.stack", stack},
    {"aten.repeat", repeat},
    {"aten.tile", repeat},
    {"aten.repeat_interleave", repeat_interleave},
    {"aten.roll", roll},
    {"aten.flip", flip},
    {"aten.pad", pad_by_mode},
    {"aten.constant_pad_nd", pad_with_constant},
    {"aten.reflection_pad1d", pad_with_reflection},
    {"aten.reflection_pad2d", pad_with_reflection},
    {"aten.replication_pad1d", pad_with_edge},
    {"aten.replication_pad2d", pad_with_edge},
    {"aten.pixel_shuffle", pixel_shuffle},
    {"aten.pixel_unshuffle", pixel_unshuffle},
    {"aten.channel_shuffle", channel_shuffle},
    {"aten.native_channel_shuffle", channel_shuffle},
    {"aten.diff", difference},
    {"aten.triu", triangle<true>},
    {"aten.tril", triangle<false>},
};

}  // namespace

std::span<const OperatorRow> move_operators() {
  return rows;
}

}  // namespace calib8
