#include <gtest/gtest.h>

#include <limits>

#include "optimize/graph_builder.h"
#include "optimize/targets/targets.h"

namespace calib8::testing {
namespace {

using tflite::Activation;

constexpr double rounding =
    2e-5;  // Folded constants are rounded to float32; results here are of the order 10.

TEST(FuseActivation, IntoEveryOperatorThatHasOne) {
  GraphBuilder b;
  const TensorId x = b.input({1, 6, 6, 3});
  const TensorId y = b.unary(tflite::Relu6{}, nhwc_convolution(b, x, 4));
  const TensorId z = b.unary(tflite::Relu{}, b.binary(tflite::Add{}, y, b.constant({1, 4, 4, 4})));
  b.output(b.unary(tflite::Relu{}, b.fully_connected(b.reshape(z, {1, 64}), 5)));
  EXPECT_LE(difference_made(b), rounding);
  EXPECT_EQ(kinds(b.graph), (Kinds{"CONV_2D", "ADD", "RESHAPE", "FULLY_CONNECTED"}));
  EXPECT_EQ(first<tflite::Conv2D>(b.graph).activation, Activation::relu6);
  EXPECT_EQ(first<tflite::Add>(b.graph).activation, Activation::relu);
  EXPECT_EQ(first<tflite::FullyConnected>(b.graph).activation, Activation::relu);
}

TEST(FuseActivation, NotWhereTheValueBeforeIsReadToo) {
  GraphBuilder b;
  const TensorId x = nhwc_convolution(b, b.input({1, 6, 6, 3}), 4);
  b.output(b.binary(tflite::Mul{}, x, b.unary(tflite::Relu{}, x)));
  EXPECT_LE(difference_made(b), rounding);
  EXPECT_EQ(kinds(b.graph), (Kinds{"CONV_2D", "RELU", "MUL"}));
}

TEST(FuseActivation, OfTwoTheNarrowerStays) {
  for (const bool six_first : {true, false}) {
    GraphBuilder b;
    TensorId x = b.binary(tflite::Mul{}, b.input({1, 8}), b.filled({}, 4));
    x = six_first ? b.unary(tflite::Relu6{}, x) : b.unary(tflite::Relu{}, x);
    b.output(six_first ? b.unary(tflite::Relu{}, x) : b.unary(tflite::Relu6{}, x));
    EXPECT_LE(difference_made(b), 0);
    EXPECT_EQ(first<tflite::Mul>(b.graph).activation, Activation::relu6);
    EXPECT_EQ(b.graph.node_count(), 1u);
  }
}

TEST(FuseActivation, NeverIntoConcatenationOrPools) {
  GraphBuilder b;
  const TensorId x = b.input({1, 4, 4, 3});
  b.output(b.unary(tflite::Relu{}, b.concatenation({x, b.unary(tflite::Tanh{}, x)}, 3)));
  tflite::MaxPool2D pool;
  pool.filter_height = pool.filter_width = 2;
  b.output(b.unary(tflite::Relu{}, b.emit(pool, {x}, {1, 3, 3, 3})));
  EXPECT_LE(difference_made(b), 0);
  EXPECT_EQ(count_of<tflite::Relu>(b.graph), 2u);
}

TEST(FoldArithmetic, BatchNormBehindAConvolution) {
  GraphBuilder b;
  TensorId x = nhwc_convolution(b, b.input({1, 6, 6, 3}), 4);
  x = b.binary(tflite::Sub{}, x, b.constant({4}));
  x = b.binary(tflite::Div{}, x, b.constant({1, 1, 1, 4}, 0.5f, 2));
  x = b.emit(tflite::Mul{}, {b.constant({4}), x}, b.shape_of(x));
  x = b.emit(tflite::Sub{}, {b.constant({}), x}, b.shape_of(x));
  b.output(b.unary(tflite::Relu{}, x));
  EXPECT_LE(difference_made(b), rounding);
  EXPECT_EQ(kinds(b.graph), (Kinds{"CONV_2D"}));
}

TEST(FoldArithmetic, IntoDepthwiseAndFullyConnected) {
  GraphBuilder b;
  const TensorId x = b.input({1, 5, 5, 3});
  tflite::DepthwiseConv2D options;
  options.depth_multiplier = 2;
  TensorId y = b.emit(options, {x, b.constant({1, 3, 3, 6}), b.constant({6})}, {1, 3, 3, 6});
  y = b.binary(tflite::Mul{}, y, b.constant({6}));
  const TensorId logits = b.fully_connected(b.reshape(y, {1, 54}), 4);
  b.output(b.binary(tflite::Mul{}, logits, b.constant({4})));
  EXPECT_LE(difference_made(b), rounding);
  EXPECT_EQ(kinds(b.graph), (Kinds{"DEPTHWISE_CONV_2D", "RESHAPE", "FULLY_CONNECTED"}));
}

TEST(FoldArithmetic, ScaleBeforeConvolutionsOfEveryKind) {
  for (const std::int64_t groups : {1, 2, 4}) {
    GraphBuilder b;
    const TensorId x = b.binary(tflite::Mul{}, b.input({1, 5, 5, 4}), b.constant({4}, 0.1f, 2));
    tflite::Conv2D grouped;
    grouped.padding = tflite::Padding::same;
    b.output(b.emit(grouped, {x, b.constant({8, 3, 3, 4 / groups}), b.constant({8})}, {1, 5, 5, 8}));
    EXPECT_LE(difference_made(b), rounding) << groups;
    EXPECT_EQ(kinds(b.graph), (Kinds{"CONV_2D"})) << groups;
  }
  GraphBuilder b;
  const TensorId x = b.binary(tflite::Mul{}, b.input({1, 5, 5, 4}), b.constant({4}, 0.1f, 2));
  tflite::DepthwiseConv2D depthwise;
  depthwise.depth_multiplier = 2;
  b.output(b.emit(depthwise, {x, b.constant({1, 3, 3, 8}), b.constant({8})}, {1, 3, 3, 8}));
  EXPECT_LE(difference_made(b), rounding);
  EXPECT_EQ(kinds(b.graph), (Kinds{"DEPTHWISE_CONV_2D"}));
}

TEST(FoldArithmetic, NotWhereItWouldBeWrong) {
  GraphBuilder b;
  const TensorId x = nhwc_convolution(b, b.input({1, 6, 6, 3}), 4);
  // Not per channel; grows the result; and behind an activation.
  b.output(b.binary(tflite::Mul{}, x, b.constant({1, 4, 4, 1})));
  const TensorId y = nhwc_convolution(b, b.input({1, 3, 3, 3}), 1);
  b.output(b.emit(tflite::Add{}, {y, b.constant({4})}, {1, 1, 1, 4}));
  const TensorId z = b.unary(tflite::Relu{}, nhwc_convolution(b, b.input({1, 6, 6, 3}), 4));
  b.output(b.binary(tflite::Mul{}, z, b.constant({4})));
  EXPECT_LE(difference_made(b), rounding);
  EXPECT_EQ(count_of<tflite::Mul>(b.graph), 2u);
  EXPECT_EQ(count_of<tflite::Add>(b.graph), 1u);
}

TEST(HardSwish, IsFoundInEveryFormAndExpandedInOne) {
  for (int form = 0; form < 4; ++form) {
    GraphBuilder b;
    const TensorId x = b.unary(tflite::Tanh{}, b.input({1, 2, 2, 3}));
    const TensorId shifted = form % 2 == 0 ? b.binary(tflite::Add{}, x, b.filled({}, 3))
                                           : b.emit(tflite::Add{}, {b.filled({1}, 3), x}, b.shape_of(x));
    const TensorId clipped = b.unary(tflite::Relu6{}, shifted);
    if (form == 0) {
      b.output(b.binary(tflite::Mul{}, x, b.binary(tflite::Mul{}, clipped, b.filled({}, 1.0f / 6))));
    } else if (form == 1) {
      b.output(b.binary(tflite::Div{}, b.binary(tflite::Mul{}, x, clipped), b.filled({1, 1}, 6)));
    } else if (form == 2) {
      b.output(b.binary(tflite::Mul{}, b.binary(tflite::Div{}, clipped, b.filled({}, 6)), x));
    } else {
      b.output(b.binary(tflite::Mul{}, clipped, b.binary(tflite::Mul{}, x, b.filled({}, 1.0f / 6))));
    }
    EXPECT_LE(difference_made(b), 1e-6);
    EXPECT_EQ(kinds(b.graph), (Kinds{"TANH", "HARD_SWISH"})) << form;

    const auto inputs = b.draw_inputs();
    const auto before = evaluate(b.graph, inputs);
    prepare_for_integers(b.graph, litert_cpu());
    EXPECT_LE(largest_difference(before, evaluate(b.graph, inputs)), 1e-6);
    EXPECT_EQ(kinds(b.graph), (Kinds{"TANH", "ADD", "MUL", "MUL"})) << form;
    EXPECT_EQ(first<tflite::Add>(b.graph).activation, Activation::relu6);
  }
}

/// exp(x - number) / sum(exp(x - number)) along `axis`, with sums that keep the dimension or lose it in
/// between.
GraphBuilder quotient_of_powers(bool has_shift, std::int32_t axis, bool keeps) {
  GraphBuilder b;
  const Shape whole{2, 5};
  Shape line = whole;
  line[static_cast<std::size_t>(axis)] = 1;
  const TensorId x = b.input(whole);
  const auto reduce = [&](auto op, TensorId of) {
    op.keep_dims = keeps;
    if (keeps) return b.emit(op, {of, b.integers({axis})}, line);
    return b.reshape(b.emit(op, {of, b.integers({axis})}, {whole[static_cast<std::size_t>(1 - axis)]}), line);
  };
  TensorId shifted = x;
  if (has_shift) shifted = b.binary(tflite::Sub{}, x, reduce(tflite::ReduceMax{}, x));
  const TensorId powers = b.unary(tflite::Exp{}, shifted);
  b.output(b.binary(tflite::Div{}, powers, reduce(tflite::Sum{}, powers)));
  return b;
}

TEST(Softmax, IsFoundInAQuotientOfPowers) {
  for (const bool has_shift : {true, false}) {
    for (const bool keeps : {true, false}) {
      GraphBuilder b = quotient_of_powers(has_shift, 1, keeps);
      EXPECT_LE(difference_made(b), 1e-6);
      EXPECT_EQ(kinds(b.graph), (Kinds{"SOFTMAX"})) << has_shift << keeps;
    }
  }
}

TEST(Softmax, AlongAnotherAxisIsNone) {
  GraphBuilder b = quotient_of_powers(true, 0, true);
  EXPECT_LE(difference_made(b), 1e-6);
  EXPECT_EQ(count_of<tflite::Softmax>(b.graph), 0u);
}

TEST(HardSwish, OtherConstantsStayAsTheyAre) {
  GraphBuilder b;
  const TensorId x = b.unary(tflite::Tanh{}, b.input({1, 2, 2, 3}));
  const TensorId clipped = b.unary(tflite::Relu6{}, b.binary(tflite::Add{}, x, b.filled({}, 2.5f)));
  b.output(b.binary(tflite::Mul{}, x, b.binary(tflite::Mul{}, clipped, b.filled({}, 1.0f / 6))));
  EXPECT_LE(difference_made(b), 1e-6);
  EXPECT_EQ(count_of<tflite::HardSwish>(b.graph), 0u);
}

/// x -> PAD -> CONV_2D kernel x kernel of that stride.
GraphBuilder padded_convolution(std::int32_t size, std::int32_t kernel, std::int32_t stride,
                                std::int32_t before, std::int32_t after) {
  GraphBuilder b;
  const TensorId padded = b.pad(b.input({1, size, size, 2}), {0, 0, before, after, before, after, 0, 0});
  tflite::Conv2D options;
  options.stride_height = options.stride_width = stride;
  const std::int64_t out = (size + before + after - kernel) / stride + 1;
  b.output(b.emit(options, {padded, b.constant({3, kernel, kernel, 2}), b.constant({3})}, {1, out, out, 3}));
  return b;
}

TEST(FoldPad, OnlyWhereSameIsExactlyEqual) {
  // Size, kernel, stride, before, after; and whether SAME is equal.
  const struct {
    std::int32_t size, kernel, stride, before, after;
    bool equal;
  } cases[] = {{6, 3, 1, 1, 1, true}, {6, 3, 2, 1, 1, false}, {6, 3, 2, 0, 1, true}, {7, 3, 2, 1, 1, true},
               {6, 5, 1, 2, 2, true}, {6, 3, 1, 2, 2, false}, {7, 5, 2, 2, 2, true}, {6, 3, 1, 0, 2, false}};
  for (const auto& c : cases) {
    GraphBuilder b = padded_convolution(c.size, c.kernel, c.stride, c.before, c.after);
    EXPECT_LE(difference_made(b), rounding);
    EXPECT_EQ(count_of<tflite::Pad>(b.graph), c.equal ? 0u : 1u)
        << c.size << c.kernel << c.stride << c.before;
  }
}

TEST(FoldPad, MaxPoolOfWhatIsNotNegativePadsWithZero) {
  const float lowest = -std::numeric_limits<float>::infinity();
  for (const bool has_relu : {true, false}) {
    GraphBuilder b;
    TensorId x = nhwc_convolution(b, b.input({1, 8, 8, 3}), 4);
    if (has_relu) x = b.unary(tflite::Relu{}, x);
    const TensorId padded = b.pad_with(lowest, x, {0, 0, 1, 1, 1, 1, 0, 0});
    tflite::MaxPool2D pool;
    pool.filter_height = pool.filter_width = 3;
    pool.stride_height = pool.stride_width = 2;
    b.output(b.emit(pool, {padded}, {1, 3, 3, 4}));
    EXPECT_LE(difference_made(b), rounding);
    EXPECT_EQ(count_of<tflite::Pad>(b.graph), has_relu ? 1u : 0u);
    EXPECT_EQ(count_of<tflite::PadV2>(b.graph), has_relu ? 0u : 1u);
  }
}

TEST(FoldPad, MaxPoolIntoSameWhateverTheSigns) {
  GraphBuilder b;
  const TensorId padded =
      b.pad_with(-std::numeric_limits<float>::infinity(), b.input({1, 5, 5, 2}), {0, 0, 1, 1, 1, 1, 0, 0});
  tflite::MaxPool2D pool;
  pool.filter_height = pool.filter_width = 3;
  b.output(b.emit(pool, {padded}, {1, 5, 5, 2}));
  EXPECT_LE(difference_made(b), 0);
  EXPECT_EQ(kinds(b.graph), (Kinds{"MAX_POOL_2D"}));
}

TEST(FoldPad, MaxPoolOfNegativesKeepsItsZeros) {
  GraphBuilder b;
  const TensorId padded = b.pad(b.input({1, 5, 5, 2}), {0, 0, 1, 1, 1, 1, 0, 0});
  tflite::MaxPool2D pool;
  pool.filter_height = pool.filter_width = 3;
  b.output(b.emit(pool, {padded}, {1, 5, 5, 2}));
  EXPECT_LE(difference_made(b), 0);
  EXPECT_EQ(kinds(b.graph), (Kinds{"PAD", "MAX_POOL_2D"}));
}

}  // namespace
}  // namespace calib8::testing
