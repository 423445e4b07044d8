#include "optimize/forms/split_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "ops/tflite_op.h"
#include "optimize/passes.h"
#include "optimize/rewrite.h"

namespace calib8 {
namespace {

const tflite::Concatenation* plain_join(const TfliteGraph& graph, OperatorId id) {
  if (!id.exists()) return nullptr;
  const auto* join = graph[id].get_if<tflite::Concatenation>();
  return join != nullptr && join->activation == tflite::Activation::none ? join : nullptr;
}

/// Whether each level is joined of as many columns, and nothing but `levels` reads it.
bool are_levels(const TfliteGraph& graph, OperatorId levels) {
  const auto& parts = graph[levels].inputs;
  const OperatorId first = graph.producer(parts[0]);
  return std::ranges::all_of(parts, [&](TensorId part) {
    const OperatorId producer = graph.producer(part);
    const auto* join = plain_join(graph, producer);
    return join != nullptr && graph.has_single_use(part) &&
           graph[producer].inputs.size() == graph[first].inputs.size() &&
           join->axis == plain_join(graph, first)->axis && join->axis != plain_join(graph, levels)->axis;
  });
}

std::vector<std::size_t> axes_of_many(const Shape& shape) {
  std::vector<std::size_t> axes;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] != 1) axes.push_back(axis);
  }
  return axes;
}

/// Whether a reshape only adds and removes axes of one element.
bool keeps_axes(const Shape& from, const Shape& to) {
  const auto is_many = [](std::int64_t size) { return size != 1; };
  return std::ranges::equal(from | std::views::filter(is_many), to | std::views::filter(is_many));
}

/// What becomes of `part`, a part of `from` along some axes, where `from` becomes `to` by such a reshape.
Shape reshaped(const Shape& part, const Shape& from, Shape to) {
  const std::vector<std::size_t> before = axes_of_many(from), after = axes_of_many(to);
  for (std::size_t i = 0; i < before.size(); ++i) to[after[i]] = part[before[i]];
  return to;
}

/// TRANSPOSEs, and RESHAPEs that keep all axes.
bool moves_axes(const TfliteGraph& graph, OperatorId id) {
  if (!id.exists()) return false;
  const TfliteOperator& op = graph[id];
  if (op.is<tflite::Transpose>()) return graph.is_constant(op.inputs[1]);
  return op.is<tflite::Reshape>() && keeps_axes(graph[op.inputs[0]].shape, graph[op.outputs[0]].shape);
}

/// Computed, read here alone, and given out nowhere yet.
bool can_be_output(const TfliteGraph& graph, TensorId tensor) {
  return graph.producer(tensor).exists() && graph.has_single_use(tensor);
}

class Splitter {
 public:
  Splitter(TfliteGraph& graph, const OutputJoin& join, std::string name)
      : graph_(graph), join_(join), name_(std::move(name)) {}

  /// Columns [first, first + count), as they stood in the output.
  TensorId part(std::size_t first, std::size_t count) {
    std::vector<TensorId> levels;
    for (const OperatorId id : join_.joins) {
      const auto begin = graph_[id].inputs.begin() + static_cast<std::ptrdiff_t>(first);
      levels.push_back(concatenated(id, {begin, begin + static_cast<std::ptrdiff_t>(count)}));
    }
    TensorId part = join_.levels.exists() ? concatenated(join_.levels, levels) : levels[0];
    for (const OperatorId id : join_.behind) part = moved(id, part);
    return part;
  }

 private:
  /// As `model` moves, this alone.
  TensorId moved(OperatorId model, TensorId tensor) {
    const TfliteOperator op = graph_[model];
    if (op.is<tflite::Reshape>()) {
      const Shape shape =
          reshaped(graph_[tensor].shape, graph_[op.inputs[0]].shape, graph_[op.outputs[0]].shape);
      const std::vector<std::int32_t> wanted = to_int32(shape);
      const TensorId constant = graph_.add_constant(name_ + "/shape", wanted);
      return graph_.emit(tflite::Reshape{wanted}, {tensor, constant}, name_, shape);
    }
    Shape shape;
    for (const std::int64_t axis : graph_.constant_integers(op.inputs[1]))
      shape.push_back(graph_[tensor].shape[static_cast<std::size_t>(axis)]);
    return graph_.emit(op.options, {tensor, op.inputs[1]}, name_, std::move(shape));
  }

  /// As `model` joins, of these tensors alone.
  TensorId concatenated(OperatorId model, const std::vector<TensorId>& tensors) {
    if (tensors.size() == 1) return tensors[0];
    const auto options = *graph_[model].get_if<tflite::Concatenation>();
    Shape shape = graph_[tensors[0]].shape;
    const auto axis = static_cast<std::size_t>(
        options.axis < 0 ? options.axis + static_cast<int>(shape.size()) : options.axis);
    for (std::size_t i = 1; i < tensors.size(); ++i) shape[axis] += graph_[tensors[i]].shape[axis];
    return graph_.emit(options, tensors, name_, std::move(shape));
  }

  TfliteGraph& graph_;
  const OutputJoin& join_;
  std::string name_;
};

}  // namespace

std::optional<OutputJoin> join_of_output(const TfliteGraph& graph, TensorId output) {
  OutputJoin join;
  TensorId tensor = output;
  OperatorId id = graph.producer(tensor);
  for (; moves_axes(graph, id); id = graph.producer(tensor)) {
    join.behind.push_back(id);
    tensor = graph[id].inputs[0];
    if (!graph.has_single_use(tensor)) return std::nullopt;
  }
  std::ranges::reverse(join.behind);
  if (plain_join(graph, id) == nullptr || graph[id].inputs.size() < 2) return std::nullopt;
  if (are_levels(graph, id)) {
    join.levels = id;
    for (const TensorId level : graph[id].inputs) join.joins.push_back(graph.producer(level));
  } else {
    join.joins = {id};
  }
  join.columns = graph[join.joins[0]].inputs.size();
  for (std::size_t column = 0; column < join.columns; ++column) {
    for (const TensorId part : tensors_of_column(graph, join, column)) {
      if (!can_be_output(graph, part)) return std::nullopt;
    }
  }
  return join;
}

std::vector<TensorId> tensors_of_column(const TfliteGraph& graph, const OutputJoin& join,
                                        std::size_t column) {
  std::vector<TensorId> tensors;
  for (const OperatorId id : join.joins) tensors.push_back(graph[id].inputs[column]);
  return tensors;
}

std::vector<TensorId> split_output(TfliteGraph& graph, std::size_t position, const OutputJoin& join,
                                   const std::vector<std::size_t>& sizes) {
  const std::string name = graph.output_names[position];
  std::vector<TensorId> parts;
  std::vector<std::string> names;
  std::size_t first = 0;
  for (const std::size_t size : sizes) {
    names.push_back(fmt::format("{}_{}", name, parts.size() + 1));
    while (std::ranges::count(graph.output_names, names.back()) > 0) names.back() += "_";
    parts.push_back(Splitter(graph, join, names.back()).part(first, size));
    first += size;
  }
  std::vector<TensorId> outputs = graph.outputs();
  const auto at = static_cast<std::ptrdiff_t>(position);
  outputs.erase(outputs.begin() + at);
  outputs.insert(outputs.begin() + at, parts.begin(), parts.end());
  graph.set_outputs(std::move(outputs));
  graph.output_names.erase(graph.output_names.begin() + at);
  graph.output_names.insert(graph.output_names.begin() + at, names.begin(), names.end());
  remove_unused_operators(graph);
  return parts;
}

}  // namespace calib8
