#include <algorithm>
#include <optional>

#include "optimize/layout/passes.h"
#include "optimize/layout/permutation.h"
#include "optimize/rewrite.h"

// sink_transpose_through_reshape:
//
//   x [1,1,1,C] -> TRANSPOSE -> [1,C,1,1] -> RESHAPE -> y [1,C]         =>   x -> RESHAPE -> y
//   x [1,H,W,C] -> TRANSPOSE -> [1,C,H,W] -> RESHAPE -> y [1,C,HW]      =>   x -> RESHAPE [1,HW,C] ->
//   TRANSPOSE -> y
//
// A RESHAPE regroups dimensions: runs of old dimensions against runs of new ones with as many elements. The
// TRANSPOSE can move below where it keeps every run together and in order (dimensions of size 1 don't count).
//
// raise_transpose_through_reshape: the mirror image, only where it meets another TRANSPOSE, which then
// merges:
//
//   x -> TRANSPOSE -> RESHAPE -> TRANSPOSE -> y      =>      x -> TRANSPOSE -> TRANSPOSE -> RESHAPE -> y

namespace calib8 {
namespace {

/// A run of dimensions of the RESHAPE's operand that becomes a run of dimensions of its result.
struct Run {
  std::vector<std::size_t> from;  ///< Dimensions of more than one element.
  std::vector<std::size_t> to;
};

std::optional<std::vector<Run>> matching_runs(const Shape& from, const Shape& to) {
  std::vector<std::size_t> sizable;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (from[i] == 0) return std::nullopt;
    if (from[i] != 1) sizable.push_back(i);
  }
  std::vector<Run> runs;
  std::size_t next_from = 0, next_to = 0;
  while (next_from < sizable.size()) {
    Run run{{sizable[next_from]}, {}};
    std::int64_t from_count = from[sizable[next_from++]], to_count = 1;
    while (from_count != to_count) {
      if (to_count < from_count) {
        if (next_to == to.size()) return std::nullopt;
        to_count *= to[next_to];
        run.to.push_back(next_to++);
      } else {
        if (next_from == sizable.size()) return std::nullopt;
        from_count *= from[sizable[next_from]];
        run.from.push_back(sizable[next_from++]);
      }
    }
    runs.push_back(std::move(run));
  }
  if (runs.empty()) runs.emplace_back();
  for (; next_to < to.size(); ++next_to) {
    if (to[next_to] != 1) return std::nullopt;
    runs.back().to.push_back(next_to);
  }
  return runs;
}

/// What stands for TRANSPOSE(permutation) and a RESHAPE from `from` to `to` behind it: first a RESHAPE, then
/// a TRANSPOSE.
struct Exchanged {
  Shape reshape_to;
  Permutation permutation;
};

std::optional<Exchanged> exchange(const Permutation& permutation, const Shape& from, const Shape& to) {
  auto runs = matching_runs(from, to);
  if (!runs) return std::nullopt;
  // Places of the sizable dimensions before the TRANSPOSE, counted among themselves.
  std::vector<std::int32_t> place(permutation.size(), 0);
  const Permutation source = inverse(permutation);
  std::int32_t count = 0;
  for (std::size_t axis = 0; axis < source.size(); ++axis) {
    if (from[source[axis]] != 1) place[source[axis]] = count++;
  }
  for (const Run& run : *runs) {
    for (std::size_t i = 1; i < run.from.size(); ++i) {
      if (place[run.from[i]] != place[run.from[i - 1]] + 1) return std::nullopt;
    }
  }
  std::stable_sort(runs->begin(), runs->end(), [&](const Run& a, const Run& b) {
    return (a.from.empty() ? -1 : place[a.from[0]]) < (b.from.empty() ? -1 : place[b.from[0]]);
  });
  Exchanged result{{}, Permutation(to.size())};
  for (const Run& run : *runs) {
    for (const std::size_t axis : run.to) {
      result.permutation[axis] = static_cast<std::int32_t>(result.reshape_to.size());
      result.reshape_to.push_back(to[axis]);
    }
  }
  return result;
}

}  // namespace

bool sink_transpose_through_reshape(TfliteGraph& graph, OperatorId id) {
  if (!graph[id].is<tflite::Reshape>()) return false;
  const TensorId operand = graph[id].inputs[0];
  const auto above = transpose_behind(graph, operand);
  if (!above) return false;
  const auto exchanged =
      exchange(above->permutation, graph[operand].shape, graph[graph[id].outputs[0]].shape);
  if (!exchanged) return false;
  set_reshape(graph, id, above->input, exchanged->reshape_to);
  transpose_output_back(graph, id, 0, exchanged->permutation);
  remove_if_unused(graph, above->id);
  return true;
}

bool raise_transpose_through_reshape(TfliteGraph& graph, OperatorId id) {
  const auto below = as_transpose(graph, id);
  if (!below) return false;
  const OperatorId reshape = graph.producer(below->input);
  if (!reshape.exists() || !graph[reshape].is<tflite::Reshape>() || !graph.has_single_use(below->input))
    return false;
  const TensorId operand = graph[reshape].inputs[0];
  const auto above = transpose_behind(graph, operand);
  if (!above || !graph.has_single_use(operand)) return false;
  // Read backwards, this is a TRANSPOSE by the inverse with a RESHAPE to the operand's shape behind it.
  const auto exchanged =
      exchange(inverse(below->permutation), graph[below->input].shape, graph[operand].shape);
  if (!exchanged) return false;
  const TensorId raised = insert_transpose_before(graph, id, operand, inverse(exchanged->permutation));
  const TensorId result = graph[id].outputs[0];
  const TensorId reshaped = insert_reshape_before(graph, id, raised, graph[result].shape, graph[result].name);
  graph[reshaped].quantization = graph[result].quantization;
  replace_operator(graph, id, reshaped);
  return true;
}

}  // namespace calib8
