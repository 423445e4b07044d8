#include "pipeline/split_outputs.h"

#include <algorithm>

#include "optimize/forms/split_output.h"
#include "quantize/activation_ranges.h"

namespace calib8 {
namespace {

/// Four bits of the eight: the smaller part has a few levels left.
constexpr double most_unequal = 16;
/// Of more nobody would know what each is.
constexpr std::size_t most_parts = 4;

/// Whether none of the outputs can become float.
bool keeps_integers(const ExportOptions& options) {
  if (options.io == ModelIo::automatic) return options.integer_only || options.effort == Effort::fast;
  return options.io != ModelIo::float32;
}

/// How far a column's values reach, with zero; 0 for constants.
double width_of(const TfliteGraph& graph, const Ranges& ranges, const OutputJoin& join, std::size_t column) {
  double width = 0;
  for (const TensorId tensor : tensors_of_column(graph, join, column)) {
    if (!ranges[tensor.index]) continue;
    const Range range = with_zero(*ranges[tensor.index]);
    width = std::max(width, static_cast<double>(range.high) - static_cast<double>(range.low));
  }
  return width;
}

/// How many columns side by side are of like size. One entry: they needn't be parted.
std::vector<std::size_t> like_columns(const TfliteGraph& graph, const Ranges& ranges,
                                      const OutputJoin& join) {
  std::vector<std::size_t> sizes;
  double narrowest = 0, widest = 0;
  for (std::size_t column = 0; column < join.columns; ++column) {
    const double width = width_of(graph, ranges, join, column);
    const double low = narrowest == 0 || width == 0 ? std::max(narrowest, width) : std::min(narrowest, width);
    if (!sizes.empty() && std::max(widest, width) <= most_unequal * low) {
      ++sizes.back();
      narrowest = low, widest = std::max(widest, width);
    } else {
      sizes.push_back(1);
      narrowest = widest = width;
    }
  }
  return sizes;
}

bool are_joined_alike(const TfliteGraph& a, const OutputJoin& x, const TfliteGraph& b, const OutputJoin& y) {
  if (x.columns != y.columns || x.joins.size() != y.joins.size()) return false;
  for (std::size_t column = 0; column < x.columns; ++column) {
    const auto left = tensors_of_column(a, x, column), right = tensors_of_column(b, y, column);
    for (std::size_t i = 0; i < left.size(); ++i) {
      if (a[left[i]].shape != b[right[i]].shape) return false;
    }
  }
  return true;
}

/// An output's range is all that was seen: its counts are of no use any more.
void stop_counting(Observations& seen, const TfliteGraph& graph) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < seen.counted.size(); ++i) {
    if (graph.is_output(seen.observed[seen.counted[i]])) continue;
    seen.counted[kept] = seen.counted[i];
    if (kept != i) seen.histograms[kept] = std::move(seen.histograms[i]);
    ++kept;
  }
  seen.counted.resize(kept);
  seen.histograms.resize(kept);
}

}  // namespace

void split_unequal_outputs(ExportRun& run, LoweredModel& model, TfliteGraph& prepared,
                           const TargetTraits& target, Observations& seen) {
  if (!keeps_integers(run.options)) return;
  const OperatorTypes types(prepared, target, {});
  for (std::size_t position = prepared.outputs().size(); position-- > 0;) {
    const auto join = join_of_output(prepared, prepared.outputs()[position]);
    const auto float_join = join_of_output(model.graph, model.graph.outputs()[position]);
    if (!join || !float_join || !are_joined_alike(prepared, *join, model.graph, *float_join)) continue;
    const CompleteRanges ranges = complete_ranges(prepared, types, extremes_of(prepared, seen));
    const auto sizes = like_columns(prepared, ranges.activations, *join);
    if (sizes.size() < 2 || sizes.size() > most_parts) continue;
    SplitOutput split{.name = model.graph.output_names[position],
                      .shape = model.graph[model.graph.outputs()[position]].shape};
    split_output(prepared, position, *join, sizes);
    const auto parts = split_output(model.graph, position, *float_join, sizes);
    for (std::size_t i = 0; i < parts.size(); ++i)
      split.parts.push_back({model.graph.output_names[position + i], model.graph[parts[i]].shape});
    run.report.split_outputs.insert(run.report.split_outputs.begin(), std::move(split));
    seen.outputs.clear();  // they are of the joined ones
  }
  stop_counting(seen, prepared);
}

}  // namespace calib8
