#pragma once

#include <utility>
#include <vector>

#include "ops/lowering.h"

namespace calib8 {

/// What Conv and ConvTranspose make of their constants.

/// The bias as a constant [channels]; zeros where the node has none, as LiteRT's kernels insist on one.
TensorId bias_constant(Lowering& lowering, std::int64_t channels);

/// Weights under the name that they have in the checkpoint.
TensorId weights_constant(Lowering& lowering, Tensor weights);

/// Where weights or a bias aren't constant, or x isn't of real numbers.
Refusal refuse_computed_weights(const Lowering& lowering);

/// Convolutions along one dimension run as images of height 1.
template <class T>
std::vector<T> as_image(std::vector<T> spatial, T height) {
  if (spatial.size() == 1) spatial.insert(spatial.begin(), std::move(height));
  return spatial;
}

}  // namespace calib8
