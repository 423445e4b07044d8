#include "tflite_reference.h"

#include <numeric>
#include <stdexcept>

#include "functions.h"

namespace calib8::property {
namespace {

using Operands = std::vector<const Array*>;

Real activated(tflite::Activation activation, Real x) {
  switch (activation) {
    case tflite::Activation::none:
      return x;
    case tflite::Activation::relu:
      return relu(x);
    case tflite::Activation::relu_n1_to_1:
      return clamped(x, -1, 1);
    case tflite::Activation::relu6:
      return clamped(x, 0, 6);
  }
  throw std::logic_error("not an Activation");
}

Array activated(tflite::Activation activation, const Array& x) {
  return map(x, [&](Real element) { return activated(activation, element); });
}

const Ints to_channels_first{0, 3, 1, 2}, to_channels_last{0, 2, 3, 1};

/// Where the windows of a kernel stand: SAME has ceil(size / stride) of them, the odd padding behind.
template <class Options>
Windows windows_of(const Options& o, std::int64_t kernel_height, std::int64_t kernel_width,
                   const Shape& image, std::int64_t dilation_height, std::int64_t dilation_width) {
  Windows windows{{kernel_height, kernel_width},
                  {o.stride_height, o.stride_width},
                  {dilation_height, dilation_width},
                  {0, 0},
                  {0, 0}};
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t size = image[i + 2], extent = (windows.kernel[i] - 1) * windows.dilation[i] + 1;
    if (o.padding == tflite::Padding::valid) {
      windows.output[i] = (size - extent + windows.stride[i]) / windows.stride[i];
    } else {
      windows.output[i] = (size + windows.stride[i] - 1) / windows.stride[i];
      windows.before[i] =
          std::max<std::int64_t>(0, (windows.output[i] - 1) * windows.stride[i] + extent - size) / 2;
    }
  }
  return windows;
}

class Evaluator {
 public:
  Evaluator(const TfliteOperator& op, const Operands& operands) : op_(op), in_(operands) {}

  std::vector<Array> run() {
    return std::visit([&](const auto& options) { return apply(options); }, op_.options);
  }

 private:
  Ints integers(std::size_t position) const { return integers_of(*in_.at(position)); }
  template <class Function>
  std::vector<Array> unary(Function function) const {
    return {map(*in_[0], function)};
  }
  template <class Function>
  std::vector<Array> binary(tflite::Activation activation, Function function) const {
    return {activated(activation, combine(*in_[0], *in_[1], function))};
  }

  using One = std::vector<Array>;
  One apply(const tflite::Add& o) {
    return binary(o.activation, [](Real a, Real b) { return a + b; });
  }
  One apply(const tflite::Sub& o) {
    return binary(o.activation, [](Real a, Real b) { return a - b; });
  }
  One apply(const tflite::Mul& o) {
    return binary(o.activation, [](Real a, Real b) { return a * b; });
  }
  One apply(const tflite::Div& o) {
    return binary(o.activation, [](Real a, Real b) { return a / b; });
  }
  One apply(const tflite::Maximum&) { return {combine(*in_[0], *in_[1], larger)}; }
  One apply(const tflite::Minimum&) { return {combine(*in_[0], *in_[1], smaller)}; }
  One apply(const tflite::Logistic&) { return unary(logistic); }
  One apply(const tflite::Tanh&) { return unary(hyperbolic_tangent); }
  One apply(const tflite::Relu&) { return unary(relu); }
  One apply(const tflite::Relu6&) {
    return unary([](Real x) { return clamped(x, 0, 6); });
  }
  One apply(const tflite::HardSwish&) { return unary(hard_swish); }
  One apply(const tflite::Elu&) {
    return unary([](Real x) { return elu(x, 1); });
  }
  One apply(const tflite::Exp&) { return unary(exponential); }
  One apply(const tflite::Log&) { return unary(logarithm); }
  One apply(const tflite::Sqrt&) { return unary(square_root); }
  One apply(const tflite::Rsqrt&) { return unary(reciprocal_square_root); }
  One apply(const tflite::Abs&) { return unary(absolute); }
  One apply(const tflite::Neg&) {
    return unary([](Real x) { return -x; });
  }
  One apply(const tflite::Quantize&) { return {*in_[0]}; }
  One apply(const tflite::Dequantize&) { return {*in_[0]}; }
  One apply(const tflite::LeakyRelu& o) {
    return unary([&](Real x) { return leaky_relu(x, static_cast<double>(o.alpha)); });
  }
  One apply(const tflite::Gelu& o) {
    return unary([&](Real x) { return gelu(x, o.approximate); });
  }
  One apply(const tflite::PRelu&) {
    return {combine(*in_[0], *in_[1], [](Real x, Real slope) {
      Real y = leaky_relu(x, slope.value);
      y.error += scaled_error(x.value, slope.error);
      return y;
    })};
  }
  One apply(const tflite::Softmax& o) {
    return {softmax(*in_[0], in_[0]->shape.size() - 1, static_cast<double>(o.beta))};
  }

