#include <algorithm>
#include <array>

#include "optimize/layout/passes.h"

//   x -> TRANSPOSE -> any operator -> y      =>      x -> any operator -> TRANSPOSE -> y
//
// All the ways down in one pass: a sweep goes in execution order, so each TRANSPOSE gets as far as it can in
// one, whatever kinds of operators it passes, and cancels there.

namespace calib8 {
namespace {

constexpr std::array ways_down = {
    cancel_transposes,                     // The end of the way, and what is gone needn't be moved.
    sink_transpose_through_unary,          // Activations,
    sink_transpose_through_binary,         // residuals, biases, squeeze and excitation,
    sink_transpose_through_pad,            // explicit padding,
    sink_transpose_through_reduction,      // global pooling,
    sink_transpose_through_concatenation,  // dense blocks,
    sink_transpose_through_slice,          // and what takes parts of a tensor.
    sink_transpose_through_split,          // ShuffleNet.
    sink_transpose_through_softmax,        // Attention over channels.
    sink_transpose_through_reshape,        // The end of the way in most CNNs: [N, C, 1, 1] -> [N, C].
};

}  // namespace

bool sink_transpose(TfliteGraph& graph, OperatorId id) {
  return std::any_of(ways_down.begin(), ways_down.end(), [&](const auto way) { return way(graph, id); });
}

}  // namespace calib8
