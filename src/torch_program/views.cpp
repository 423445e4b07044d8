// Operators that show a tensor's elements in another shape or order, or a part of them, and what becomes of
// the tensor when they are written through such a view.

#include <algorithm>
#include <numeric>

#include "torch_program/operator_rows.h"

namespace calib8 {
namespace {

OnnxValueId self_of(OperatorCall& call) {
  return call.tensor("self");
}

/// Sizes of which one may be -1: what remains.
Shape completed(const OperatorCall& call, const Integers& sizes, std::int64_t count) {
  Shape shape(sizes.begin(), sizes.end());
  std::int64_t known = 1;
  std::int64_t* open = nullptr;
  for (std::int64_t& size : shape) {
    if (size == -1 && !open) {
      open = &size;
    } else if (size < 0 || __builtin_mul_overflow(known, size, &known)) {
      call.fail("can't give a tensor the shape " + to_string(sizes));
    }
  }
  if (open) *open = known == 0 ? 0 : count / known;
  return shape;
}

std::int64_t count_of(const OperatorCall& call, OnnxValueId x) {
  return element_count(call.shape(x)).value_or(0);
}

OnnxValueId view(OperatorCall& call) {
  const OnnxValueId x = self_of(call);
  if (!call.has("size") && !call.has("shape")) call.fail("looks at elements as if of another type");
  return call.reshape(x,
                      completed(call, call.integers(call.has("size") ? "size" : "shape"), count_of(call, x)));
}

OnnxValueId view_as(OperatorCall& call) {
  return call.reshape(self_of(call), call.shape(call.tensor("other")));
}

OnnxValueId flatten(OperatorCall& call) {
  const OnnxValueId x = self_of(call);
  const Shape sizes = call.shape(x);
  if (sizes.empty()) return call.reshape(x, {1});
  const std::size_t first = call.axis_of("start_dim", x, 0), last = call.axis_of("end_dim", x, -1);
  if (first > last) call.fail("flattens dimensions that end before they begin");
  if (first == 1 && last == sizes.size() - 1 && last > 1)
    return call.emit("Flatten", {x}, {{"axis", std::int64_t{1}}});
  Shape flat(sizes.begin(), sizes.begin() + static_cast<std::ptrdiff_t>(first));
  flat.push_back(std::accumulate(sizes.begin() + static_cast<std::ptrdiff_t>(first),
                                 sizes.begin() + static_cast<std::ptrdiff_t>(last) + 1, std::int64_t{1},
                                 std::multiplies<>()));
  flat.insert(flat.end(), sizes.begin() + static_cast<std::ptrdiff_t>(last) + 1, sizes.end());
  return call.reshape(x, flat);
}

OnnxValueId unflatten(OperatorCall& call) {
  const OnnxValueId x = self_of(call);
  Shape sizes = call.shape(x);
  const std::size_t axis = call.axis_of("dim", x, 0);
  if (sizes.empty()) call.fail("unflattens a single number");
  const Shape parts = completed(call, call.integers("sizes"), sizes[axis]);
  const auto at = sizes.erase(sizes.begin() + static_cast<std::ptrdiff_t>(axis));
  sizes.insert(at, parts.begin(), parts.end());
  return call.reshape(x, sizes);
}

OnnxValueId unsqueeze(OperatorCall& call) {
  const OnnxValueId x = self_of(call);
  return call.unsqueeze(x, call.axis(call.integer("dim"), call.rank(x) + 1));
}

OnnxValueId squeeze(OperatorCall& call) {
  const OnnxValueId x = self_of(call);
  const Shape sizes = call.shape(x);
  std::vector<bool> goes(sizes.size(), !call.has("dim"));
  for (const std::int64_t dim : call.integers("dim")) {
    if (const std::size_t axis = call.axis(dim, sizes.size()); axis < goes.size()) goes[axis] = true;
  }
  Shape kept;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (!goes[i] || sizes[i] != 1) kept.push_back(sizes[i]);
  }
  return call.reshape(x, kept);
}

/// Where each dimension of a permuted tensor comes from.
Integers order_of(const OperatorCall& call, std::string_view name, std::size_t rank) {
  Integers order(rank);
  std::iota(order.begin(), order.end(), std::int64_t{0});
  if (name == "aten.permute") {
    const Integers dims = call.integers("dims");
    std::vector<bool> seen(rank, false);
    if (dims.size() != rank) call.fail("orders other dimensions than there are");
    for (std::size_t i = 0; i < rank; ++i) {
      const std::size_t from = call.axis(dims[i], rank);
      if (seen[from]) call.fail("takes a dimension twice");
      seen[from] = true;
      order[i] = static_cast<std::int64_t>(from);
    }
  } else if (name == "aten.t") {
    if (rank > 2) call.fail("transposes more than a matrix");
    std::ranges::reverse(order);
  } else if (rank > 0) {
    const char* names[] = {call.has("dim0") ? "dim0" : "axis0", call.has("dim1") ? "dim1" : "axis1"};
    std::swap(order[call.axis(call.integer(names[0]), rank)], order[call.axis(call.integer(names[1]), rank)]);
  }
  return order;
}

constexpr char permute_name[] = "aten.permute", matrix_name[] = "aten.t", swap_name[] = "aten.transpose";

template <const char* Name>
OnnxValueId permute(OperatorCall& call) {
  const OnnxValueId x = self_of(call);
  return call.transpose(x, order_of(call, Name, call.rank(x)));
}

OnnxValueId expand(OperatorCall& call) {
  const OnnxValueId x = self_of(call);
  const Shape sizes = call.shape(x);
  const Integers wanted = call.integers("size");
  if (wanted.size() < sizes.size()) call.fail("expands to fewer dimensions");
  Shape to(wanted.begin(), wanted.end());
  const std::size_t added = to.size() - sizes.size();
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (to[i] == -1 && i >= added) to[i] = sizes[i - added];
    if (to[i] < 0) call.fail("expands to a negative size");
  }
  return call.expand(x, to);
}

