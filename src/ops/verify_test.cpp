#include "ops/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "calib8/error.h"
#include "ops/tflite_op.h"

namespace calib8 {
namespace {

using testing::HasSubstr;
using Integers = std::vector<std::int32_t>;

/// One operator, its inputs computed ("x0", "x1") or constant, and the shape that its output is declared to
/// have.
struct Single {
  TfliteGraph graph;
  std::vector<TensorId> inputs, model_inputs;

  Single& x(Shape shape, DType dtype = DType::float32) {
    inputs.push_back(graph.add_value(
        {"x" + std::to_string(inputs.size()), dtype, std::move(shape), std::nullopt, std::nullopt}));
    model_inputs.push_back(inputs.back());
    return *this;
  }
  Single& weights(Shape shape) {
    const auto count = static_cast<std::size_t>(element_count(shape).value());
    return constant(make_tensor(std::move(shape), std::vector<float>(count, 1.0f)));
  }
  Single& integers(const Integers& values) {
    return constant(make_tensor({static_cast<std::int64_t>(values.size())}, values));
  }
  Single& constant(Tensor tensor) {
    inputs.push_back(graph.add_constant("c" + std::to_string(inputs.size()), std::move(tensor)));
    return *this;
  }
  Single& absent() {
    inputs.push_back({});
    return *this;
  }
  /// "none", or the fault that is found.
  std::string fault(tflite::Options options, Shape declared, DType dtype = DType::float32) {
    const TensorId y = graph.emit(std::move(options), inputs, "y", std::move(declared), dtype);
    graph.set_inputs(model_inputs);
    graph.set_outputs({y});
    return first_fault(graph).value_or("none");
  }
};

std::string declared(std::string_view op, const std::string& from, const std::string& to) {
  return std::string(op) + " 'y': its output is declared float32" + from +
         ", but its operands and options make float32" + to;
}

template <class Op>
Op with_strides(std::int32_t height, std::int32_t width, tflite::Padding padding = tflite::Padding::valid) {
  Op op;
  op.stride_height = height;
  op.stride_width = width;
  op.padding = padding;
  return op;
}

TEST(VerifyTflite, NamesTheStage) {
  Single single;
  single.x({1, 2}).fault(tflite::Relu{}, {1, 3});
  try {
    verify(single.graph, "folding");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::internal);
    EXPECT_THAT(error.what(), HasSubstr("after folding: RELU 'y': its output is declared"));
  }
}

TEST(VerifyTflite, CountsInputs) {
  EXPECT_EQ(Single().x({2}).fault(tflite::Add{}, {2}), "ADD 'y': has 1 inputs");
  EXPECT_EQ(Single().x({2}).absent().fault(tflite::Add{}, {2}), "ADD 'y': lacks its input 1");
  EXPECT_EQ(Single().x({2}).absent().fault(tflite::Concatenation{}, {2}),
            "CONCATENATION 'y': lacks its input 1");
  EXPECT_EQ(Single().x({1, 4}).weights({3, 4}).absent().fault(tflite::FullyConnected{}, {1, 3}), "none");
}

TEST(VerifyTflite, NarrowWeightsWithoutAScale) {
  const Tensor narrow = make_tensor({3, 4}, std::vector<std::int8_t>(12, 1));
  EXPECT_EQ(Single().x({1, 4}).constant(narrow).fault(tflite::FullyConnected{}, {1, 3}),
            "FULLY_CONNECTED 'y': reads 'c1' of int8 without a scale");
  EXPECT_EQ(Single().x({3, 3}).constant(narrow).fault(tflite::BatchMatMul{}, {3, 4}),
            "BATCH_MATMUL 'y': reads 'c1' of int8 without a scale");
}

TEST(VerifyTflite, SizesThatNoKernelCounts) {
  EXPECT_THAT(Single().x({1, 0}).fault(tflite::Relu{}, {1, 0}),
              HasSubstr("input 'x0' of shape [1, 0] has no"));
  EXPECT_THAT(Single().x({65536, 65536}).fault(tflite::Relu{}, {65536, 65536}),
              HasSubstr("than LiteRT can count"));
  EXPECT_THAT(Single().x({65536, 1}).x({1, 65536}).fault(tflite::Add{}, {65536, 65536}),
              HasSubstr("ADD 'y': its output of shape [65536, 65536] has more elements"));
}

TEST(VerifyTflite, DimensionsThatNoKernelTakes) {
  const Shape seven(7, 2);
  EXPECT_EQ(Single().x(seven).fault(tflite::Relu{}, seven), "none");
  EXPECT_THAT(Single().x(seven).fault(tflite::Concatenation{}, seven),
              HasSubstr("CONCATENATION 'y': of 7 dimensions; LiteRT takes 6 at most there"));
  EXPECT_THAT(Single().x(seven).integers({0}).fault(tflite::Sum{}, Shape(6, 2)),
              HasSubstr("takes 6 at most"));
}

TEST(VerifyTflite, Convolutions) {
  const auto conv = [](const tflite::Conv2D& op, const Shape& y) {
    return Single().x({1, 9, 8, 4}).weights({6, 3, 2, 4}).weights({6}).fault(op, y);
  };
  using tflite::Padding;
  EXPECT_EQ(conv(with_strides<tflite::Conv2D>(2, 3), {1, 4, 3, 6}), "none");
  EXPECT_EQ(conv(with_strides<tflite::Conv2D>(2, 3, Padding::same), {1, 5, 3, 6}), "none");
  EXPECT_EQ(conv(with_strides<tflite::Conv2D>(2, 3), {1, 5, 3, 6}),
            declared("CONV_2D", "[1, 5, 3, 6]", "[1, 4, 3, 6]"));
  for (const std::int32_t wild : {0, -1, 32768, INT32_MIN, INT32_MAX}) {
    EXPECT_THAT(conv(with_strides<tflite::Conv2D>(wild, 1), {1, 7, 7, 6}), HasSubstr("stride")) << wild;
    EXPECT_THAT(conv(with_strides<tflite::Conv2D>(1, wild), {1, 7, 7, 6}), HasSubstr("stride")) << wild;
    tflite::Conv2D dilated;
    dilated.dilation_width = wild;
    EXPECT_THAT(conv(dilated, {1, 7, 7, 6}), HasSubstr("dilation")) << wild;
  }
  tflite::Conv2D dilated;
  dilated.dilation_height = 5;
  EXPECT_THAT(conv(dilated, {1, 1, 7, 6}),
              HasSubstr("filter reaches over 11 elements of its height, which has 9"));

  const auto fits = [](const Shape& weights, const Shape& bias, tflite::Options op, const Shape& y) {
    return Single().x({1, 4, 4, 6}).weights(weights).weights(bias).fault(std::move(op), y);
  };
  EXPECT_EQ(fits({4, 1, 1, 3}, {4}, tflite::Conv2D{}, {1, 4, 4, 4}), "none") << "two groups";
  EXPECT_THAT(fits({5, 1, 1, 3}, {5}, tflite::Conv2D{}, {1, 4, 4, 5}),
              HasSubstr("don't fit an input of 6 channels"));
  EXPECT_THAT(fits({4, 1, 1, 4}, {4}, tflite::Conv2D{}, {1, 4, 4, 4}),
              HasSubstr("don't fit an input of 6 channels"));
  EXPECT_THAT(fits({4, 1, 1, 7}, {4}, tflite::Conv2D{}, {1, 4, 4, 4}),
              HasSubstr("don't fit an input of 6 channels"));
  EXPECT_THAT(fits({4, 1, 1, 6}, {5}, tflite::Conv2D{}, {1, 4, 4, 4}), HasSubstr("its bias has shape [5]"));
  EXPECT_THAT(fits({4, 1, 6}, {4}, tflite::Conv2D{}, {1, 4, 4, 4}), HasSubstr("it takes 4 dimensions"));
  tflite::DepthwiseConv2D twice;
  twice.depth_multiplier = 2;
  EXPECT_EQ(fits({1, 1, 1, 12}, {12}, twice, {1, 4, 4, 12}), "none");
  EXPECT_THAT(fits({1, 1, 1, 6}, {6}, twice, {1, 4, 4, 6}),
              HasSubstr("depth multiplier 2 does not lead from 6"));
  EXPECT_THAT(fits({2, 1, 1, 12}, {12}, twice, {1, 4, 4, 12}), HasSubstr("not [1, ...]"));
}

TEST(VerifyTflite, TransposedConvolutions) {
  const auto up = [](const Integers& to, std::int32_t stride, const Shape& y) {
    return Single()
        .integers(to)
        .weights({3, 2, 2, 5})
        .x({1, 4, 4, 5})
        .fault(with_strides<tflite::TransposeConv>(stride, stride), y);
  };
  EXPECT_EQ(up({1, 8, 8, 3}, 2, {1, 8, 8, 3}), "none");
  EXPECT_EQ(up({1, 9, 8, 3}, 2, {1, 9, 8, 3}), "none") << "the last row is no window's";
  EXPECT_THAT(up({1, 10, 8, 3}, 2, {1, 10, 8, 3}), HasSubstr("not to the input's 4 x 4"));
  EXPECT_THAT(up({1, 8, 8, 3}, 8, {1, 8, 8, 3}), HasSubstr("lead from [1, 8, 8, 3] to 1 x 1"));
  EXPECT_THAT(up({1, 8, 8, 3}, 0, {1, 8, 8, 3}), HasSubstr("stride 0"));
  EXPECT_THAT(up({1, 8, 8, 4}, 2, {1, 8, 8, 4}), HasSubstr("fits neither"));
  EXPECT_THAT(up({8, 8, 3}, 2, {8, 8, 3}), HasSubstr("fits neither"));
  EXPECT_THAT(
      Single().x({4}, DType::int32).weights({3, 2, 2, 5}).x({1, 4, 4, 5}).fault(tflite::TransposeConv{}, {1}),
      HasSubstr("'x0' are computed"));
}

TEST(VerifyTflite, Products) {
  const auto dense = [](bool keeps, const Shape& weights, const Shape& y) {
    return Single().x({2, 3, 4}).weights(weights).fault(
        tflite::FullyConnected{tflite::Activation::none, keeps}, y);
  };
  EXPECT_EQ(dense(false, {5, 4}, {6, 5}), "none");
  EXPECT_EQ(dense(false, {5, 12}, {2, 5}), "none");
  EXPECT_EQ(dense(true, {5, 4}, {2, 3, 5}), "none");
  EXPECT_THAT(dense(true, {5, 12}, {2, 5}), HasSubstr("don't fit an input of [2, 3, 4]"));
  EXPECT_THAT(dense(false, {5, 7}, {3, 5}), HasSubstr("don't fit"));
  EXPECT_THAT(dense(false, {5, 2, 2}, {6, 5}), HasSubstr("it takes 2 dimensions"));
  const auto product = [](tflite::BatchMatMul op, const Shape& b, const Shape& y) {
    return Single().x({2, 1, 3, 4}).x(b).fault(op, y);
  };
  EXPECT_EQ(product({}, {5, 4, 6}, {2, 5, 3, 6}), "none");
  EXPECT_EQ(product({false, true}, {6, 4}, {2, 1, 3, 6}), "none");
  EXPECT_THAT(product({true, false}, {4, 6}, {2, 1, 4, 6}), HasSubstr("can't be multiplied"));
  EXPECT_THAT(product({}, {3, 5, 4, 6}, {3, 5, 3, 6}), HasSubstr("don't broadcast"));
  EXPECT_THAT(product({}, {4}, {2, 1, 3}), HasSubstr("which is no matrix"));
}

TEST(VerifyTflite, Pools) {
  const auto pool = [](std::int32_t filter, std::int32_t stride, tflite::Padding padding, const Shape& y) {
    auto op = with_strides<tflite::MaxPool2D>(stride, stride, padding);
    op.filter_height = op.filter_width = filter;
    return Single().x({1, 7, 7, 2}).fault(op, y);
  };
  using enum tflite::Padding;
  EXPECT_EQ(pool(3, 2, valid, {1, 3, 3, 2}), "none");
  EXPECT_EQ(pool(9, 2, same, {1, 4, 4, 2}), "none");
  EXPECT_THAT(pool(8, 1, valid, {1, 1, 1, 2}), HasSubstr("reaches over 8 elements of its height"));
  EXPECT_THAT(pool(0, 1, valid, {1, 8, 8, 2}), HasSubstr("filter size 0"));
  EXPECT_THAT(pool(INT32_MAX, 1, same, {1, 7, 7, 2}), HasSubstr("filter size 2147483647"));
}

TEST(VerifyTflite, Elementwise) {
  EXPECT_EQ(Single().x({2, 1, 3}).x({4, 1}).fault(tflite::Mul{}, {2, 4, 3}), "none");
  EXPECT_THAT(Single().x({2, 3}).x({3, 2}).fault(tflite::Mul{}, {2, 3}),
              HasSubstr("[2, 3] and [3, 2] don't broadcast"));
  EXPECT_THAT(Single().x({2}).x({2}, DType::int32).fault(tflite::Sub{}, {2}),
              HasSubstr("are float32 and int32"));
  EXPECT_EQ(Single().x({2, 3}).fault(tflite::Logistic{}, {3, 2}), declared("LOGISTIC", "[3, 2]", "[2, 3]"));
  EXPECT_THAT(Single().x({2}).fault(tflite::Tanh{}, {2}, DType::int8), HasSubstr("declared int8[2]"));
  EXPECT_THAT(Single().x({2}, DType::int32).fault(tflite::Exp{}, {2}, DType::int32),
              HasSubstr("does not take"));
  EXPECT_EQ(Single().x({1, 2, 3}).weights({3}).fault(tflite::PRelu{}, {1, 2, 3}), "none");
  EXPECT_THAT(Single().x({1, 1, 3}).weights({2, 3}).fault(tflite::PRelu{}, {1, 2, 3}),
              HasSubstr("don't fit"));
  EXPECT_THAT(Single().x({2}).fault(tflite::LeakyRelu{std::nanf("")}, {2}), HasSubstr("its slope is nan"));
  EXPECT_THAT(Single().x({2}).fault(tflite::Softmax{0.0f}, {2}), HasSubstr("beta is 0"));
  EXPECT_THAT(Single().x({}).fault(tflite::Softmax{}, {}), HasSubstr("takes no scalar"));
  EXPECT_THAT(Single().x({2}).fault(tflite::Quantize{}, {2}, DType::int8), HasSubstr("without a scale"));
  EXPECT_EQ(Single().x({2}, DType::float16).fault(tflite::Dequantize{}, {2}), "none");
  EXPECT_THAT(Single().x({2}, DType::int8).fault(tflite::Dequantize{}, {2}), HasSubstr("without a scale"));
}

TEST(VerifyTflite, Reductions) {
  const auto mean = [](const Integers& axes, bool keeps, const Shape& y) {
    return Single().x({2, 3, 4}).integers(axes).fault(tflite::Mean{keeps}, y);
  };
  EXPECT_EQ(mean({1, -1, 1}, false, {2}), "none");
  EXPECT_EQ(mean({0}, true, {1, 3, 4}), "none");
  EXPECT_EQ(mean({}, false, {2, 3, 4}), "none");
  EXPECT_EQ(mean({1}, false, {2, 3}), declared("MEAN", "[2, 3]", "[2, 4]"));
  for (const std::int32_t wild : {3, -4, INT32_MAX, INT32_MIN})
    EXPECT_THAT(mean({wild}, false, {2, 3}), HasSubstr("is outside of its 3 dimensions")) << wild;
  EXPECT_THAT(mean(Integers(1000, 0), false, {3, 4}), HasSubstr("too many"));
}

TEST(VerifyTflite, Reshapes) {
  const auto reshape = [](const Integers& to, const Shape& y) {
    return Single().x({2, 6}).integers(to).fault(tflite::Reshape{}, y);
  };
  EXPECT_EQ(reshape({3, -1}, {3, 4}), "none");
  EXPECT_EQ(Single().x({2, 6}).fault(tflite::Reshape{{4, 3}}, {4, 3}), "none");
  EXPECT_EQ(Single().x({1, 1}).fault(tflite::Reshape{{0}}, {}), "none");
  EXPECT_THAT(Single().x({2, 6}).absent().fault(tflite::Reshape{{4, 3}}, {4, 3}),
              HasSubstr("omits its sizes"));
  EXPECT_EQ(reshape({4, 3}, {3, 4}), declared("RESHAPE", "[3, 4]", "[4, 3]"));
  for (const Integers& wild : {Integers{5, 2}, {-1, -1}, {5, -1}, {0, -1}, {-3, -4}, {INT32_MAX, INT32_MAX}})
    EXPECT_THAT(reshape(wild, {3, 4}), HasSubstr("doesn't have the elements of [2, 6]")) << wild[0];
}

TEST(VerifyTflite, Movers) {
  const auto moved = [](tflite::Options op, const Integers& by, const Shape& y) {
    return Single().x({1, 2, 3, 4}).integers(by).fault(std::move(op), y);
  };
  EXPECT_EQ(moved(tflite::Transpose{}, {0, 3, 1, 2}, {1, 4, 2, 3}), "none");
  for (const Integers& wild : {Integers{0, 1, 2}, {0, 1, 2, 2}, {0, 1, 2, 4}, {0, 1, 2, -1}, {0, 1, 2, 3, 3}})
    EXPECT_THAT(moved(tflite::Transpose{}, wild, {1, 2, 3, 4}),
                HasSubstr("is no permutation of 4 dimensions"));

  const auto pad = [](const Integers& by, const Shape& y) {
    return Single().x({1, 8}).constant(make_tensor({2, 2}, by)).fault(tflite::Pad{}, y);
  };
  EXPECT_EQ(pad({0, 0, 1, 2}, {1, 11}), "none");
  EXPECT_EQ(pad({0, 0, 1000, 0}, {1, 9}), declared("PAD", "[1, 9]", "[1, 1008]"));
  EXPECT_THAT(pad({0, 0, -1, 0}, {1, 7}), HasSubstr("can't pad by -1"));
  EXPECT_THAT(moved(tflite::Pad{}, {0, 0, 0, 0, 0, 0, 0, 0}, {1, 2, 3, 4}),
              HasSubstr("paddings of shape [8]"));
  EXPECT_THAT(Single()
                  .x({1, 8})
                  .constant(make_tensor<std::int32_t>({2, 2}, {0, 0, 0, 0}))
                  .weights({2})
                  .fault(tflite::PadV2{}, {1, 8}),
              HasSubstr("pads float32 with float32[2]"));

  const auto join = [](std::int32_t axis, const Shape& b, const Shape& y) {
    return Single().x({1, 2, 3}).x(b).fault(tflite::Concatenation{axis, {}}, y);
  };
  EXPECT_EQ(join(-1, {1, 2, 5}, {1, 2, 8}), "none");
  EXPECT_THAT(join(1, {1, 2, 5}, {1, 4, 3}), HasSubstr("can't follow"));
  EXPECT_THAT(join(0, {1, 2}, {2, 2, 3}), HasSubstr("can't follow"));
  EXPECT_THAT(join(3, {1, 2, 3}, {1, 2, 3}), HasSubstr("axis 3 is outside of its 3 dimensions"));
  EXPECT_THAT(Single().x({2}).fault(tflite::Concatenation{0, tflite::Activation::relu}, {2}),
              HasSubstr("has a fused activation"));

  const auto split = [](std::int32_t axis, std::int32_t parts, const Shape& y) {
    return Single().integers({axis}).x({1, 6}).fault(tflite::Split{parts}, y);
  };
  EXPECT_EQ(split(1, 1, {1, 6}), "none");
  EXPECT_EQ(split(1, 1, {1, 5}), declared("SPLIT", "[1, 5]", "[1, 6]"));
  for (const std::int32_t wild : {0, -1, 2, INT32_MAX, INT32_MIN})
    EXPECT_THAT(split(1, wild, {1, 6}), HasSubstr("can't split")) << wild;
  EXPECT_THAT(split(2, 1, {1, 6}), HasSubstr("axis 2 is outside"));
}

TEST(VerifyTflite, Slices) {
  const auto slice = [](const Integers& begin, const Integers& size, const Shape& y) {
    return Single().x({4, 5}).integers(begin).integers(size).fault(tflite::Slice{}, y);
  };
  EXPECT_EQ(slice({1, 2}, {2, -1}, {2, 3}), "none");
  EXPECT_EQ(slice({1, 2}, {2, 2}, {2, 3}), declared("SLICE", "[2, 3]", "[2, 2]"));
  EXPECT_THAT(slice({4, 0}, {-1, 5}, {0, 5}), HasSubstr("has no elements"));
  for (const Integers& wild : {Integers{-1, 0}, {0, 6}, {3, 0}, {INT32_MAX, 0}, {0}, {0, 0, 0}})
    EXPECT_THAT(slice(wild, {2, 2}, {2, 2}), HasSubstr("is not within [4, 5]")) << wild[0];
  EXPECT_THAT(slice({0, 0}, {-2, 2}, {2, 2}), HasSubstr("is not within"));

  const auto strided = [](const Integers& begin, const Integers& end, const Integers& strides, const Shape& y,
                          tflite::StridedSlice masks = {}) {
    return Single().x({4, 5}).integers(begin).integers(end).integers(strides).fault(masks, y);
  };
  EXPECT_EQ(strided({1, -1}, {9, 0}, {2, -2}, {2, 2}), "none") << "rows 1, 3; columns 4, 2";
  EXPECT_EQ(strided({1}, {3}, {1}, {2, 5}), "none") << "dimensions that aren't named are whole";
  EXPECT_EQ(strided({3, 3}, {1, 1}, {1, 1}, {4, 5}, {.begin_mask = 3, .end_mask = 3}), "none");
  EXPECT_EQ(strided({-1, 0}, {0, 5}, {1, 1}, {5}, {.shrink_axis_mask = 1}), "none");
  EXPECT_EQ(strided({0, 1}, {0, 3}, {1, 1}, {4, 2}, {.ellipsis_mask = 1}), "none");
  EXPECT_EQ(strided({0, 1}, {0, 3}, {1, 1}, {1, 2, 5}, {.new_axis_mask = 1}), "none");
  EXPECT_EQ(strided({0, 0}, {4, 4}, {1, 1}, {4, 5}), declared("STRIDED_SLICE", "[4, 5]", "[4, 4]"));
  EXPECT_THAT(strided({0, 0}, {4, 5}, {1, 0}, {4, 5}), HasSubstr("stride 0"));
  EXPECT_THAT(strided({4, 0}, {5, 5}, {1, 1}, {5}, {.shrink_axis_mask = 1}),
              HasSubstr("index 4 is outside of 4"));
  EXPECT_THAT(strided({2, 0}, {2, 5}, {1, 1}, {0, 5}), HasSubstr("has no elements"));
  EXPECT_THAT(strided({0, 0}, {4, 5}, {1}, {4, 5}), HasSubstr("don't fit"));
  EXPECT_THAT(strided({0, 0, 0}, {1, 1, 1}, {1, 1, 1}, {1, 1}), HasSubstr("don't fit [4, 5]"));
  EXPECT_THAT(strided({0, 0}, {4, 5}, {1, 1}, {4, 5}, {.ellipsis_mask = 3}), HasSubstr("2 ellipses"));
  EXPECT_EQ(strided({INT32_MIN, INT32_MIN}, {INT32_MAX, INT32_MAX}, {INT32_MAX, 1}, {1, 5}), "none");
  EXPECT_EQ(strided({INT32_MAX, 0}, {INT32_MIN, 5}, {INT32_MIN, 1}, {1, 5}), "none");
}

TEST(VerifyTflite, Images) {
  const auto resized = [](const Integers& to, const Shape& y, tflite::Resize options = {}) {
    return Single().x({1, 4, 4, 8}).integers(to).fault(tflite::ResizeBilinear{options}, y);
  };
  EXPECT_EQ(resized({7, 9}, {1, 7, 9, 8}), "none");
  EXPECT_EQ(resized({98, 9}, {1, 7, 9, 8}), declared("RESIZE_BILINEAR", "[1, 7, 9, 8]", "[1, 98, 9, 8]"));
  EXPECT_THAT(resized({0, 9}, {1, 0, 9, 8}), HasSubstr("can't resize to [0, 9]"));
  EXPECT_THAT(resized({7}, {1, 7, 7, 8}), HasSubstr("can't resize to [7]"));
  EXPECT_THAT(resized({7, 9}, {1, 7, 9, 8}, {true, true}), HasSubstr("corners can't be aligned"));

  const auto shuffled = [](tflite::Options op, const Shape& y) {
    return Single().x({1, 4, 4, 8}).fault(op, y);
  };
  EXPECT_EQ(shuffled(tflite::DepthToSpace{2}, {1, 8, 8, 2}), "none");
  EXPECT_EQ(shuffled(tflite::SpaceToDepth{2}, {1, 2, 2, 32}), "none");
  for (const std::int32_t wild : {0, -1, -2, 3, 255, INT32_MAX, INT32_MIN}) {
    EXPECT_THAT(shuffled(tflite::DepthToSpace{wild}, {1, 8, 8, 2}), HasSubstr("don't divide 8 channels"))
        << wild;
    EXPECT_THAT(shuffled(tflite::SpaceToDepth{wild}, {1, 2, 2, 32}), HasSubstr("don't divide 4 x 4")) << wild;
  }
}

}  // namespace
}  // namespace calib8
