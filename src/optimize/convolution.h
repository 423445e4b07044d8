#pragma once

#include <optional>
#include <vector>

#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// An operator with constant float32 weights and bias: CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV or
/// FULLY_CONNECTED.
struct Convolution {
  std::size_t data = 0, weights = 1, bias = 2;  ///< Positions among the inputs.
  std::size_t output_axis = 0;                  ///< The weights' axis of output channels.
};

/// Where its parts are; nothing where `op` is another operator, or not float, or its weights or bias aren't
/// constant. The bias may be absent.
std::optional<Convolution> as_convolution(const TfliteGraph& graph, const TfliteOperator& op);

/// The bias's elements, zeros where it has none.
std::vector<double> bias_of(const TfliteGraph& graph, OperatorId id, const Convolution& convolution);

/// Gives the operator other weights and bias of the same shape, as new constants of the old names. Values are
/// rounded once, from double.
void set_weights(TfliteGraph& graph, OperatorId id, const Convolution& convolution,
                 const std::vector<double>& weights, const std::vector<double>& bias);

/// The channel of the data that each weight is multiplied with, of operators that as_convolution() knows but
/// TRANSPOSE_CONV; nothing where weights of that shape and so many channels don't match (a FULLY_CONNECTED
/// that flattens its input has other columns than channels).
std::optional<std::vector<std::size_t>> channels_of_weights(const TfliteOperator& op, const Shape& weights,
                                                            std::size_t channels);

/// One number per index of the last dimension of `shape`, where the float32 constant is broadcast over all
/// other dimensions without growing the result; nothing otherwise, or where one isn't finite.
std::optional<std::vector<double>> per_channel(const TfliteGraph& graph, TensorId constant,
                                               const Shape& shape);

}  // namespace calib8
