#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/ordered_sum.h"
#include "run/observation_graph.h"
#include "run/observer.h"

namespace calib8 {

/// What a layer's weights meet: the sum of x x^T over all samples and positions, where x are the inputs of
/// one output element in the order of its weights (for a convolution a window, row by row, channels
/// innermost; zeros where it hangs over the edge). Rounding that takes account of how inputs go together
/// starts from this matrix (Frantar et al. 2022, "GPTQ"; Nagel et al. 2020, "Up or Down?").
///
/// A DEPTHWISE_CONV_2D has a matrix for each channel, one behind the other; CONV_2D with one group, and
/// FULLY_CONNECTED, have one. Sums are doubles, added in an order that the number of threads doesn't change.
class SecondMoments {
 public:
  /// Fails with ErrorCode::internal for another operator.
  SecondMoments(const TfliteGraph& graph, const std::vector<OperatorId>& layers, ObservationGraph& wanted);

  void consume(std::size_t sample, const ModelInstance& model);
  void merge(const SecondMoments&) {}  // all copies add to the same sums

  /// Of a layer by its place among the layers: [matrix][row][column].
  std::vector<double> matrices(std::size_t layer) const { return (*sums_)[layer].total(); }
  /// Rows of a layer's matrices.
  std::size_t size(std::size_t layer) const {
    return layers_[layer].window_height * layers_[layer].window_width * layers_[layer].depth;
  }

 private:
  struct Layer {
    std::size_t position = 0;                                    ///< Of its input among the outputs.
    std::size_t batch = 1, height = 1, width = 1, channels = 1;  ///< Of the input.
    std::size_t output_height = 1, output_width = 1;
    std::size_t window_height = 1, window_width = 1;
    std::size_t depth = 1;  ///< Channels in one matrix: all, or one.
    std::ptrdiff_t stride_height = 1, stride_width = 1, dilation_height = 1, dilation_width = 1;
    std::ptrdiff_t top = 0, left = 0;  ///< How far the first window hangs over the edge.
  };

  template <class Convolution>
  static void add_window(Layer& layer, const Convolution& convolution, const Shape& output);
  static std::vector<double> outer_products(const Layer& layer, std::span<const float> input);

  std::vector<Layer> layers_;
  std::shared_ptr<std::vector<OrderedSum>> sums_;
};

}  // namespace calib8