  One apply(const tflite::Transpose&) { return {permuted(*in_[0], integers(1))}; }
  One apply(const tflite::Reshape&) { return {reshaped(*in_[0], integers(1))}; }
  One apply(const tflite::Pad&) { return pad({}); }
  One apply(const tflite::PadV2&) { return pad(in_.at(2)->elements.at(0)); }
  One pad(Real value) const {
    const Ints paddings = integers(1);
    Ints before, after;
    for (std::size_t i = 0; i < paddings.size(); i += 2) {
      before.push_back(paddings[i]);
      after.push_back(paddings[i + 1]);
    }
    return {padded(*in_[0], before, after, value)};
  }
  One apply(const tflite::Slice&) {
    const Ints begin = integers(1);
    Ints count = integers(2);
    for (std::size_t i = 0; i < count.size(); ++i)
      if (count[i] == -1) count[i] = in_[0]->shape[i] - begin[i];
    return {sliced(*in_[0], begin, Ints(begin.size(), 1), count)};
  }
  One apply(const tflite::StridedSlice& o) {
    const Shape& from = in_[0]->shape;
    Ints begin = integers(1), end = integers(2), step = integers(3), count;
    if (o.ellipsis_mask != 0 || o.new_axis_mask != 0)
      throw std::logic_error("STRIDED_SLICE with unknown masks");
    Shape shape;
    for (std::size_t i = 0; i < begin.size(); ++i) {
      const bool forward = step[i] > 0, shrinks = (o.shrink_axis_mask >> i) & 1;
      const auto place = [&](std::int64_t at) {
        if (at < 0) at += from[i];
        return forward ? std::clamp<std::int64_t>(at, 0, from[i])
                       : std::clamp<std::int64_t>(at, -1, from[i] - 1);
      };
      begin[i] = (o.begin_mask >> i) & 1 ? (forward ? 0 : from[i] - 1) : place(begin[i]);
      end[i] = (o.end_mask >> i) & 1 ? (forward ? from[i] : -1) : place(end[i]);
      const std::int64_t distance = forward ? end[i] - begin[i] : begin[i] - end[i];
      count.push_back(
          shrinks ? 1 : std::max<std::int64_t>(0, (distance + std::abs(step[i]) - 1) / std::abs(step[i])));
      if (!shrinks) shape.push_back(count.back());
    }
    return {reshaped(sliced(*in_[0], begin, step, count), shape)};
  }
  One apply(const tflite::Concatenation& o) {
    const auto rank = static_cast<std::int64_t>(in_[0]->shape.size());
    return {
        activated(o.activation, joined(in_, static_cast<std::size_t>(o.axis < 0 ? o.axis + rank : o.axis)))};
  }
  One apply(const tflite::Split& o) {
    const Array& x = *in_.at(1);
    std::int64_t axis = integers(0).at(0);
    if (axis < 0) axis += static_cast<std::int64_t>(x.shape.size());
    Ints begin(x.shape.size(), 0), count = x.shape;
    const auto place = static_cast<std::size_t>(axis);
    count[place] /= o.num_splits;
    One parts;
    for (std::int32_t part = 0; part < o.num_splits; ++part) {
      parts.push_back(sliced(x, begin, Ints(x.shape.size(), 1), count));
      begin[place] += count[place];
    }
    return parts;
  }
  One reduce(const tflite::Reducer& o, Reduction kind) const {
    return {reduced(*in_[0], integers(1), o.keep_dims, kind)};
  }
  One apply(const tflite::Mean& o) { return reduce(o, Reduction::mean); }
  One apply(const tflite::Sum& o) { return reduce(o, Reduction::sum); }
  One apply(const tflite::ReduceMax& o) { return reduce(o, Reduction::max); }
  One apply(const tflite::ReduceMin& o) { return reduce(o, Reduction::min); }

