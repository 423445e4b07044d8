#pragma once

#include "ops/all_ops.h"
#include "ops/formula.h"

namespace calib8 {

/// The TFLite half of the family in conv.cpp (conv_tflite.cpp).
std::span<const OpFamily::TfliteRow> conv_tflite_rows();

/// A convolution over volumes: numbers of depth, height and width. `pads` are those of [N, D, H, W, C],
/// before and behind each dimension.
struct Volume {
  std::int64_t group;
  Shape strides, dilations, pads;
};
inline constexpr std::int64_t most_volume_groups = 64;

/// [PAD] and CONV_3D of x [N, D, H, W, C] with weights [O, I / group, D, H, W] and the node's bias, which
/// make the node's output, channels last. Each group is a CONV_3D of its own.
TensorId emit_volume(Lowering& lowering, Formula& f, TensorId x, const Tensor& weights, const Volume& volume);

/// Conv over three dimensions (conv_3d.cpp); `input` are the spatial sizes.
Refusal lower_volume(Lowering& lowering, std::int64_t group, const Shape& kernel,
                     const std::vector<Dimension>& input);

}  // namespace calib8
