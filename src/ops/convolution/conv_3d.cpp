// Convolution over volumes.

#include "ops/convolution/conv_constants.h"
#include "ops/convolution/conv_rows.h"
#include "ops/convolution/spatial.h"
#include "ops/formula.h"

namespace calib8 {
namespace {

/// Weights [O, I, D, H, W] as [D, H, W, I, O].
Tensor channels_inside(const Tensor& weights) {
  const std::vector<float> values = to_float(weights);
  const Shape& s = weights.shape;
  const std::int64_t taps = s[2] * s[3] * s[4];
  std::vector<float> moved(values.size());
  for (std::int64_t o = 0; o < s[0]; ++o) {
    for (std::int64_t i = 0; i < s[1]; ++i) {
      for (std::int64_t tap = 0; tap < taps; ++tap) {
        const std::int64_t to = (tap * s[1] + i) * s[0] + o;
        moved[static_cast<std::size_t>(to)] = values[static_cast<std::size_t>((o * s[1] + i) * taps + tap)];
      }
    }
  }
  return make_tensor({s[2], s[3], s[4], s[1], s[0]}, std::move(moved));
}

}  // namespace

TensorId emit_volume(Lowering& lowering, Formula& f, TensorId x, const Tensor& weights,
                     const Volume& volume) {
  Shape wide = f.shape(x);
  for (std::size_t axis = 0; axis < wide.size(); ++axis)
    wide[axis] += volume.pads[2 * axis] + volume.pads[2 * axis + 1];
  if (wide != f.shape(x)) x = f.emit(tflite::Pad{}, {x, f.integers({5, 2}, volume.pads)}, wide);
  tflite::Conv3D op;
  const auto narrow = [](std::int64_t value) { return static_cast<std::int32_t>(value); };
  op.stride_depth = narrow(volume.strides[0]);
  op.stride_height = narrow(volume.strides[1]);
  op.stride_width = narrow(volume.strides[2]);
  op.dilation_depth = narrow(volume.dilations[0]);
  op.dilation_height = narrow(volume.dilations[1]);
  op.dilation_width = narrow(volume.dilations[2]);
  const Shape out = lowering.output_shape();
  const std::int64_t outputs = out[1] / volume.group, depth = weights.shape[1];
  const std::vector<float> values = to_float(weights);
  const auto count = static_cast<std::ptrdiff_t>(values.size()) / volume.group;
  std::vector<float> bias(static_cast<std::size_t>(out[1]), 0.0f);
  if (lowering.has_input(2)) bias = to_float(*lowering.constant(2));
  if (static_cast<std::int64_t>(bias.size()) != out[1]) lowering.fail("its bias doesn't fit its weights");
  std::vector<TensorId> parts;
  for (std::int64_t i = 0; i < volume.group; ++i) {
    Shape shape = weights.shape;
    shape[0] = outputs;
    const auto begin = values.begin() + i * count;
    const auto offsets = bias.begin() + static_cast<std::ptrdiff_t>(i * outputs);
    const TensorId filter =
        f.constant(channels_inside(make_tensor(shape, std::vector<float>(begin, begin + count))));
    const TensorId offset =
        f.constant(make_tensor({outputs}, std::vector<float>(offsets, offsets + outputs)));
    parts.push_back(f.emit(op, {f.slice(x, 4, i * depth, depth), filter, offset},
                           {out[0], out[2], out[3], out[4], outputs}));
  }
  return f.concatenate(parts, 4);
}

//   Conv(x [N, C, D, H, W])   ->   TRANSPOSE, [PAD], CONV_3D, TRANSPOSE; groups of channels one by one
Refusal lower_volume(Lowering& lowering, std::int64_t group, const Shape& kernel,
                     const std::vector<Dimension>& input) {
  if (group > most_volume_groups) return "a convolution over volumes in " + std::to_string(group) + " groups";
  Volume volume{group, {}, {}, Shape(10, 0)};
  for (const Window& window : read_windows(lowering, kernel, input)) {
    const std::size_t axis = volume.strides.size() + 1;
    volume.pads[2 * axis] = window.pad_before;
    volume.pads[2 * axis + 1] = window.pad_after;
    volume.strides.push_back(window.stride);
    volume.dilations.push_back(window.dilation);
  }
  Formula f(lowering);
  const TensorId x = lowering.to_channels_last(f.input(0));
  f.result(lowering.to_channels_first(emit_volume(lowering, f, x, *lowering.constant(1), volume)));
  return std::nullopt;
}

}  // namespace calib8