OnnxValueId expand_as(OperatorCall& call) {
  return call.expand(self_of(call), call.shape(call.tensor("other")));
}

/// A part along one dimension.
struct Part {
  std::size_t axis = 0;
  std::int64_t begin = 0, end = 0, step = 1;
};

/// A place that may count from the end, within the size.
std::int64_t clamped(std::int64_t at, std::int64_t size) {
  return std::clamp<std::int64_t>(at < 0 ? at + size : at, 0, size);
}

Part sliced(const OperatorCall& call, const Shape& sizes) {
  if (sizes.empty()) call.fail("takes a part of a single number");
  Part part{call.axis(call.integer("dim", 0), sizes.size()), 0, 0, call.integer("step", 1)};
  const std::int64_t size = sizes[part.axis];
  part.begin = clamped(call.integer("start", 0), size);
  if (call.has("length")) {
    const std::int64_t length = call.integer("length");
    if (length < 0 || length > size - part.begin) call.fail("takes more than there is");
    part.end = part.begin + length;
  } else {
    part.end = std::max(part.begin, clamped(call.integer("end", size), size));
  }
  if (part.step < 1) call.fail("takes a part backwards");
  return part;
}

Part selected(const OperatorCall& call, const Shape& sizes) {
  if (sizes.empty()) call.fail("takes a part of a single number");
  const std::size_t axis = call.axis(call.integer("dim"), sizes.size());
  const std::int64_t index = call.integer("index"), size = sizes[axis];
  if (index < -size || index >= size)
    call.fail("takes element " + std::to_string(index) + " of " + std::to_string(size));
  const std::int64_t at = index < 0 ? index + size : index;
  return {axis, at, at + 1, 1};
}

OnnxValueId cut(OperatorCall& call, OnnxValueId x, const Part& part) {
  return call.slice(x, part.axis, part.begin, part.end, part.step);
}

OnnxValueId slice(OperatorCall& call) {
  const OnnxValueId x = self_of(call);
  return cut(call, x, sliced(call, call.shape(x)));
}

Shape without(Shape sizes, std::size_t axis) {
  sizes.erase(sizes.begin() + static_cast<std::ptrdiff_t>(axis));
  return sizes;
}

OnnxValueId select(OperatorCall& call) {
  const OnnxValueId x = self_of(call);
  const Part part = selected(call, call.shape(x));
  const OnnxValueId index = call.number_constant(Scalar(part.begin), DType::int64);
  return call.emit("Gather", {x, index}, {{"axis", static_cast<std::int64_t>(part.axis)}});
}

