#include "optimize/forms/take_pixels.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <ranges>

#include "optimize/convolution.h"
#include "optimize/rewrite.h"

namespace calib8 {
namespace {

/// Pixels that are added around an image.
struct Border {
  std::int64_t top = 0, bottom = 0, left = 0, right = 0;

  bool is_empty() const { return top == 0 && bottom == 0 && left == 0 && right == 0; }
};

/// What SAME adds along one axis.
std::pair<std::int64_t, std::int64_t> same_padding(std::int64_t size, std::int64_t window,
                                                   std::int64_t dilation, std::int64_t stride) {
  const std::int64_t windows = (size + stride - 1) / stride;
  const std::int64_t reach = (window - 1) * dilation + 1;
  const std::int64_t total = std::max<std::int64_t>((windows - 1) * stride + reach - size, 0);
  return {total / 2, total - total / 2};
}

template <class Op>
Border border_of(const Op& op, const Shape& data, const Shape& weights) {
  if (op.padding != tflite::Padding::same) return {};
  const auto [top, bottom] = same_padding(data[1], weights[1], op.dilation_height, op.stride_height);
  const auto [left, right] = same_padding(data[2], weights[2], op.dilation_width, op.stride_width);
  return {top, bottom, left, right};
}

/// Operators whose outputs are elements of their inputs, or means of some that lie beside each other.
bool mixes_no_channels(const TfliteGraph& graph, const TfliteOperator& op) {
  if (op.is<tflite::Reshape>() || op.is<tflite::SpaceToDepth>()) return true;  // pixels stay whole, in a row
  const bool keeps_axes = op.is<tflite::Slice>() || op.is<tflite::StridedSlice>() ||
                          op.is<tflite::MirrorPad>() || op.is<tflite::Concatenation>() ||
                          op.is<tflite::ResizeNearestNeighbor>() || op.is<tflite::ResizeBilinear>();
  if (!keeps_axes) return false;
  const Shape &from = graph[op.inputs[0]].shape, &to = graph[op.outputs[0]].shape;
  if (from.size() != to.size() || from.empty()) return false;
  return op.is<tflite::Concatenation>() || from.back() == to.back();
}

/// A slice that turns the channels around would leave as many of them.
bool keeps_channel_order(const TfliteGraph& graph, const TfliteOperator& op) {
  if (!op.is<tflite::StridedSlice>()) return true;
  const auto strides = integers_of(graph, op.inputs[3], graph[op.inputs[0]].shape.size());
  return strides && strides->back() == 1;
}

/// A tensor whose elements are scaled pixels, and the one that holds these pixels.
struct Picture {
  TensorId pixels;
  PixelScaling scaling;
};

class PixelFold {
 public:
  PixelFold(const TfliteGraph& graph, const PixelScaling& scaling)
      : result_{graph, {graph.inputs().front()}, {}}, graph_(result_.graph), scaling_(scaling) {
    pictures_[graph.inputs().front()] = {graph.inputs().front(), scaling};
  }

  std::variant<PixelGraph, std::string> run() {
    for (const OperatorId id : graph_.nodes()) {
      const std::vector<TensorId>& inputs = graph_[id].inputs;
      const bool reads = std::ranges::any_of(inputs, [&](TensorId input) { return is_picture(input); });
      if (reads && !take(id)) {
        return fmt::format("{} '{}' reads the picture, and {}", name_of(graph_[id].options),
                           graph_[graph_[id].outputs.front()].name, why_);
      }
    }
    for (const TensorId output : graph_.outputs()) {
      if (is_picture(output)) return fmt::format("the output '{}' is the picture", graph_[output].name);
    }
    for (const OperatorId id : std::views::reverse(passed_)) remove_if_unused(graph_, id);
    graph_.pixel_inputs[0] = scaling_;
    return std::move(result_);
  }

 private:
  bool is_picture(TensorId tensor) const { return pictures_.contains(tensor); }
  std::size_t channels() const { return scaling_.scale.size(); }
  /// Colours lie beside each other in whatever pixels have become: element i is of channel i % channels().
  bool holds_whole_pixels(TensorId tensor) const {
    const Shape& shape = graph_[tensor].shape;
    return !shape.empty() && shape.back() % static_cast<std::int64_t>(channels()) == 0;
  }

  TensorId add_picture(TensorId tensor, const PixelScaling& scaling) {
    pictures_[tensor] = {tensor, scaling};
    result_.pictures.push_back(tensor);
    return tensor;
  }

