#include "ops/convolution/conv_constants.h"

#include "ops/emit.h"

namespace calib8 {

TensorId bias_constant(Lowering& lowering, std::int64_t channels) {
  if (!lowering.has_input(2)) {
    return lowering.constant("bias",
                             make_tensor({channels}, std::vector<float>(static_cast<std::size_t>(channels))));
  }
  if (lowering.constant(2)->count() != channels) {
    lowering.fail("its bias has not one value per channel of the " + std::to_string(channels));
  }
  return lowering.input(2);
}

TensorId weights_constant(Lowering& lowering, Tensor weights) {
  return lowering.target.add_constant(lowering.graph[lowering.node.inputs[1]].name, std::move(weights));
}

Refusal refuse_computed_weights(const Lowering& lowering) {
  if (!lowering.constant(1)) return "weights that are not constant";
  if (lowering.has_input(2) && !lowering.constant(2)) return "a bias that is not constant";
  return refuse_integers(lowering);
}

}  // namespace calib8
