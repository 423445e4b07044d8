#include "ops/convolution/spatial.h"

#include <algorithm>

#include "ops/emit.h"

namespace calib8 {
namespace {

constexpr std::int64_t largest_parameter = 0x7fffffff;        // TFLite's int32
constexpr std::int64_t largest_size = std::int64_t{1} << 40;  // keeps the sums below within 64 bits

Shape read_sizes(const NodeView& view, std::string_view attribute, std::size_t count, std::int64_t fallback,
                 std::int64_t smallest) {
  Shape sizes = view.node.get_ints(attribute, Shape(count, fallback));
  if (sizes.size() != count) {
    view.fail(std::string(attribute) + " has " + std::to_string(sizes.size()) + " numbers, not " +
              std::to_string(count));
  }
  for (const std::int64_t size : sizes) {
    if (size < smallest || size > largest_parameter) {
      view.fail(std::string(attribute) + " holds " + std::to_string(size));
    }
  }
  return sizes;
}

/// auto_pad SAME_UPPER and SAME_LOWER: ceil(input / stride) windows, the odd element at the end or at the
/// start.
void pad_to_same(Window& window, std::int64_t input, bool odd_at_start) {
  const std::int64_t count = (input + window.stride - 1) / window.stride;
  const std::int64_t total = std::max<std::int64_t>((count - 1) * window.stride + window.extent() - input, 0);
  window.pad_before = odd_at_start ? total - total / 2 : total / 2;
  window.pad_after = total - window.pad_before;
}

Shape padded_shape(Shape shape, const PaddingForm& form) {
  for (std::size_t i = 0; i < form.before.size(); ++i) shape[i + 1] += form.before[i] + form.after[i];
  return shape;
}

TensorId paddings_constant(Lowering& lowering, const PaddingForm& form) {
  std::vector<std::int32_t> paddings = {0, 0};
  for (std::size_t i = 0; i < form.before.size(); ++i) {
    paddings.push_back(static_cast<std::int32_t>(form.before[i]));
    paddings.push_back(static_cast<std::int32_t>(form.after[i]));
  }
  paddings.insert(paddings.end(), {0, 0});
  const auto rank = static_cast<std::int64_t>(paddings.size()) / 2;
  return lowering.constant("paddings", make_tensor({rank, 2}, std::move(paddings)));
}

}  // namespace

std::vector<Window> read_windows(const NodeView& view, const Shape& kernel,
                                 const std::vector<Dimension>& input) {
  const std::size_t count = kernel.size();
  const Shape strides = read_sizes(view, "strides", count, 1, 1);
  const Shape dilations = read_sizes(view, "dilations", count, 1, 1);
  const Shape pads = read_sizes(view, "pads", 2 * count, 0, 0);
  const std::string auto_pad = view.node.get_string("auto_pad", "NOTSET");
  const bool is_same = auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER";
  if (!is_same && auto_pad != "NOTSET" && auto_pad != "VALID") view.fail("auto_pad is '" + auto_pad + "'");

  std::vector<Window> windows;
  for (std::size_t i = 0; i < count; ++i) {
    if (kernel[i] < 1 || kernel[i] > largest_parameter) view.fail("its kernel is " + to_string(kernel));
    Window window{kernel[i], strides[i], dilations[i]};
    if (auto_pad == "NOTSET") {
      window.pad_before = pads[i];
      window.pad_after = pads[count + i];
    } else if (is_same && i < input.size() && input[i].is_known() && input[i].size <= largest_size) {
      pad_to_same(window, input[i].size, auto_pad == "SAME_LOWER");
    }
    windows.push_back(window);
  }
  return windows;
}

std::int64_t window_count(const NodeView& view, const Window& window, std::int64_t input, bool ceil_mode) {
  if (input > largest_size) view.fail("a dimension of " + std::to_string(input) + " elements is too large");
  const std::int64_t room = input + window.pad_before + window.pad_after - window.extent();
  if (room < 0) {
    view.fail("its window of " + std::to_string(window.extent()) + " does not fit into " +
              std::to_string(input) + " elements");
  }
  std::int64_t count = room / window.stride + 1;
  if (ceil_mode && room % window.stride != 0 && count * window.stride < input + window.pad_before) ++count;
  return count;
}

OnnxType windowed_type(const NodeView& view, const std::vector<Window>& windows, Dimension channels,
                       bool ceil_mode) {
  const OnnxType& input = view.input_type(0);
  OnnxType output{input.dtype, std::vector<Dimension>{input.shape->at(0), std::move(channels)}};
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const Dimension& size = input.shape->at(i + 2);
    output.shape->push_back(
        size.is_known() ? Dimension{window_count(view, windows[i], size.size, ceil_mode), {}} : Dimension{});
  }
  return output;
}

PaddingForm padding_form(const std::vector<Window>& windows, const Shape& input, const Shape& output) {
  PaddingForm form;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const Window& window = windows[i];
    const std::int64_t end =
        (output[i] - 1) * window.stride + window.extent();  // from the first window's start
    form.before.push_back(window.pad_before);
    form.after.push_back(std::max<std::int64_t>(end - input[i] - window.pad_before, 0));
    form.is_valid = form.is_valid && form.before[i] == 0 && form.after[i] == 0;
    const std::int64_t same_count = (input[i] + window.stride - 1) / window.stride;
    const std::int64_t same_total = std::max<std::int64_t>(end - input[i], 0);
    form.is_same = form.is_same && output[i] == same_count && window.pad_before == same_total / 2;
  }
  return form;
}

TensorId enter_image(Lowering& lowering, TensorId tensor) {
  const Shape shape = lowering.target[tensor].shape;
  if (shape.size() == 3) {
    tensor = emit_reshape(lowering, tensor, {shape[0], shape[1], 1, shape[2]}, "image");
  }
  return lowering.to_channels_last(tensor);
}

TensorId leave_image(Lowering& lowering, TensorId tensor) {
  return emit_reshape(lowering, lowering.to_channels_first(tensor), lowering.output_shape(), "row");
}

TensorId emit_image_padding(Lowering& lowering, TensorId tensor, const PaddingForm& form) {
  const Shape shape = padded_shape(lowering.target[tensor].shape, form);
  return lowering.emit(tflite::Pad{}, {tensor, paddings_constant(lowering, form)}, shape, "pad");
}

TensorId emit_image_padding(Lowering& lowering, TensorId tensor, const PaddingForm& form, float value) {
  const Shape shape = padded_shape(lowering.target[tensor].shape, form);
  const TensorId fill = lowering.constant("pad_value", make_tensor<float>({}, {value}));
  return lowering.emit(tflite::PadV2{}, {tensor, paddings_constant(lowering, form), fill}, shape, "pad");
}

}  // namespace calib8
