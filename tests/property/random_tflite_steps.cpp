#include <numeric>

#include "tflite_growth.h"

namespace calib8::property {
namespace {

tflite::Activation random_activation(RandomNumbers& random) {
  if (random.chance(0.5)) return tflite::Activation::none;
  return random.pick({tflite::Activation::relu, tflite::Activation::relu6, tflite::Activation::relu_n1_to_1});
}

template <class Op>
bool add_unary(TfliteGrowth& growth) {
  const auto x = growth.activation();
  return x && growth.add(Op{}, {*x});
}
template <class Op>
bool add_binary(TfliteGrowth& growth) {
  RandomNumbers& random = growth.random;
  const auto x = growth.activation();
  if (!x) return false;
  Op op;
  if constexpr (std::is_base_of_v<tflite::FusableBinary, Op>) op.activation = random_activation(random);
  TensorId other;
  if (random.chance(0.5)) {
    other = *growth.alike(*x);
  } else {
    Shape shape = growth.shape_of(*x);
    for (std::int64_t& size : shape)
      if (random.chance(0.3)) size = 1;
    while (!shape.empty() && random.chance(0.3)) shape.erase(shape.begin());
    other = growth.real(shape, random.magnitude());
  }
  return random.chance(0.5) ? growth.add(op, {*x, other}) : growth.add(op, {other, *x});
}

template <class Op>
void set_windows(RandomNumbers& random, Op& op) {
  op.padding = random.chance(0.5) ? tflite::Padding::same : tflite::Padding::valid;
  op.activation = random_activation(random);
  op.stride_height = static_cast<std::int32_t>(random.between(1, 2));
  op.stride_width = random.chance(0.8) ? op.stride_height : static_cast<std::int32_t>(random.between(1, 3));
}

/// The side of a window that fits.
std::int64_t random_side(TfliteGrowth& growth, std::int64_t size) {
  return growth.random.between(1, std::min<std::int64_t>(size, 3));
}

bool add_conv(TfliteGrowth& growth) {
  RandomNumbers& random = growth.random;
  const auto x = growth.activation(4);
  if (!x) return false;
  const Shape from = growth.shape_of(*x);
  tflite::Conv2D op;
  set_windows(random, op);
  const std::int64_t group = from[3] % 2 == 0 && random.chance(0.2) ? 2 : 1;
  const std::int64_t outputs = group * random.between(1, 5), height = random_side(growth, from[1]);
  const std::int64_t width = random_side(growth, from[2]), depth = from[3] / group;
  if (op.padding == tflite::Padding::same && random.chance(0.2)) {
    op.stride_height = op.stride_width = 1;
    op.dilation_height = op.dilation_width = 2;
  }
  return growth.add(op, {*x, growth.weights({outputs, height, width, depth}, height * width * depth),
                         growth.real({outputs}, random.magnitude())});
}

bool add_depthwise(TfliteGrowth& growth) {
  RandomNumbers& random = growth.random;
  const auto x = growth.activation(4);
  if (!x) return false;
  const Shape from = growth.shape_of(*x);
  tflite::DepthwiseConv2D op;
  set_windows(random, op);
  op.stride_width = op.stride_height;
  op.depth_multiplier = static_cast<std::int32_t>(random.between(1, 2));
  const std::int64_t outputs = from[3] * op.depth_multiplier, height = random_side(growth, from[1]);
  const std::int64_t width = random_side(growth, from[2]);
  return growth.add(op, {*x, growth.weights({1, height, width, outputs}, height * width),
                         growth.real({outputs}, random.magnitude())});
}

bool add_transpose_conv(TfliteGrowth& growth) {
  RandomNumbers& random = growth.random;
  const auto x = growth.activation(4);
  if (!x) return false;
  const Shape from = growth.shape_of(*x);
  tflite::TransposeConv op;
  op.padding = random.chance(0.5) ? tflite::Padding::same : tflite::Padding::valid;
  op.stride_height = op.stride_width = static_cast<std::int32_t>(random.between(1, 2));
  const std::int64_t outputs = random.between(1, 4), side = random.between(op.stride_height, 3);
  std::vector<std::int32_t> shape{static_cast<std::int32_t>(from[0])};
  for (std::size_t axis = 1; axis < 3; ++axis) {
    const std::int64_t full = op.padding == tflite::Padding::same
                                  ? from[axis] * op.stride_height
                                  : (from[axis] - 1) * op.stride_height + side;
    shape.push_back(static_cast<std::int32_t>(full));
  }
  shape.push_back(static_cast<std::int32_t>(outputs));
  return growth.add(
      op, {growth.integers(shape), growth.weights({outputs, side, side, from[3]}, side * side * from[3]), *x,
           growth.real({outputs}, random.magnitude())});
}

bool add_fully_connected(TfliteGrowth& growth) {
  RandomNumbers& random = growth.random;
  const auto x = growth.activation();
  if (!x || growth.shape_of(*x).empty()) return false;
  tflite::FullyConnected op;
  op.activation = random_activation(random);
  op.keep_num_dims = growth.shape_of(*x).size() != 2;
  const std::int64_t depth = growth.shape_of(*x).back(), outputs = random.between(1, 8);
  std::vector<TensorId> inputs{*x, growth.weights({outputs, depth}, depth)};
  if (random.chance(0.7)) inputs.push_back(growth.real({outputs}, random.magnitude()));
  return growth.add(op, std::move(inputs));
}

template <class Op>
bool add_pool(TfliteGrowth& growth) {
  const auto x = growth.activation(4);
  if (!x) return false;
  Op op;
  set_windows(growth.random, op);
  op.filter_height = static_cast<std::int32_t>(random_side(growth, growth.shape_of(*x)[1]));
  op.filter_width = static_cast<std::int32_t>(random_side(growth, growth.shape_of(*x)[2]));
  return growth.add(op, {*x});
}

bool add_softmax(TfliteGrowth& growth) {
  const auto x = growth.activation();
  return x && !growth.shape_of(*x).empty() &&
         growth.add(tflite::Softmax{growth.random.pick({1.0f, 0.5f, 2.0f})}, {*x});
}

bool add_strided_slice(TfliteGrowth& growth) {
  RandomNumbers& random = growth.random;
  const auto x = growth.activation();
  if (!x || growth.shape_of(*x).empty()) return false;
  tflite::StridedSlice op;
  std::vector<std::int32_t> begin, end, strides;
  for (std::size_t axis = 0; axis < growth.shape_of(*x).size(); ++axis) {
    const std::int64_t size = growth.shape_of(*x)[axis], first = random.between(0, size - 1);
    const std::int32_t bit = 1 << axis;
    begin.push_back(static_cast<std::int32_t>(random.chance(0.2) ? first - size : first));
    end.push_back(static_cast<std::int32_t>(random.between(first + 1, size)));
    strides.push_back(static_cast<std::int32_t>(random.chance(0.8) ? 1 : random.between(1, 2)));
    if (axis > 0 && random.chance(0.15)) {
      op.shrink_axis_mask |= bit;
      end.back() = static_cast<std::int32_t>(first + 1);
      strides.back() = 1;
    } else {
      if (random.chance(0.3)) op.begin_mask |= bit;
      if (random.chance(0.3)) op.end_mask |= bit;
    }
  }
  return growth.add(op, {*x, growth.integers(begin), growth.integers(end), growth.integers(strides)});
}

bool add_split(TfliteGrowth& growth) {
  const auto x = growth.activation();
  if (!x || growth.shape_of(*x).empty() || growth.shape_of(*x).back() < 2) return false;
  const std::int64_t size = growth.shape_of(*x).back();
  std::int64_t parts = growth.random.between(2, std::min<std::int64_t>(size, 8));
  while (size % parts != 0) --parts;
  if (parts < 2) return false;
  return growth.add(tflite::Split{static_cast<std::int32_t>(parts)}, {growth.scalar(-1), *x},
                    static_cast<std::size_t>(parts));
}

bool add_concatenation(TfliteGrowth& growth) {
  const auto x = growth.activation();
  if (!x || growth.shape_of(*x).empty()) return false;
  std::vector<TensorId> parts{*x};
  for (std::int64_t count = growth.random.between(1, 7); count > 0; --count)
    parts.push_back(growth.random.chance(0.7) ? *growth.alike(*x)
                                              : growth.real(growth.shape_of(*x), growth.random.magnitude()));
  tflite::Concatenation op;
  op.axis = growth.random.chance(0.5) ? -1 : static_cast<std::int32_t>(growth.shape_of(*x).size()) - 1;
  return growth.add(op, std::move(parts));
}

template <class Op>
bool add_resize(TfliteGrowth& growth) {
  RandomNumbers& random = growth.random;
  const auto x = growth.activation(4);
  if (!x) return false;
  Op op;
  if (const std::size_t form = random.below(3); form > 0)
    (form == 1 ? op.align_corners : op.half_pixel_centers) = true;
  return growth.add(op, {*x, growth.integers({static_cast<std::int32_t>(random.between(2, 9)),
                                              static_cast<std::int32_t>(random.between(2, 9))})});
}

bool add_batch_matmul(TfliteGrowth& growth) {
  const auto x = growth.activation();
  if (!x || growth.shape_of(*x).size() < 2) return false;
  tflite::BatchMatMul op;
  op.adjoint_y = growth.random.chance(0.5);
  op.adjoint_x = !op.adjoint_y;
  return growth.add(op, {*x, *growth.alike(*x)});
}

template <class Op>
bool add_reduction(TfliteGrowth& growth) {
  const auto x = growth.activation();
  if (!x || growth.shape_of(*x).empty()) return false;
  Op op;
  op.keep_dims = growth.random.chance(0.5);
  std::vector<std::int32_t> axes;
  for (std::size_t axis = 0; axis < growth.shape_of(*x).size(); ++axis)
    if (growth.random.chance(0.5)) axes.push_back(static_cast<std::int32_t>(axis));
  if (axes.empty()) axes.push_back(-1);
  return growth.add(op, {*x, growth.integers(axes)});
}

bool add_prelu(TfliteGrowth& growth) {
  const auto x = growth.activation(4);
  return x && growth.add(tflite::PRelu{}, {*x, growth.real({1, 1, growth.shape_of(*x)[3]}, 0.5)});
}
bool add_leaky_relu(TfliteGrowth& growth) {
  const auto x = growth.activation();
  return x &&
         growth.add(tflite::LeakyRelu{static_cast<float>(growth.random.pick({0.1, 0.001, 1.5, -0.5}))}, {*x});
}
bool add_rsqrt(TfliteGrowth& growth) {
  const auto x = growth.activation();
  if (!x || !growth.add(tflite::Mul{}, {*x, *x})) return false;
  const TensorId square = growth.activations.back();
  return growth.add(tflite::Add{}, {square, growth.positive()}) &&
         growth.add(tflite::Rsqrt{}, {growth.activations.back()});
}

/// By a number that isn't near zero.
template <class Op>
bool add_quotient(TfliteGrowth& growth) {
  const auto x = growth.activation();
  return x && growth.shape_of(*x).size() <= 4 && growth.add(Op{}, {*x, growth.positive()});
}

}  // namespace

const std::vector<TfliteStep>& tflite_steps() {
  static const std::vector<TfliteStep> steps = {
      add_conv,
      add_conv,
      add_depthwise,
      add_transpose_conv,
      add_fully_connected,
      add_pool<tflite::AveragePool2D>,
      add_pool<tflite::MaxPool2D>,
      add_softmax,
      add_strided_slice,
      add_split,
      add_concatenation,
      add_resize<tflite::ResizeBilinear>,
      add_resize<tflite::ResizeNearestNeighbor>,
      add_batch_matmul,
      add_reduction<tflite::Mean>,
      add_reduction<tflite::Sum>,
      add_reduction<tflite::ReduceMax>,
      add_reduction<tflite::ReduceMin>,
      add_prelu,
      add_leaky_relu,
      add_rsqrt,
      add_binary<tflite::Add>,
      add_binary<tflite::Add>,
      add_binary<tflite::Sub>,
      add_binary<tflite::Mul>,
      add_binary<tflite::Div>,
      add_binary<tflite::Maximum>,
      add_binary<tflite::Minimum>,
      add_quotient<tflite::FloorDiv>,
      add_quotient<tflite::FloorMod>,
      add_unary<tflite::Neg>,
      add_unary<tflite::Relu>,
      add_unary<tflite::Relu6>,
      add_unary<tflite::Logistic>,
      add_unary<tflite::Tanh>,
      add_unary<tflite::HardSwish>,
      add_unary<tflite::Elu>,
      add_unary<tflite::Gelu>,
      add_unary<tflite::Abs>,
      add_unary<tflite::Exp>,
      add_unary<tflite::Sqrt>,
      add_unary<tflite::Log>,
  };
  return steps;
}

}  // namespace calib8::property