  One apply(const tflite::Conv2D& o) {
    const Array x = permuted(*in_[0], to_channels_first), weights = permuted(*in_[1], to_channels_first);
    const Windows windows =
        windows_of(o, weights.shape[2], weights.shape[3], x.shape, o.dilation_height, o.dilation_width);
    const Array y = convolved(x, weights, in_.at(2), x.shape[1] / weights.shape[1], windows);
    return {activated(o.activation, permuted(y, to_channels_last))};
  }
  One apply(const tflite::DepthwiseConv2D& o) {
    const Array x = permuted(*in_[0], to_channels_first), weights = permuted(*in_[1], {3, 0, 1, 2});
    const Windows windows =
        windows_of(o, weights.shape[2], weights.shape[3], x.shape, o.dilation_height, o.dilation_width);
    const Array y = convolved(x, weights, in_.at(2), x.shape[1], windows);
    return {activated(o.activation, permuted(y, to_channels_last))};
  }
  One apply(const tflite::TransposeConv& o) {
    const Array x = permuted(*in_.at(2), to_channels_first), weights = permuted(*in_[1], {3, 0, 1, 2});
    const Ints output = integers(0);
    Windows windows{{weights.shape[2], weights.shape[3]},
                    {o.stride_height, o.stride_width},
                    {1, 1},
                    {0, 0},
                    {output[1], output[2]}};
    for (std::size_t i = 0; i < 2; ++i) {
      if (o.padding == tflite::Padding::valid) continue;
      windows.before[i] = std::max<std::int64_t>(0, (x.shape[i + 2] - 1) * windows.stride[i] +
                                                        windows.kernel[i] - windows.output[i]) /
                          2;
    }
    const Array* bias = in_.size() > 3 ? in_[3] : nullptr;
    return {activated(o.activation,
                      permuted(convolved_transposed(x, weights, bias, 1, windows), to_channels_last))};
  }
  One apply(const tflite::FullyConnected& o) {
    const Array& weights = *in_.at(1);
    const std::int64_t depth = weights.shape[1],
                       rows = static_cast<std::int64_t>(in_[0]->elements.size()) / depth;
    Array y = multiplied(reshaped(*in_[0], {rows, depth}), permuted(weights, {1, 0}));
    if (in_.size() > 2 && in_[2]) y = combine(y, *in_[2], [](Real a, Real b) { return a + b; });
    Shape shape = in_[0]->shape;
    shape.back() = weights.shape[0];
    return {activated(o.activation, o.keep_num_dims ? reshaped(y, shape) : y)};
  }
  One apply(const tflite::BatchMatMul& o) {
    const auto turned = [](const Array& x, bool turns) {
      if (!turns) return x;
      Ints permutation(x.shape.size());
      std::iota(permutation.begin(), permutation.end(), 0);
      std::swap(permutation[permutation.size() - 1], permutation[permutation.size() - 2]);
      return permuted(x, permutation);
    };
    return {multiplied(turned(*in_[0], o.adjoint_x), turned(*in_[1], o.adjoint_y))};
  }
  template <class Pool>
  One pool(const tflite::Pool2D& o, Pool pool_image) const {
    const Array x = permuted(*in_[0], to_channels_first);
    const Windows windows = windows_of(o, o.filter_height, o.filter_width, x.shape, 1, 1);
    return {activated(o.activation, permuted(pool_image(x, windows), to_channels_last))};
  }
  One apply(const tflite::MaxPool2D& o) { return pool(o, max_pooled); }
  One apply(const tflite::AveragePool2D& o) {
    return pool(o,
                [](const Array& x, const Windows& windows) { return average_pooled(x, windows, nullptr); });
  }

