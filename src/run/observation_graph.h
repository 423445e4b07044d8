#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "run/model_pool.h"
#include "tflite_graph/tflite_graph.h"
#include "write/tflite.h"

namespace calib8 {

/// Where something begins that has `room` to be moved: 0 to room, by a fraction in [0, 1).
std::int64_t place_in(std::int64_t room, double fraction);

/// A copy of a graph that gives out what observers want to see. What is computed for them stands right behind
/// the operator that writes the tensor: the tensor is still in the cache then, and its memory is free for
/// others afterwards. So observing costs little, and no more memory than running the model.
class ObservationGraph {
 public:
  explicit ObservationGraph(const TfliteGraph& graph) : graph_(graph) {}

  // Each returns positions among the outputs of the model that write() makes; asking again gives the same.

  std::size_t whole(TensorId tensor);
  /// A scalar: the least or largest element of a float32 tensor that has elements. Exact.
  std::size_t minimum(TensorId tensor);
  std::size_t maximum(TensorId tensor);
  /// About `wanted` elements of a tensor, all where there are no more than twice as many: whole pixels (all
  /// channels, the last dimension), so that each channel has the same part, in two rectangles, in more where
  /// many are wanted. Where they lie depends on how many tensors were asked for before: a place that is
  /// special in all images is so in few tensors.
  std::vector<std::size_t> pixels(TensorId tensor, std::size_t wanted);

  /// A part of a tensor of at most five dimensions: `size` elements from `begin` on in each.
  std::size_t part(TensorId tensor, const Shape& begin, const Shape& size) {
    return whole(slice(tensor, begin, size));
  }
  /// A point of the unit square; points that are asked for one after the other lie evenly.
  std::pair<double, double> next_place();

  /// Writes a graph that was made from the one given as a file.
  using Write = std::function<SharedFile(const TfliteGraph&, const TfliteFileOptions&)>;
  RunnableModel write(const Write& write) const;

 private:
  TensorId add_behind(TensorId tensor, tflite::Options options, std::vector<TensorId> inputs, Shape shape);
  TensorId copy_of(TensorId tensor);
  TensorId with_axes(TensorId tensor);
  std::size_t reduce(tflite::Options reduction, TensorId tensor);
  TensorId slice(TensorId tensor, const Shape& begin, const Shape& size);
  std::string fresh_name() { return "observed" + std::to_string(names_++); }

  TfliteGraph graph_;
  std::vector<TensorId> outputs_;
  std::map<std::uint32_t, std::size_t> position_of_;  ///< By TensorId::index.
  std::map<std::pair<std::uint32_t, bool>, std::size_t>
      extreme_of_;  ///< By TensorId::index, and whether it's the maximum.
  std::size_t names_ = 0;
  std::size_t rectangles_ = 0;
};

}  // namespace calib8
