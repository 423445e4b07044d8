#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// What an output is joined of, side by side: boxes and scores. Where a detector joins each level of its
/// pyramid first and all levels then, a column is the same part of all levels.
struct OutputJoin {
  std::vector<OperatorId> joins;   ///< CONCATENATIONs: the column of number i is input i of each.
  OperatorId levels;               ///< The CONCATENATION of these; doesn't exist where there is one alone.
  std::vector<OperatorId> behind;  ///< TRANSPOSEs, and RESHAPEs that keep all axes, from there to the output.
  std::size_t columns = 0;
};

/// Nothing where the output isn't joined of computed values, or they go elsewhere on the way to it.
std::optional<OutputJoin> join_of_output(const TfliteGraph& graph, TensorId output);

/// The tensors of one column.
std::vector<TensorId> tensors_of_column(const TfliteGraph& graph, const OutputJoin& join, std::size_t column);

/// Gives out the output at `position` as several in its place, named after it with "_1", "_2" and so on:
/// each of `sizes` columns that stand side by side. Returns them.
std::vector<TensorId> split_output(TfliteGraph& graph, std::size_t position, const OutputJoin& join,
                                   const std::vector<std::size_t>& sizes);

}  // namespace calib8
