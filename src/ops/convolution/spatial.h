#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "ops/lowering.h"

namespace calib8 {

/// A sliding window along one spatial dimension, with ONNX's explicit padding. All in elements.
struct Window {
  std::int64_t kernel = 1, stride = 1, dilation = 1;
  std::int64_t pad_before = 0, pad_after = 0;

  /// What one window spans, its dilation included.
  std::int64_t extent() const { return (kernel - 1) * dilation + 1; }
};

/// Reads strides, dilations, pads and auto_pad of a Conv or pool; `input` are the spatial sizes, which
/// auto_pad's SAME needs to be known (where they aren't, its padding stays 0). Fails with ErrorCode::model on
/// numbers that can't be right.
std::vector<Window> read_windows(const NodeView& view, const Shape& kernel,
                                 const std::vector<Dimension>& input);

/// How many windows fit. `ceil_mode` lets the last one overhang the padding, if it starts before it (ONNX
/// MaxPool). Fails with ErrorCode::model where none fits.
std::int64_t window_count(const NodeView& view, const Window& window, std::int64_t input,
                          bool ceil_mode = false);

/// The type of N x C x spatial with `channels` and as many windows as fit; sizes that can't be known stay
/// unknown.
OnnxType windowed_type(const NodeView& view, const std::vector<Window>& windows, Dimension channels,
                       bool ceil_mode = false);

/// The form of TFLite that has the same windows: VALID, SAME (where that is exactly equal at this size), or
/// VALID behind an explicit padding of `before` and `after` elements per dimension.
struct PaddingForm {
  bool is_valid = true;  ///< No padding is needed.
  bool is_same = true;   ///< TFLite's SAME has exactly these windows.
  Shape before, after;   ///< What the windows really touch beyond the input.
};
PaddingForm padding_form(const std::vector<Window>& windows, const Shape& input, const Shape& output);

/// Brings N x C x W or N x C x H x W to the N x H x W x C that TFLite's operators for images want (height 1
/// for one dimension), and back to ONNX's shape of the node's output.
TensorId enter_image(Lowering& lowering, TensorId tensor);
TensorId leave_image(Lowering& lowering, TensorId tensor);

/// PAD (or PADV2 with `value`) of an N x H x W x C tensor by what the form says.
TensorId emit_image_padding(Lowering& lowering, TensorId tensor, const PaddingForm& form);
TensorId emit_image_padding(Lowering& lowering, TensorId tensor, const PaddingForm& form, float value);

}  // namespace calib8