  /// The place in a line of `input` elements that the kernel reads for element x.
  static float place(const tflite::Resize& o, std::int64_t x, std::int64_t input, std::int64_t output,
                     bool is_nearest) {
    const float scale = o.align_corners && output > 1
                            ? static_cast<float>(input - 1) / static_cast<float>(output - 1)
                            : static_cast<float>(input) / static_cast<float>(output);
    const auto at = static_cast<float>(x);
    if (!o.half_pixel_centers) return at * scale;
    return is_nearest ? (at + 0.5f) * scale : (at + 0.5f) * scale - 0.5f;
  }
  One apply(const tflite::ResizeNearestNeighbor& o) {
    const Ints size = integers(1);
    const Array& x = *in_[0];
    const Ints strides = strides_of(x.shape);
    return {build({x.shape[0], size.at(0), size.at(1), x.shape[3]}, [&](Index index) {
      for (std::size_t axis = 1; axis < 3; ++axis) {
        const float at = place(o, index[axis], x.shape[axis], size[axis - 1], true);
        index[axis] = std::clamp<std::int64_t>(
            static_cast<std::int64_t>(o.align_corners ? std::round(at) : std::floor(at)), 0,
            x.shape[axis] - 1);
      }
      return x.elements[offset_at(strides, index)];
    })};
  }
  One apply(const tflite::ResizeBilinear& o) {
    const Ints size = integers(1);
    Array result = *in_[0];
    for (std::size_t axis = 1; axis < 3; ++axis) {
      const Array x = result;
      const Ints strides = strides_of(x.shape);
      Shape shape = x.shape;
      shape[axis] = size.at(axis - 1);
      const auto last = static_cast<double>(x.shape[axis] - 1);
      result = build(shape, [&](Index index) {
        const double at = std::clamp(
            static_cast<double>(place(o, index[axis], x.shape[axis], shape[axis], false)), 0.0, last);
        const double part = at - std::floor(at);
        index[axis] = static_cast<std::int64_t>(at);
        const Real low = x.elements[offset_at(strides, index)];
        const std::int64_t here = index[axis];
        index[axis] = std::min(here + 1, x.shape[axis] - 1);
        const Real high = x.elements[offset_at(strides, index)];
        index[axis] = std::max(here - 1, std::int64_t{0});
        const Real before = x.elements[offset_at(strides, index)];
        Real between = low * Real{1 - part, 0} + high * Real{part, 0};
        // The place itself is rounded, by up to a ten-thousandth of an element, and perhaps to the one
        // before.
        between.error += 1e-4 * std::max(std::abs(high.value - low.value) + high.error,
                                         std::abs(low.value - before.value) + before.error);
        return between;
      });
    }
    return {result};
  }
  /// Channels last, the blocks outermost in the channels.
  One apply(const tflite::DepthToSpace& o) {
    const Shape& s = in_[0]->shape;
    const std::int64_t b = o.block_size, c = s[3] / (b * b);
    return {reshaped(permuted(reshaped(*in_[0], {s[0], s[1], s[2], b, b, c}), {0, 1, 3, 2, 4, 5}),
                     {s[0], s[1] * b, s[2] * b, c})};
  }
  One apply(const tflite::SpaceToDepth& o) {
    const Shape& s = in_[0]->shape;
    const std::int64_t b = o.block_size, h = s[1] / b, w = s[2] / b;
    return {reshaped(permuted(reshaped(*in_[0], {s[0], h, b, w, b, s[3]}), {0, 1, 3, 2, 4, 5}),
                     {s[0], h, w, s[3] * b * b})};
  }

  template <class Options>
  One apply(const Options&) {
    throw std::logic_error("the reference evaluator doesn't know " + std::string(name_of(op_.options)));
  }

  const TfliteOperator& op_;
  const Operands& in_;
};

}  // namespace

std::vector<Array> evaluate(const TfliteOperator& op, const Operands& operands) {
  std::vector<Array> results = evaluate_choice(op, operands);
  return results.empty() ? Evaluator(op, operands).run() : results;
}

std::vector<Array> evaluate(const TfliteGraph& graph, const TfliteOperator& op, const Operands& operands) {
  std::vector<Array> results = evaluate(op, operands);
  for (std::size_t i = 0; i < op.outputs.size(); ++i) {
    if (results.at(i).shape == graph[op.outputs[i]].shape) continue;
    throw std::logic_error(std::string(name_of(op.options)) + " gives " + to_string(results[i].shape) +
                           ", the graph says " + to_string(graph[op.outputs[i]].shape));
  }
  return results;
}

bool moves_bytes(const TfliteOperator& op) {
  const auto* pool = op.get_if<tflite::MaxPool2D>();
  if (pool && pool->activation != tflite::Activation::none) return false;  // its bounds are rounded
  return op.is<tflite::Reshape>() || op.is<tflite::Transpose>() || op.is<tflite::Slice>() ||
         op.is<tflite::StridedSlice>() || op.is<tflite::Split>() || op.is<tflite::Concatenation>() ||
         op.is<tflite::Pad>() || op.is<tflite::MaxPool2D>() || op.is<tflite::DepthToSpace>() ||
         op.is<tflite::SpaceToDepth>() || op.is<tflite::ReduceMax>() || op.is<tflite::ReduceMin>() ||
         op.is<tflite::ResizeNearestNeighbor>() || op.is<tflite::Maximum>() || op.is<tflite::Minimum>() ||
         op.is<tflite::PadV2>() || op.is<tflite::Gather>() || op.is<tflite::GatherNd>() ||
         op.is<tflite::Tile>() || op.is<tflite::BroadcastTo>() || op.is<tflite::MirrorPad>();
}

}  // namespace calib8::property
