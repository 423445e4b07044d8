// Elements by their numbers: index, gather, scatter.

#include <algorithm>
#include <numeric>

#include "torch_program/operator_rows.h"
#include "torch_program/promotion.h"

namespace calib8 {
namespace {

/// What x[:, i, j] means: tensors of numbers for some of the dimensions.
struct Indexing {
  std::vector<std::size_t> axes;  ///< Ascending.
  Values indices;                 ///< Broadcast to one shape, int64.
  Shape shape;                    ///< Of each.
  bool is_in_place = false;       ///< The axes follow each other, so that the numbers' shape stands for them.
};

Shape broadcast(const OperatorCall& call, const Shape& a, const Shape& b) {
  Shape shape(std::max(a.size(), b.size()), 1);
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const std::int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1, y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1) call.fail("has indices of " + to_string(a) + " and " + to_string(b));
    shape[shape.size() - 1 - i] = x == 1 ? y : x;
  }
  return shape;
}

Indexing indexing_of(OperatorCall& call, std::size_t rank) {
  Indexing indexing;
  const Values given = call.tensors("indices");
  if (given.size() > rank) call.fail("has more indices than there are dimensions");
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (!given[i].exists()) continue;
    if (call.dtype(given[i]) == DType::boolean || call.dtype(given[i]) == DType::uint8)
      call.fail("chooses elements by a mask, so that their number depends on the data");
    indexing.axes.push_back(i);
    indexing.indices.push_back(call.cast(given[i], DType::int64));
    indexing.shape = broadcast(call, indexing.shape, call.shape(given[i]));
  }
  if (indexing.axes.empty()) call.fail("has no indices");
  indexing.is_in_place = indexing.axes.back() - indexing.axes.front() + 1 == indexing.axes.size();
  return indexing;
}

/// The dimensions with those that are indexed first.
Integers indexed_first(const Indexing& indexing, std::size_t rank) {
  Integers order;
  for (const std::size_t axis : indexing.axes) order.push_back(static_cast<std::int64_t>(axis));
  for (std::size_t i = 0; i < rank; ++i) {
    if (std::ranges::count(indexing.axes, i) == 0) order.push_back(static_cast<std::int64_t>(i));
  }
  return order;
}

/// [..., axes]: a place for each element.
OnnxValueId places_of(OperatorCall& call, const Indexing& indexing) {
  Values columns;
  for (const OnnxValueId index : indexing.indices) {
    const OnnxValueId whole = call.expand(index, indexing.shape);
    columns.push_back(call.unsqueeze(whole, indexing.shape.size()));
  }
  return call.concat(columns, indexing.shape.size());
}

OnnxValueId index(OperatorCall& call) {
  const OnnxValueId x = call.tensor("self");
  const std::size_t rank = call.rank(x);
  const Indexing indexing = indexing_of(call, rank);
  if (indexing.axes.size() == 1)
    return call.emit("Gather", {x, indexing.indices[0]},
                     {{"axis", static_cast<std::int64_t>(indexing.axes[0])}});
  const OnnxValueId y =
      call.emit("GatherND", {call.transpose(x, indexed_first(indexing, rank)), places_of(call, indexing)});
  if (!indexing.is_in_place || indexing.axes[0] == 0) return y;
  // [numbers..., before..., behind...] -> [before..., numbers..., behind...]
  const std::size_t numbers = indexing.shape.size(), before = indexing.axes[0];
  Integers order(call.rank(y));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  std::rotate(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(numbers),
              order.begin() + static_cast<std::ptrdiff_t>(numbers + before));
  return call.transpose(y, order);
}

/// Written at these places; `values` broadcasts to what index() would give.
OnnxValueId index_put(OperatorCall& call) {
  const OnnxValueId x = call.tensor("self");
  const std::size_t rank = call.rank(x);
  const Indexing indexing = indexing_of(call, rank);
  if (indexing.axes[0] != 0 || !indexing.is_in_place)
    call.fail("writes elements by indices that aren't those of the first dimensions");
  Shape shape = indexing.shape;
  const Shape sizes = call.shape(x);
  shape.insert(shape.end(), sizes.begin() + static_cast<std::ptrdiff_t>(indexing.axes.size()), sizes.end());
  const OnnxValueId values = call.expand(call.cast(call.tensor("values"), call.dtype(x)), shape);
  OperatorCall::Attributes attributes;
  if (call.flag("accumulate", false)) attributes["reduction"] = std::string("add");
  return call.emit("ScatterND", {x, places_of(call, indexing), values}, attributes);
}

