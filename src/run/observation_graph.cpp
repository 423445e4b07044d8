#include "run/observation_graph.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace calib8 {
namespace {

constexpr std::size_t values_of_a_rectangle = 2048;
constexpr std::size_t most_slice_dimensions = 5;  // of LiteRT's SLICE

/// The k-th of points that fill a line evenly however many there are: a coordinate of Roberts' R2 sequence.
double spread(std::size_t k, double step) {
  const double value = 0.5 + step * static_cast<double>(k);
  return value - std::floor(value);
}

}  // namespace

std::int64_t place_in(std::int64_t room, double fraction) {
  return std::min(room, static_cast<std::int64_t>(fraction * static_cast<double>(room + 1)));
}

TensorId ObservationGraph::add_behind(TensorId tensor, tflite::Options options, std::vector<TensorId> inputs,
                                      Shape shape) {
  TfliteTensor value{fresh_name(), graph_[tensor].dtype, std::move(shape), graph_[tensor].quantization,
                     std::nullopt};
  const TensorId output = graph_.add_value(std::move(value));
  TfliteOperator op{std::move(options), std::move(inputs), {output}};
  const OperatorId producer = graph_.producer(tensor);
  if (producer.exists()) {
    graph_.insert_after(producer, std::move(op));
  } else if (graph_.node_count() > 0) {
    graph_.insert_before(graph_.nodes().front(), std::move(op));
  } else {
    graph_.append(std::move(op));
  }
  return output;
}

std::size_t ObservationGraph::whole(TensorId tensor) {
  const auto known = position_of_.find(tensor.index);
  if (known != position_of_.end()) return known->second;
  // LiteRT doesn't write an output that is an input: a copy is given out.
  const TensorId given = graph_.is_input(tensor) ? copy_of(tensor) : tensor;
  position_of_.emplace(tensor.index, outputs_.size());
  outputs_.push_back(given);
  return outputs_.size() - 1;
}

TensorId ObservationGraph::copy_of(TensorId tensor) {
  const Shape shape = graph_[tensor].shape;
  const std::vector<std::int32_t> sizes(shape.begin(), shape.end());
  return add_behind(tensor, tflite::Reshape{sizes}, {tensor, graph_.add_constant(fresh_name(), sizes)},
                    shape);
}

/// The tensor, or its single element as a vector where it has no axes: LiteRT reduces along one axis at
/// least.
TensorId ObservationGraph::with_axes(TensorId tensor) {
  if (!graph_[tensor].shape.empty()) return tensor;
  const std::vector<std::int32_t> one = {1};
  return add_behind(tensor, tflite::Reshape{one}, {tensor, graph_.add_constant(fresh_name(), one)}, {1});
}

std::size_t ObservationGraph::reduce(tflite::Options reduction, TensorId tensor) {
  const TensorId reduced = with_axes(tensor);
  std::vector<std::int32_t> axes(graph_[reduced].shape.size());
  std::iota(axes.begin(), axes.end(), 0);
  return whole(
      add_behind(reduced, std::move(reduction), {reduced, graph_.add_constant(fresh_name(), axes)}, {}));
}

std::size_t ObservationGraph::minimum(TensorId tensor) {
  const auto [entry, is_new] = extreme_of_.emplace(std::pair(tensor.index, false), 0);
  if (is_new) entry->second = reduce(tflite::ReduceMin{{.keep_dims = false}}, tensor);
  return entry->second;
}

std::size_t ObservationGraph::maximum(TensorId tensor) {
  const auto [entry, is_new] = extreme_of_.emplace(std::pair(tensor.index, true), 0);
  if (is_new) entry->second = reduce(tflite::ReduceMax{{.keep_dims = false}}, tensor);
  return entry->second;
}

TensorId ObservationGraph::slice(TensorId tensor, const Shape& begin, const Shape& size) {
  const auto constant = [&](const Shape& values) {
    return graph_.add_constant(fresh_name(), std::vector<std::int32_t>(values.begin(), values.end()));
  };
  return add_behind(tensor, tflite::Slice{}, {tensor, constant(begin), constant(size)}, size);
}

std::pair<double, double> ObservationGraph::next_place() {
  const std::size_t k = rectangles_++;
  return {spread(k, 0.5698402909980532), spread(k, 0.7548776662466927)};
}

std::vector<std::size_t> ObservationGraph::pixels(TensorId tensor, std::size_t wanted) {
  const Shape shape = graph_[tensor].shape;
  const auto count = static_cast<std::size_t>(element_count(shape).value_or(0));
  if (shape.size() < 2 || shape.size() > most_slice_dimensions || count <= 2 * wanted) return {whole(tensor)};
  const std::size_t column = shape.size() - 2;
  const std::int64_t width = shape[column], height = shape.size() > 2 ? shape[column - 1] : 1;
  const std::size_t rectangles = std::max<std::size_t>(wanted / values_of_a_rectangle, 2);
  const std::size_t values = wanted / rectangles;
  const auto needed = static_cast<std::int64_t>(values / static_cast<std::size_t>(shape.back())) + 1;
  Shape size(shape.size(), 1);
  size.back() = shape.back();
  size[column] = std::min(needed, width);
  if (shape.size() > 2) size[column - 1] = std::clamp<std::int64_t>(needed / width, 1, height);

  std::vector<std::size_t> positions;
  for (std::size_t i = 0; i < rectangles; ++i) {
    const auto [down, across] = next_place();
    Shape begin(shape.size(), 0);
    begin[column] = place_in(width - size[column], across);
    for (std::size_t axis = 0; axis < column; ++axis) begin[axis] = place_in(shape[axis] - size[axis], down);
    positions.push_back(part(tensor, begin, size));
  }
  return positions;
}

RunnableModel ObservationGraph::write(const Write& write) const {
  TfliteFileOptions options;
  auto& outputs = options.outputs.emplace();
  for (std::size_t i = 0; i < outputs_.size(); ++i)
    outputs.push_back({outputs_[i], "output" + std::to_string(i)});
  return runnable(graph_, write(graph_, options), outputs_);
}

}  // namespace calib8
