#include "ops/infer.h"

#include <algorithm>

namespace calib8 {
namespace {

/// How many nodes known_elements looks through one behind the other, and in all: exporters' arithmetic is
/// under ten deep, and a hostile file shall exhaust neither stack nor time.
constexpr int deepest_look = 32;
constexpr int most_looks = 1000;
struct Search {
  const OnnxGraph& graph;
  int looks_left = most_looks;
};

std::optional<Dimensions> look(Search& search, OnnxValueId value, int depth);

std::optional<Dimensions> of_constant(const Tensor& tensor) {
  if (tensor.dtype != DType::int64 && tensor.dtype != DType::int32) return std::nullopt;
  if (tensor.shape.size() > 1 || tensor.count() > most_elements) return std::nullopt;
  Dimensions elements;
  for (const std::int64_t value : to_int64(tensor))
    elements.push_back(value < 0 ? Dimension{} : known(value));
  return elements;
}

std::optional<Dimensions> look(Search& search, OnnxValueId value, int depth) {
  const OnnxGraph& graph = search.graph;
  if (depth == 0 || search.looks_left-- <= 0 || !value.exists()) return std::nullopt;
  if (graph[value].constant) return of_constant(*graph[value].constant);
  const std::optional<OnnxType>& type = graph[value].type;
  if (!type || !type->has_rank() || type->shape->size() > 1) return std::nullopt;
  const OnnxNodeId producer = graph.producer(value);
  if (!producer.exists()) return std::nullopt;
  const OnnxNode& node = graph[producer];
  const OnnxOp* op = find_onnx_op(node.op_type);
  if (!op || !op->traits.elements) return std::nullopt;
  return op->traits.elements({graph, node}, [&](std::size_t position) {
    return position < node.inputs.size() ? look(search, node.inputs[position], depth - 1) : std::nullopt;
  });
}

}  // namespace

std::optional<Dimensions> elements_of_first_input(const NodeView&, const ElementsOfInput& elements_of) {
  return elements_of(0);
}

std::int64_t normalized_axis(const NodeView& view, std::int64_t axis, std::size_t rank) {
  const auto size = static_cast<std::int64_t>(rank);
  if (axis < -size || axis >= size) {
    view.fail("axis " + std::to_string(axis) + " is outside a tensor of rank " + std::to_string(rank));
  }
  return axis < 0 ? axis + size : axis;
}

std::vector<std::int64_t> normalized_axes(const NodeView& view, std::vector<std::int64_t> axes,
                                          std::size_t rank) {
  for (std::int64_t& axis : axes) axis = normalized_axis(view, axis, rank);
  std::sort(axes.begin(), axes.end());
  const auto twice = std::adjacent_find(axes.begin(), axes.end());
  if (twice != axes.end()) view.fail("axis " + std::to_string(*twice) + " is named twice");
  return axes;
}

std::optional<std::vector<std::int64_t>> constant_integers(const NodeView& view, std::size_t position) {
  const Tensor* tensor = view.constant(position);
  if (!tensor) return std::nullopt;
  if (tensor->dtype != DType::int64 && tensor->dtype != DType::int32) {
    view.fail("input " + std::to_string(position) + " holds " + std::string(name_of(tensor->dtype)) +
              " where integers belong");
  }
  return to_int64(*tensor);
}

std::optional<Dimensions> known_elements(const NodeView& view, std::size_t position) {
  if (!view.has_input(position)) return std::nullopt;
  Search search{view.graph};
  if (auto elements = look(search, view.node.inputs[position], deepest_look)) return elements;
  // Their number alone, where the input's own shape says it.
  const std::optional<OnnxType>& type = view.graph[view.node.inputs[position]].type;
  if (!type || !type->is_static() || type->shape->size() != 1) return std::nullopt;
  const std::int64_t count = type->static_shape()[0];
  if (count > most_elements) return std::nullopt;
  return Dimensions(static_cast<std::size_t>(count));
}

Dimension merged(const NodeView& view, const Dimension& a, const Dimension& b) {
  if (a.is_known() && b.is_known() && a.size != b.size) {
    view.fail("sizes " + std::to_string(a.size) + " and " + std::to_string(b.size) + " should be equal");
  }
  if (a.is_known()) return a;
  if (b.is_known()) return b;
  return a.symbol.empty() ? b : a;
}

Dimensions broadcast(const NodeView& view, const Dimensions& a, const Dimensions& b) {
  const Dimensions& longer = a.size() >= b.size() ? a : b;
  const Dimensions& shorter = a.size() >= b.size() ? b : a;
  Dimensions result = longer;
  const std::size_t ahead = longer.size() - shorter.size();
  for (std::size_t i = 0; i < shorter.size(); ++i) {
    const Dimension &x = longer[ahead + i], &y = shorter[i];
    Dimension& size = result[ahead + i];
    if (y.size == 1) {
      size = x;
    } else if (x.size == 1) {
      size = y;
    } else if (x.is_known() || y.is_known()) {
      size = merged(view, x, y);  // an unknown size next to one that is not 1 must be that one, or 1
    } else {
      size = x.symbol == y.symbol ? x : Dimension{};
    }
  }
  return result;
}

Dimension sum(const NodeView& view, const Dimension& a, const Dimension& b) {
  if (!a.is_known() || !b.is_known()) return {};
  std::int64_t total = 0;
  if (__builtin_add_overflow(a.size, b.size, &total)) view.fail("its sizes are too large");
  return known(total);
}

Dimension product(const NodeView& view, const Dimensions& dimensions) {
  Shape sizes;
  Dimensions unknown;
  for (const Dimension& dimension : dimensions) {
    if (dimension.is_known()) {
      sizes.push_back(dimension.size);
    } else {
      unknown.push_back(dimension);
    }
  }
  const auto count = element_count(sizes);
  if (!count) view.fail("a tensor of " + to_string(sizes) + " elements is too large");
  if (unknown.empty() || *count == 0) return known(*count);
  return unknown.size() == 1 && *count == 1 ? unknown[0] : Dimension{};
}

}  // namespace calib8