OnnxValueId index_select(OperatorCall& call) {
  const OnnxValueId x = call.tensor("self");
  return call.emit("Gather", {x, call.tensor("index")},
                   {{"axis", static_cast<std::int64_t>(call.axis_of("dim", x, 0))}});
}

OnnxValueId gather(OperatorCall& call) {
  const OnnxValueId x = call.tensor("self");
  const auto axis = static_cast<std::int64_t>(call.axis_of("dim", x, 0));
  return call.emit("GatherElements", {x, call.cast(call.tensor("index"), DType::int64)}, {{"axis", axis}});
}

OnnxValueId scatter_with(OperatorCall& call, const std::string& reduction) {
  const OnnxValueId x = call.tensor("self"), index = call.cast(call.tensor("index"), DType::int64);
  const auto axis = static_cast<std::int64_t>(call.axis_of("dim", x, 0));
  OnnxValueId source = operand(call, call.has("src") ? "src" : "value", call.dtype(x));
  const Shape shape = call.shape(index), from = call.shape(source);
  if (from.empty()) {
    source = call.expand(source, shape);
  } else if (from.size() == shape.size()) {
    for (std::size_t i = 0; i < shape.size(); ++i) source = call.slice(source, i, 0, shape[i]);
  }
  OperatorCall::Attributes attributes = {{"axis", axis}};
  if (!reduction.empty()) attributes["reduction"] = reduction;
  return call.emit("ScatterElements", {x, index, source}, attributes);
}

OnnxValueId scatter(OperatorCall& call) {
  if (call.has("reduce")) call.fail("combines what it scatters");
  return scatter_with(call, "");
}

OnnxValueId scatter_add(OperatorCall& call) {
  return scatter_with(call, "add");
}

/// Windows along one dimension, which become a dimension of their own at the end.
OnnxValueId unfold(OperatorCall& call) {
  const OnnxValueId x = call.tensor("self");
  const std::size_t axis = call.axis_of("dimension", x, 0), rank = call.rank(x);
  const std::int64_t size = call.integer("size"), step = call.integer("step");
  const std::int64_t whole = rank == 0 ? 1 : call.shape(x)[axis];
  constexpr std::int64_t most = 1 << 24;
  if (size < 1 || step < 1 || size > whole || rank == 0) call.fail("has windows that don't fit its input");
  const std::int64_t windows = (whole - size) / step + 1;
  if (windows > most / size) call.fail("has more windows than any network");
  std::vector<std::int64_t> places;
  for (std::int64_t i = 0; i < windows; ++i) {
    for (std::int64_t k = 0; k < size; ++k) places.push_back(i * step + k);
  }
  const OnnxValueId indices = call.constant(make_tensor({windows, size}, std::move(places)));
  const OnnxValueId y = call.emit("Gather", {x, indices}, {{"axis", static_cast<std::int64_t>(axis)}});
  Integers order(rank + 1);
  std::iota(order.begin(), order.end(), std::int64_t{0});
  order.erase(order.begin() + static_cast<std::ptrdiff_t>(axis) + 1);
  order.push_back(static_cast<std::int64_t>(axis) + 1);
  return call.transpose(y, order);
}

constexpr OperatorRow rows[] = {
    {"aten.index", index},
    {"aten.index_put", index_put},
    {"aten._index_put_impl", index_put},
    {"aten.index_select", index_select},
    {"aten.gather", gather},
    {"aten.scatter", scatter},
    {"aten.scatter_add", scatter_add},
    {"aten.unfold", unfold, Sharing::unclear},
};

}  // namespace

std::span<const OperatorRow> index_operators() {
  return rows;
}

}  // namespace calib8