/// Sizes of the parts of split(), chunk() and unbind(), as many as the file names.
Integers part_sizes(const OperatorCall& call, std::string_view name, std::int64_t whole) {
  const std::size_t count = call.output_count();
  const auto equal = [&](std::int64_t size) {
    if (size < 1) call.fail("splits into parts of no size");
    Integers sizes;
    for (std::int64_t begin = 0; begin < whole && sizes.size() <= count;
         begin += std::min(size, whole - begin))
      sizes.push_back(std::min(size, whole - begin));
    return sizes;
  };
  Integers sizes;
  if (name == "aten.unbind") {
    sizes = equal(1);
  } else if (name == "aten.chunk") {
    const std::int64_t chunks = call.integer("chunks");
    if (chunks < 1) call.fail("splits into no parts");
    sizes = equal(std::max<std::int64_t>(1, whole / chunks + (whole % chunks != 0)));
  } else if (call.has("split_sizes") || call.overload() == "sizes") {
    sizes = call.integers(call.has("split_sizes") ? "split_sizes" : "split_size");
  } else {
    sizes = equal(call.integer("split_size"));
  }
  std::int64_t left = whole;
  for (const std::int64_t size : sizes) {
    if (size < 0 || size > left) call.fail("splits into parts that are more than the whole");
    left -= size;
  }
  if (left != 0 || sizes.size() != count)
    call.fail("splits " + std::to_string(whole) + " elements into other parts than the file names");
  return sizes;
}

Part part_number(const OperatorCall& call, std::string_view name, const Shape& sizes, std::size_t number) {
  if (sizes.empty()) call.fail("splits a single number");
  const std::size_t axis = call.axis(call.integer("dim", 0), sizes.size());
  const Integers parts = part_sizes(call, name, sizes[axis]);
  const auto behind = parts.begin() + static_cast<std::ptrdiff_t>(number);
  const std::int64_t begin = std::accumulate(parts.begin(), behind, std::int64_t{0});
  return {axis, begin, begin + parts.at(number), 1};
}

constexpr char split_name[] = "aten.split", chunk_name[] = "aten.chunk", unbind_name[] = "aten.unbind";

template <const char* Name>
Values split(OperatorCall& call) {
  const OnnxValueId x = self_of(call);
  const Shape sizes = call.shape(x);
  if (sizes.empty()) call.fail("splits a single number");
  const std::size_t axis = call.axis(call.integer("dim", 0), sizes.size());
  const bool drops_axis = std::string_view(Name) == unbind_name;
  Values parts;
  std::int64_t begin = 0;
  for (const std::int64_t size : part_sizes(call, Name, sizes[axis])) {
    const OnnxValueId part = call.slice(x, axis, begin, begin + size);
    parts.push_back(drops_axis ? call.reshape(part, without(sizes, axis)) : part);
    begin += size;
  }
  return parts;
}

/// The tensor with a part of it written anew.
OnnxValueId put(OperatorCall& call, OnnxValueId whole, const Part& part, OnnxValueId written) {
  const std::int64_t size = call.shape(whole)[part.axis];
  if (part.step != 1) {
    const Shape shape = call.shape(written);
    Integers places;
    for (std::int64_t at = part.begin; at < part.end; at += part.step) places.push_back(at);
    Shape aligned(shape.size(), 1);
    aligned[part.axis] = static_cast<std::int64_t>(places.size());
    const OnnxValueId indices = call.expand(call.reshape(call.integers_constant(places), aligned), shape);
    return call.emit("ScatterElements", {whole, indices, written},
                     {{"axis", static_cast<std::int64_t>(part.axis)}});
  }
  Values pieces;
  if (part.begin > 0) pieces.push_back(call.slice(whole, part.axis, 0, part.begin));
  if (part.end > part.begin) pieces.push_back(written);
  if (part.end < size) pieces.push_back(call.slice(whole, part.axis, part.end, size));
  return call.concat(pieces, part.axis);
}

OnnxValueId slice_scatter(OperatorCall& call) {
  const OnnxValueId x = self_of(call);
  return put(call, x, sliced(call, call.shape(x)), call.cast(call.tensor("src"), call.dtype(x)));
}

OnnxValueId select_scatter(OperatorCall& call) {
  const OnnxValueId x = self_of(call);
  const Part part = selected(call, call.shape(x));
  return put(call, x, part, call.unsqueeze(call.cast(call.tensor("src"), call.dtype(x)), part.axis));
}

