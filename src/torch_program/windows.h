#pragma once

#include "torch_program/operator_call.h"

namespace calib8 {

/// The same before and behind each dimension, as ONNX has it: all before, and then all behind.
inline Integers both_sides(const Integers& padding) {
  Integers pads = padding;
  pads.insert(pads.end(), padding.begin(), padding.end());
  return pads;
}

/// `run` of x as [N, C, ...] with so many spatial dimensions: PyTorch takes what has no batch, too.
template <class Run>
OnnxValueId with_batch(OperatorCall& call, OnnxValueId x, std::size_t spatial, const Run& run) {
  const Shape sizes = call.shape(x);
  if (sizes.size() == spatial + 2) return run(x);
  if (sizes.size() != spatial + 1)
    call.fail("takes " + std::to_string(spatial + 2) + " dimensions, and is given " + to_string(sizes));
  const OnnxValueId y = run(call.unsqueeze(x, 0));
  Shape without = call.shape(y);
  without.erase(without.begin());
  return call.reshape(y, without);
}

}  // namespace calib8