  bool take(OperatorId id) {
    const TfliteOperator& op = graph_[id];
    if (op.is<tflite::Pad>() || op.is<tflite::PadV2>()) return take_into_pad(id);
    if (const auto convolution = as_convolution(graph_, op)) return take_into_layer(id, *convolution);
    return take_into_arithmetic(id) || take_into_move(id);
  }

  /// What a graph normalizes by itself: another scaling of the same pixels.
  bool take_into_arithmetic(OperatorId id) {
    const TfliteOperator& op = graph_[id];
    const bool is_sum = op.is<tflite::Add>() || op.is<tflite::Sub>();
    if ((!is_sum && !op.is<tflite::Mul>() && !op.is<tflite::Div>()) || !is_picture(op.inputs[0]) ||
        *fused_activation(op) != tflite::Activation::none)
      return false;
    const auto other = per_channel(graph_, op.inputs[1], graph_[op.inputs[0]].shape);
    Picture picture = pictures_.at(op.inputs[0]);
    if (!other || other->size() != channels() || graph_[op.outputs[0]].shape != graph_[op.inputs[0]].shape)
      return false;
    for (std::size_t c = 0; c < channels(); ++c) {
      double &scale = picture.scaling.scale[c], &offset = picture.scaling.offset[c];
      const double operand = (*other)[c];
      if (is_sum) {
        offset += op.is<tflite::Add>() ? operand : -operand;
        continue;
      }
      if (operand == 0) return false;
      const double factor = op.is<tflite::Mul>() ? operand : 1 / operand;
      scale *= factor, offset *= factor;
    }
    pictures_[op.outputs[0]] = std::move(picture);
    passed_.push_back(id);
    return true;
  }

  /// The operator does the same with pixels, where all that it reads are pictures of one scaling.
  bool take_into_move(OperatorId id) {
    const TfliteOperator& op = graph_[id];
    if (!is_picture(op.inputs[0]) || op.outputs.size() != 1 || !mixes_no_channels(graph_, op) ||
        !keeps_channel_order(graph_, op))
      return false;
    const PixelScaling scaling = pictures_.at(op.inputs[0]).scaling;
    for (const TensorId input : op.inputs) {
      const bool is_number = graph_.is_constant(input) && graph_[input].dtype != DType::float32;
      if (!is_number && (!is_picture(input) || pictures_.at(input).scaling != scaling)) return false;
    }
    for (std::size_t i = 0; i < op.inputs.size(); ++i) {
      if (is_picture(op.inputs[i])) graph_.set_input(id, i, pictures_.at(op.inputs[i]).pixels);
    }
    add_picture(op.outputs.front(), scaling);
    return true;
  }

  /// PAD with zero, or PADV2 with any number, becomes a border of that number's pixel.
  bool take_into_pad(OperatorId id) {
    const TfliteOperator op = graph_[id];
    const TensorId data = op.inputs[0];
    const auto by = integers_of(graph_, op.inputs[1], 8);
    const auto value = op.inputs.size() > 2 ? uniform_value(graph_, op.inputs[2]) : 0;
    if (!by || !value || graph_[data].shape.size() != 4 || !holds_whole_pixels(data)) return false;
    if ((*by)[0] != 0 || (*by)[1] != 0 || (*by)[6] != 0 || (*by)[7] != 0) return false;
    const Picture picture = pictures_.at(data);
    const std::vector<float> colour = pixel_of(*value, picture.scaling);
    if (!can_be_pixels(colour)) return false;
    const TensorId output = op.outputs[0];
    const Border border{(*by)[2], (*by)[3], (*by)[4], (*by)[5]};
    pictures_[output] = {add_border(id, picture, border, colour, graph_[output].name), picture.scaling};
    passed_.push_back(id);
    return true;
  }

  /// By channel, the pixel that stands for a number.
  static std::vector<float> pixel_of(double number, const PixelScaling& scaling) {
    std::vector<float> pixel;
    for (std::size_t c = 0; c < scaling.scale.size(); ++c)
      pixel.push_back(static_cast<float>((number - scaling.offset[c]) / scaling.scale[c]));
    return pixel;
  }

  /// Integers from 0 to 255 must hold what a border is made of.
  bool can_be_pixels(const std::vector<float>& colour) {
    if (std::ranges::all_of(colour, [](float pixel) { return pixel >= 0 && pixel <= 255; })) return true;
    why_ = "it pads with what is no pixel";
    return false;
  }