/// A view by strides, where it is a permutation: of each dimension it says where its elements lie, as the
/// file does for the tensor.
OnnxValueId as_strided(OperatorCall& call) {
  const OnnxValueId x = self_of(call);
  const ProgramType* declared = call.declared("self");
  const Integers sizes = call.integers("size"), strides = call.integers("stride");
  const Shape from = call.shape(x);
  const char* refusal =
      "shows elements by strides that are no permutation: save the model without as_strided";
  if (!declared || call.integer("storage_offset", 0) != 0 || sizes.size() != strides.size())
    call.fail(refusal);
  // Dimensions of size 1 lie anywhere.
  Integers order;
  Shape large;
  std::vector<bool> taken(from.size(), false);
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 1) continue;
    std::size_t found = 0;
    while (found < from.size() &&
           (taken[found] || from[found] != sizes[i] || declared->strides[found].size != strides[i]))
      ++found;
    if (found == from.size()) call.fail(refusal);
    taken[found] = true;
    order.push_back(static_cast<std::int64_t>(found));
  }
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (!taken[i] && from[i] != 1) call.fail(refusal);
    if (!taken[i]) order.push_back(static_cast<std::int64_t>(i));
  }
  return call.reshape(call.transpose(x, order), {sizes.begin(), sizes.end()});
}

constexpr OperatorRow rows[] = {
    {"aten.view", view, Sharing::view},
    {"aten._unsafe_view", view, Sharing::view},
    {"aten.view_as", view_as, Sharing::view},
    {"aten.unflatten", unflatten, Sharing::view},
    {"aten.unsqueeze", unsqueeze, Sharing::view},
    {"aten.squeeze", squeeze, Sharing::view},
    {"aten.permute", permute<permute_name>, Sharing::view},
    {"aten.t", permute<matrix_name>, Sharing::view},
    {"aten.transpose", permute<swap_name>, Sharing::view},
    {"aten.swapaxes", permute<swap_name>, Sharing::view},
    {"aten.swapdims", permute<swap_name>, Sharing::view},
    {"aten.expand", expand, Sharing::view},
    {"aten.expand_as", expand_as, Sharing::view},
    {"aten.slice", slice, Sharing::view},
    {"aten.narrow", slice, Sharing::view},
    {"aten.select", select, Sharing::view},
    {"aten.split", split<split_name>, Sharing::view},
    {"aten.split_with_sizes", split<split_name>, Sharing::view},
    {"aten.chunk", split<chunk_name>, Sharing::view},
    {"aten.unbind", split<unbind_name>, Sharing::view},
    {"aten.as_strided", as_strided, Sharing::unclear},
    {"aten.reshape", view, Sharing::unclear},
    {"aten.reshape_as", view_as, Sharing::unclear},
    {"aten.flatten", flatten, Sharing::unclear},
    {"aten.slice_scatter", slice_scatter},
    {"aten.select_scatter", select_scatter},
};

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

std::optional<OnnxValueId> written_through(OperatorCall& call, std::string_view name, std::size_t part,
                                           OnnxValueId whole, OnnxValueId written) {
  const Shape sizes = call.shape(whole);
  if (is_one_of(name, {"aten.view", "aten._unsafe_view", "aten.view_as", "aten.unflatten", "aten.unsqueeze",
                       "aten.squeeze"}))
    return call.reshape(written, sizes);
  if (is_one_of(name, {"aten.permute", "aten.t", "aten.transpose", "aten.swapaxes", "aten.swapdims"})) {
    const Integers order = order_of(call, name, sizes.size());
    Integers back(order.size());
    for (std::size_t i = 0; i < order.size(); ++i)
      back[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(i);
    return call.transpose(written, back);
  }
  if (is_one_of(name, {"aten.slice", "aten.narrow"})) return put(call, whole, sliced(call, sizes), written);
  if (name == "aten.select") {
    const Part place = selected(call, sizes);
    return put(call, whole, place, call.unsqueeze(written, place.axis));
  }
  if (is_one_of(name, {"aten.split", "aten.split_with_sizes", "aten.chunk"}))
    return put(call, whole, part_number(call, name, sizes, part), written);
  if (name == "aten.unbind") {
    const Part place = part_number(call, name, sizes, part);
    return put(call, whole, place, call.unsqueeze(written, place.axis));
  }
  if (is_one_of(name, {"aten.expand", "aten.expand_as"}) && call.shape(written) == sizes) return written;
  return std::nullopt;
}

std::span<const OperatorRow> view_operators() {
  return rows;
}

}  // namespace calib8
