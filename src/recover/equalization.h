#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "runtime/litert_library.h"
#include "samples/sample.h"
#include "write/constant_block.h"

namespace calib8 {

/// A float graph that computes the same with channels of more equal size.
struct EqualizedGraph {
  TfliteGraph graph;               ///< TensorIds and OperatorIds of the other mean the same here.
  std::vector<TensorId> changed;   ///< The tensors that hold other values.
  std::vector<OperatorId> layers;  ///< The layers with weights that read these.
};

/// Cross-layer equalization by activations: int8 gives all channels of a tensor one scale, so a channel that
/// reaches a twentieth of the largest one has a twentieth of the levels. Where groups of tensors let channels
/// be scaled freely (optimize/forms/channel_groups.h), each is brought to what the largest one reaches; half
/// of the way, in the logarithm, where a layer that isn't depthwise reads them, as there all channels share
/// the levels of its weights. `samples` are run, 32 at most. Nothing where little would change: where no
/// group gains a bit.
std::optional<EqualizedGraph> equalize_channels(const FloatModel& model, const SampleSource& samples,
                                                const std::shared_ptr<const LiteRt>& litert, int threads);

}  // namespace calib8
