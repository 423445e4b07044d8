#include "calibrate/second_moments.h"

#include <algorithm>

#include "calib8/error.h"

namespace calib8 {
namespace {

std::size_t at(const Shape& shape, std::size_t axis) {
  return static_cast<std::size_t>(shape[axis]);
}

/// Of SAME padding: what hangs over before the first element.
std::ptrdiff_t overhang(std::size_t input, std::size_t output, std::size_t window, std::ptrdiff_t stride,
                        std::ptrdiff_t dilation) {
  const auto reach = static_cast<std::ptrdiff_t>(window - 1) * dilation + 1;
  const auto covered = static_cast<std::ptrdiff_t>(output - 1) * stride + reach;
  return std::max<std::ptrdiff_t>(covered - static_cast<std::ptrdiff_t>(input), 0) / 2;
}

}  // namespace

template <class Convolution>
void SecondMoments::add_window(Layer& layer, const Convolution& convolution, const Shape& output) {
  layer.output_height = at(output, 1);
  layer.output_width = at(output, 2);
  layer.stride_height = convolution.stride_height;
  layer.stride_width = convolution.stride_width;
  layer.dilation_height = convolution.dilation_height;
  layer.dilation_width = convolution.dilation_width;
  if (convolution.padding == tflite::Padding::valid) return;
  layer.top = overhang(layer.height, layer.output_height, layer.window_height, layer.stride_height,
                       layer.dilation_height);
  layer.left =
      overhang(layer.width, layer.output_width, layer.window_width, layer.stride_width, layer.dilation_width);
}

SecondMoments::SecondMoments(const TfliteGraph& graph, const std::vector<OperatorId>& layers,
                             ObservationGraph& wanted)
    : sums_(std::make_shared<std::vector<OrderedSum>>(layers.size())) {
  for (const OperatorId id : layers) {
    const TfliteOperator& op = graph[id];
    Layer layer;
    layer.position = wanted.whole(op.inputs[0]);
    const Shape& input = graph[op.inputs[0]].shape;
    const Shape& weights = graph[op.inputs[1]].shape;
    const Shape& output = graph[op.outputs[0]].shape;
    const auto* const convolution = op.get_if<tflite::Conv2D>();
    const auto* const depthwise = op.get_if<tflite::DepthwiseConv2D>();
    if (convolution || depthwise) {
      layer.batch = at(input, 0), layer.height = at(input, 1), layer.width = at(input, 2),
      layer.channels = at(input, 3);
      layer.window_height = at(weights, 1), layer.window_width = at(weights, 2);
      layer.depth = depthwise ? 1 : layer.channels;
      convolution ? add_window(layer, *convolution, output) : add_window(layer, *depthwise, output);
    } else if (op.get_if<tflite::FullyConnected>()) {
      layer.channels = layer.depth = at(weights, 1);
      layer.batch = static_cast<std::size_t>(element_count(input).value_or(0)) / layer.channels;
    }
    if (!(convolution && at(weights, 3) == layer.channels) && !depthwise &&
        !op.get_if<tflite::FullyConnected>())
      throw Error(ErrorCode::internal, "second moments of what is no layer with one group");
    layers_.push_back(layer);
  }
}

std::vector<double> SecondMoments::outer_products(const Layer& layer, std::span<const float> input) {
  const std::size_t size = layer.window_height * layer.window_width * layer.depth;
  const std::size_t groups = layer.channels / layer.depth;
  std::vector<double> sums(groups * size * size, 0);
  std::vector<double> x(size);
  const auto gather = [&](std::size_t image, std::ptrdiff_t row, std::ptrdiff_t column, std::size_t channel) {
    std::size_t place = 0;
    for (std::size_t i = 0; i < layer.window_height; ++i) {
      for (std::size_t j = 0; j < layer.window_width; ++j, place += layer.depth) {
        const auto y = row + static_cast<std::ptrdiff_t>(i) * layer.dilation_height;
        const auto z = column + static_cast<std::ptrdiff_t>(j) * layer.dilation_width;
        const bool inside = y >= 0 && z >= 0 && y < static_cast<std::ptrdiff_t>(layer.height) &&
                            z < static_cast<std::ptrdiff_t>(layer.width);
        const std::size_t pixel = inside
                                      ? (image * layer.height + static_cast<std::size_t>(y)) * layer.width +
                                            static_cast<std::size_t>(z)
                                      : 0;
        for (std::size_t c = 0; c < layer.depth; ++c)
          x[place + c] = inside ? static_cast<double>(input[pixel * layer.channels + channel + c]) : 0.0;
      }
    }
  };
  for (std::size_t image = 0; image < layer.batch; ++image) {
    for (std::size_t row = 0; row < layer.output_height; ++row) {
      for (std::size_t column = 0; column < layer.output_width; ++column) {
        for (std::size_t group = 0; group < groups; ++group) {
          gather(image, static_cast<std::ptrdiff_t>(row) * layer.stride_height - layer.top,
                 static_cast<std::ptrdiff_t>(column) * layer.stride_width - layer.left, group * layer.depth);
          double* matrix = sums.data() + group * size * size;
          for (std::size_t i = 0; i < size; ++i) {
            for (std::size_t j = 0; j < size; ++j) matrix[i * size + j] += x[i] * x[j];
          }
        }
      }
    }
  }
  return sums;
}

void SecondMoments::consume(std::size_t sample, const ModelInstance& model) {
  for (std::size_t i = 0; i < layers_.size(); ++i)
    (*sums_)[i].add(sample, outer_products(layers_[i], model.float_output(layers_[i].position)));
}

}  // namespace calib8