  /// The pixels with a border of one colour, in front of the operator; themselves where the border is empty.
  TensorId add_border(OperatorId next, const Picture& picture, const Border& border,
                      const std::vector<float>& colour, const std::string& name) {
    TensorId bordered = picture.pixels;
    const auto add = [&](std::size_t axis, std::int64_t before, std::int64_t after, const char* suffix) {
      if (before == 0 && after == 0) return;
      std::vector<TensorId> parts;
      if (before > 0) parts.push_back(strip(bordered, axis, before, colour, name + suffix));
      parts.push_back(bordered);
      if (after > 0) parts.push_back(strip(bordered, axis, after, colour, name + suffix));
      Shape shape = graph_[bordered].shape;
      shape[axis] += before + after;
      bordered = emit_before(graph_, next, tflite::Concatenation{static_cast<std::int32_t>(axis)},
                             std::move(parts), name + suffix, shape);
      result_.pictures.push_back(bordered);
    };
    add(2, border.left, border.right, "/columns");
    add(1, border.top, border.bottom, "/rows");
    return bordered;
  }

  TensorId strip(TensorId image, std::size_t axis, std::int64_t width, const std::vector<float>& colour,
                 const std::string& name) {
    Shape shape = graph_[image].shape;
    shape[axis] = width;
    std::vector<float> values(static_cast<std::size_t>(element_count(shape).value()));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = colour[i % colour.size()];
    return graph_.add_constant(name + "/border", make_tensor(shape, std::move(values)));
  }

  bool take_into_layer(OperatorId id, const Convolution& convolution) {
    TfliteOperator& op = graph_[id];
    const TensorId data = op.inputs[convolution.data];
    if (op.is<tflite::TransposeConv>() || !is_picture(data) || !holds_whole_pixels(data)) return false;
    const Picture picture = pictures_.at(data);
    const Shape weights = graph_[op.inputs[convolution.weights]].shape;
    const auto channel_of =
        channels_of_weights(op, weights, static_cast<std::size_t>(graph_[data].shape.back()));
    if (!channel_of) return false;
    Border border;
    if (auto* plain = op.get_if<tflite::Conv2D>()) {
      border = border_of(*plain, graph_[data].shape, weights);
      plain->padding = tflite::Padding::valid;
    } else if (auto* depthwise = op.get_if<tflite::DepthwiseConv2D>()) {
      border = border_of(*depthwise, graph_[data].shape, weights);
      depthwise->padding = tflite::Padding::valid;
    }
    const std::vector<float> zero = pixel_of(0, picture.scaling);
    if (!border.is_empty() && !can_be_pixels(zero)) return false;
    scale_weights(id, convolution, *channel_of, picture.scaling, zero);
    const std::string name = graph_[graph_[id].outputs.front()].name;
    graph_.set_input(id, convolution.data, add_border(id, picture, border, zero, name));
    result_.first_layers.push_back(id);
    return true;
  }

  /// The bias makes up for the weights as they are rounded to float32: what stands for zero gives exactly
  /// the old bias.
  void scale_weights(OperatorId id, const Convolution& convolution,
                     const std::vector<std::size_t>& channel_of, const PixelScaling& scaling,
                     const std::vector<float>& zero) {
    const TensorId tensor = graph_[id].inputs[convolution.weights];
    const auto old = float_values(graph_, tensor);
    const auto outputs = static_cast<std::size_t>(graph_[tensor].shape[convolution.output_axis]);
    const bool is_last = convolution.output_axis != 0;
    std::vector<double> weights(old.begin(), old.end()), bias = bias_of(graph_, id, convolution);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const std::size_t channel = channel_of[i] % channels();
      weights[i] = static_cast<float>(weights[i] * scaling.scale[channel]);
      bias[is_last ? i % outputs : i / (weights.size() / outputs)] -=
          weights[i] * static_cast<double>(zero[channel]);
    }
    set_weights(graph_, id, convolution, weights, bias);
  }

  PixelGraph result_;
  TfliteGraph& graph_;
  const PixelScaling& scaling_;
  std::map<TensorId, Picture> pictures_;
  std::vector<OperatorId> passed_;  ///< What computes pictures that nothing reads any more.
  std::string why_ = "the normalization can't be moved past it";
};

}  // namespace

std::variant<PixelGraph, std::string> take_pixels(const TfliteGraph& graph, const PixelScaling& scaling) {
  if (graph.inputs().size() != 1)
    return fmt::format("the model has {} inputs, and one can be a picture", graph.inputs().size());
  const TfliteTensor& input = graph[graph.inputs().front()];
  if (input.dtype != DType::float32 || input.shape.size() != 4 ||
      input.shape.back() != static_cast<std::int64_t>(scaling.scale.size()))
    return fmt::format("the input '{}' is {}{}, and no picture of {} channels", input.name,
                       name_of(input.dtype), to_string(input.shape), scaling.scale.size());
  return PixelFold(graph, scaling).run();
}

}  // namespace calib8
