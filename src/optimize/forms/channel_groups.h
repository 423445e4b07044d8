#pragma once

#include <cstddef>
#include <vector>

#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// Tensors whose channels (the last dimension) can be scaled by any positive factors, the same in all of
/// them, without a change of what the network computes: layers with weights write them, layers with weights
/// read them, and what lies between keeps factors (RELU, PRELU, ADD, PAD, pooling, resizing, ...). Nagel et
/// al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.1, there for
/// pairs of layers.
struct ChannelGroup {
  std::size_t channels = 0;
  std::vector<TensorId> tensors;
  std::vector<OperatorId> writers, readers;  ///< The layers with weights.
  std::vector<OperatorId> offsets;           ///< ADDs and SUBs with a constant.
};

/// All groups of a float graph. A tensor is in one at most; none holds an input or output of the graph.
std::vector<ChannelGroup> find_channel_groups(const TfliteGraph& graph);

/// Divides the channels of a group's tensors by `factors`, each positive: in the weights and constants of the
/// operators around it. TensorIds and OperatorIds stay.
void scale_channels(TfliteGraph& graph, const ChannelGroup& group, const std::vector<double>& factors);

}  // namespace calib8
