#include <gtest/gtest.h>

#include "optimize/graph_builder.h"
#include "optimize/layout/permutation.h"

namespace calib8::testing {
namespace {

constexpr double exact = 0;     // Layout moves elements; it never computes with them,
constexpr double sums = 1e-12;  // but may let sums run in another order.

TEST(Permutation, ThenMeansOneTransposeAfterTheOther) {
  const Permutation first{0, 3, 1, 2}, second{2, 0, 1, 3};
  const Shape shape{2, 3, 5, 7};
  EXPECT_EQ(permuted(permuted(shape, first), second), permuted(shape, then(first, second)));
  EXPECT_TRUE(is_identity(then(first, inverse(first))));
  EXPECT_FALSE(is_permutation({0, 0, 1}));
}

TEST(Permutation, KeepsElementOrderWhereOnlyOnesMove) {
  EXPECT_TRUE(keeps_element_order({1, 1, 1, 8}, {0, 3, 1, 2}));
  EXPECT_TRUE(keeps_element_order({2, 5, 1, 1}, {0, 2, 3, 1}));
  EXPECT_FALSE(keeps_element_order({1, 2, 1, 8}, {0, 3, 1, 2}));
}

TEST(Layout, CancelsThePairBetweenTwoConvolutions) {
  GraphBuilder b;
  b.output(b.to_nhwc(b.convolution(b.convolution(b.image(3, 6, 5), 4, 3), 2, 1)));
  EXPECT_LE(difference_made(b, only("transpose")), exact);
  EXPECT_EQ(count_of<tflite::Transpose>(b.graph), 0u);
  EXPECT_EQ(b.graph.node_count(), 2u);
}

TEST(Layout, MergesTwoTransposesThatDontCancel) {
  GraphBuilder b;
  b.output(b.transpose(b.transpose(b.input({2, 3, 4}), {1, 2, 0}), {0, 2, 1}));
  EXPECT_LE(difference_made(b, only("transpose")), exact);
  EXPECT_EQ(count_of<tflite::Transpose>(b.graph), 1u);
}

TEST(Layout, PermutesAConstantBesideNchw) {
  for (const Shape& shape :
       {Shape{4, 1, 1}, Shape{1, 4, 1, 1}, Shape{}, Shape{6, 5}, Shape{4, 6, 5}, Shape{1}}) {
    GraphBuilder b;
    b.output(b.to_nhwc(b.binary(tflite::Mul{}, b.image(4, 6, 5), b.constant(shape))));
    EXPECT_LE(difference_made(b, only("transpose")), exact) << to_string(shape);
    EXPECT_EQ(count_of<tflite::Transpose>(b.graph), 0u) << to_string(shape);
  }
}

/// x * sigmoid(conv(relu(conv(mean(x))))), as EfficientNet has it.
TensorId squeeze_excitation(GraphBuilder& b, TensorId x) {
  const TensorId squeezed = b.unary(tflite::Relu{}, b.convolution(b.mean(x, true), 2, 1));
  const TensorId gate = b.unary(tflite::Logistic{}, b.convolution(squeezed, b.shape_of(x)[1], 1));
  return b.binary(tflite::Mul{}, x, gate);
}

TEST(Layout, SinksThroughSqueezeExcitation) {
  GraphBuilder b;
  b.output(b.to_nhwc(b.convolution(squeeze_excitation(b, b.convolution(b.image(3, 6, 5), 4, 3)), 2, 1)));
  EXPECT_LE(difference_made(b, only("transpose")), sums);
  EXPECT_EQ(count_of<tflite::Transpose>(b.graph), 0u);
  EXPECT_EQ(count_of<tflite::Reshape>(b.graph), 0u);
}

TEST(Layout, SqueezeExcitationOfLinearLayersCostsOnlyReshapes) {
  GraphBuilder b;
  const TensorId x = b.convolution(b.image(3, 6, 5), 4, 3);
  const TensorId gate = b.unary(tflite::Logistic{}, b.fully_connected(b.mean(x, false), 4));
  b.output(b.to_nhwc(b.binary(tflite::Mul{}, x, b.reshape(gate, {1, 4, 1, 1}))));
  EXPECT_LE(difference_made(b, only("transpose")), sums);
  EXPECT_EQ(count_of<tflite::Transpose>(b.graph), 0u);
}

TEST(Layout, ClassifierBehindGlobalPoolNeedsNoTranspose) {
  GraphBuilder b;
  const TensorId pooled = b.mean(b.convolution(b.image(3, 6, 5), 4, 3), true);
  b.output(b.fully_connected(b.reshape(pooled, {1, 4}), 10));
  EXPECT_LE(difference_made(b, only("transpose")), sums);
  EXPECT_EQ(count_of<tflite::Transpose>(b.graph), 0u);
  EXPECT_EQ(count_of<tflite::Reshape>(b.graph), 1u);
}

TEST(Layout, FlattenedImagePermutesTheWeightsOfTheClassifier) {
  GraphBuilder b;
  const TensorId features = b.convolution(b.image(3, 6, 5), 4, 3);
  b.output(b.fully_connected(b.reshape(features, {1, 4 * 4 * 3}), 10));
  EXPECT_LE(difference_made(b, only("transpose")), sums);
  EXPECT_EQ(count_of<tflite::Transpose>(b.graph), 0u);
}

TEST(Layout, ChannelShuffleKeepsOneTranspose) {
  GraphBuilder b;
  const TensorId x = b.convolution(b.image(3, 4, 5), 6, 1);
  const TensorId grouped = b.transpose(b.reshape(x, {1, 2, 3, 4, 5}), {0, 2, 1, 3, 4});
  b.output(b.to_nhwc(b.convolution(b.reshape(grouped, {1, 6, 4, 5}), 2, 1)));
  EXPECT_LE(difference_made(b, only("transpose")), sums);
  EXPECT_EQ(count_of<tflite::Transpose>(b.graph), 1u);
}

TEST(Layout, PatchEmbeddingNeedsNoTranspose) {
  GraphBuilder b;
  const TensorId patches = b.reshape(b.convolution(b.image(3, 4, 5), 6, 1), {1, 6, 20});
  b.output(b.transpose(patches, {0, 2, 1}));
  EXPECT_LE(difference_made(b, only("transpose")), exact);
  EXPECT_EQ(count_of<tflite::Transpose>(b.graph), 0u);
}

TEST(Layout, ATransposeWithAnotherReaderStaysForIt) {
  GraphBuilder b;
  const TensorId x = b.image(3, 4, 5);
  b.output(b.to_nhwc(b.unary(tflite::Relu{}, x)));
  b.output(x);
  EXPECT_LE(difference_made(b, only("transpose")), exact);
  EXPECT_EQ(count_of<tflite::Transpose>(b.graph), 1u);
}

TEST(Layout, AReshapedOperandMustKeepTheOrderOfItsElements) {
  for (const Shape& shape : {Shape{3, 4, 1}, Shape{3, 1, 2}, Shape{1, 4, 2}}) {
    GraphBuilder b;
    const TensorId other = b.reshape(b.input({element_count(shape).value()}), shape);
    b.output(b.binary(tflite::Mul{}, b.transpose(b.input({2, 3, 4}), {1, 2, 0}), other));
    EXPECT_LE(difference_made(b, only("transpose")), exact) << to_string(shape);
  }
}

TEST(Layout, OperandOfAnotherOrderBlocks) {
  GraphBuilder b;
  b.output(b.binary(tflite::Add{}, b.transpose(b.input({2, 2, 2}), {2, 0, 1}),
                    b.transpose(b.input({2, 2, 2}), {1, 2, 0})));
  EXPECT_LE(difference_made(b, only("transpose")), exact);
  EXPECT_EQ(count_of<tflite::Transpose>(b.graph), 2u);
}

TEST(Layout, ALongWayThroughManyKindsOfOperatorsSettles) {
  GraphBuilder b;
  TensorId x = b.image(2, 1, 1);
  for (int i = 0; i < 100; ++i) {
    x = b.pad(b.unary(tflite::Tanh{}, x), {0, 0, 0, 0, 0, 1, 0, 0});
    const Shape& shape = b.shape_of(x);
    x = b.slice(b.binary(tflite::Add{}, x, b.constant({2, 1, 1})), {0, 0, 1, 0},
                {1, 2, static_cast<std::int32_t>(shape[2]) - 1, 1});
  }
  b.output(b.to_nhwc(x));
  EXPECT_LE(difference_made(b, only("transpose")), exact);
  EXPECT_EQ(count_of<tflite::Transpose>(b.graph), 0u);
}

TEST(Layout, StridedSliceMovesItsMasks) {
  GraphBuilder b;
  tflite::StridedSlice options;
  options.begin_mask = 0b0001;
  options.end_mask = 0b0011;
  const TensorId sliced =
      b.emit(options,
             {b.image(6, 4, 5), b.integers({9, 1, 0, 1}), b.integers({9, 9, 4, 5}), b.integers({1, 2, 3, 1})},
             {1, 3, 2, 4});
  b.output(b.to_nhwc(sliced));
  EXPECT_LE(difference_made(b, only("transpose")), exact);
  EXPECT_EQ(count_of<tflite::Transpose>(b.graph), 0u);
}

TEST(Layout, KeepsTheNamesOfTheModulesAndTheOutputs) {
  GraphBuilder b;
  const TensorId x = b.convolution(b.image(3, 4, 5), 6, 1);
  const TensorId y = b.unary(tflite::Tanh{}, x);
  b.graph[y].name = "features.1";
  b.output(b.to_nhwc(y));
  optimize(b.graph, only("transpose"));
  EXPECT_EQ(b.graph[b.graph.outputs()[0]].name, "features.1");
}

// Random CNNs in NCHW order, as lowering writes them. None of their operators needs a TRANSPOSE in NHWC.
class RandomNetwork {
 public:
  explicit RandomNetwork(unsigned seed) : b_(seed) {}

  GraphBuilder& build() {
    TensorId x = b_.image(4, 7, 6);
    for (std::int64_t i = 0; i < 10; ++i) x = grow(x);
    if (b_.draw(2) == 0) {
      const Shape shape = b_.shape_of(x);
      const bool pooled = b_.draw(2) == 0;
      const TensorId flat = pooled ? b_.mean(x, b_.draw(2) == 0) : x;
      b_.output(
          b_.fully_connected(b_.reshape(flat, {1, pooled ? shape[1] : shape[1] * shape[2] * shape[3]}), 3));
    }
    b_.output(b_.to_nhwc(x));
    return b_;
  }

 private:
  TensorId grow(TensorId x) {
    const Shape shape = b_.shape_of(x);
    const auto n = [](std::int64_t size) { return static_cast<std::int32_t>(size); };
    switch (b_.draw(13)) {
      case 0:
        return b_.unary(tflite::Logistic{}, x);
      case 1:
        return b_.convolution(x, 1 + b_.draw(5), 1);
      case 2:
        return shape[2] > 3 && shape[3] > 3 ? b_.convolution(x, 4, 3) : x;
      case 3:
        return b_.binary(tflite::Add{}, x, b_.constant({shape[1], 1, 1}));
      case 4:
        return b_.binary(tflite::Add{}, b_.unary(tflite::Tanh{}, x), x);
      case 5:
        return squeeze_excitation(b_, x);
      case 6:
        return b_.pad(x,
                      {0, 0, n(b_.draw(2)), n(b_.draw(2)), n(b_.draw(3)), n(b_.draw(3)), n(b_.draw(3)), 0});
      case 7:
        return shape[1] < 12 ? b_.concatenation({x, b_.unary(tflite::Relu{}, x)}, 1) : x;
      case 8:
        return b_.concatenation({x, b_.constant({1, shape[1], 1, shape[3]})}, 2);
      case 9:
        return shape[1] > 1 ? b_.slice(x, {0, 1, 0, 0}, {1, n(shape[1]) - 1, n(shape[2]), n(shape[3])}) : x;
      case 10: {
        if (shape[1] % 2 != 0) return x;
        const auto halves = b_.split(x, 1, 2);
        return b_.binary(tflite::Mul{}, halves[0], halves[1]);
      }
      case 11:
        return shape[2] > 2 && shape[3] > 2 ? b_.max_pool(x, 2, 1) : x;
      default:
        return b_.to_nchw(b_.unary(tflite::Softmax{}, b_.to_nhwc(x)));
    }
  }

  GraphBuilder b_;
};

TEST(Layout, RandomNetworksEndWithoutTransposesAndComputeTheSame) {
  for (unsigned seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomNetwork network(seed);
    GraphBuilder& b = network.build();
    ASSERT_LE(difference_made(b, only("transpose")), 1e-9);
    ASSERT_EQ(count_of<tflite::Transpose>(b.graph), 0u) << to_text(b.graph);
  }
}

// Random TRANSPOSEs of random ranks between operators of all kinds: nothing but correctness to be expected.
class RandomTransposes {
 public:
  explicit RandomTransposes(unsigned seed) : b_(seed) {}

  GraphBuilder& build() {
    Shape shape;
    for (std::int64_t i = 2 + b_.draw(3); i > 0; --i) shape.push_back(1 + b_.draw(4));
    pool_ = {b_.input(shape)};
    for (int i = 0; i < 14; ++i)
      pool_.push_back(
          grow(pool_[static_cast<std::size_t>(b_.draw(static_cast<std::int64_t>(pool_.size())))]));
    b_.output(pool_.back());
    b_.output(pool_[pool_.size() / 2]);
    return b_;
  }

 private:
  std::vector<std::int32_t> random_permutation(std::size_t rank) {
    std::vector<std::int32_t> permutation(rank);
    for (std::size_t i = 0; i < rank; ++i) permutation[i] = static_cast<std::int32_t>(i);
    std::shuffle(permutation.begin(), permutation.end(), b_.random());
    return permutation;
  }
  /// Merges two neighbouring dimensions, or splits one, or adds one of size 1.
  Shape regrouped(Shape shape) {
    const auto place = b_.draw(static_cast<std::int64_t>(shape.size()));
    const auto at = static_cast<std::size_t>(place);
    if (b_.draw(2) == 0 && at + 1 < shape.size()) {
      shape[at] *= shape[at + 1];
      shape.erase(shape.begin() + place + 1);
    } else if (shape[at] % 2 == 0 && shape.size() < 5) {
      shape[at] /= 2;
      shape.insert(shape.begin() + place, 2);
    } else if (shape.size() < 5) {
      shape.insert(shape.begin() + place, 1);
    }
    return shape;
  }

  TensorId grow(TensorId x) {
    const Shape shape = b_.shape_of(x);
    const std::size_t rank = shape.size();
    if (rank == 0) return x;
    const auto axis = static_cast<std::int32_t>(b_.draw(static_cast<std::int64_t>(rank)));
    const auto at = static_cast<std::size_t>(axis);
    switch (b_.draw(11)) {
      case 0:
        return b_.unary(tflite::Tanh{}, x);
      case 1: {
        Shape other(rank, 1);
        other[at] = shape[at];
        if (b_.draw(2) == 0) other.erase(other.begin(), other.begin() + axis);
        return b_.binary(tflite::Sub{}, x, b_.constant(other));
      }
      case 2:
        return b_.binary(tflite::Add{}, x, b_.unary(tflite::Relu{}, x));
      case 3:
        return b_.reshape(x, regrouped(shape));
      case 4: {
        Shape kept = shape;
        kept[at] = 1;
        tflite::Sum options;
        options.keep_dims = true;
        return b_.emit(options, {x, b_.integers({axis})}, kept);
      }
      case 5: {
        if (rank < 3) return x;
        Shape kept = shape;
        kept.erase(kept.begin() + axis);
        return b_.emit(tflite::ReduceMax{}, {x, b_.integers({axis - static_cast<std::int32_t>(rank)})}, kept);
      }
      case 6:
        return shape[at] < 12 ? b_.concatenation({x, b_.unary(tflite::Neg{}, x), b_.constant(shape)}, axis)
                              : x;
      case 7:
        return b_.unary(tflite::Softmax{}, x);
      case 8: {  // A partner that is mostly of size 1, without a TRANSPOSE of its own.
        Shape other(rank, 1);
        other[at] = shape[at];
        const std::size_t second = (at + 1) % rank;
        if (b_.draw(2) == 0) other[second] = shape[second];
        return b_.binary(tflite::Mul{}, x, b_.reshape(b_.input({element_count(other).value()}), other));
      }
      default:
        return b_.transpose(x, random_permutation(rank));
    }
  }

  GraphBuilder b_;
  std::vector<TensorId> pool_;
};

TEST(Layout, RandomTransposesComputeTheSame) {
  for (unsigned seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomTransposes random(seed);
    GraphBuilder& b = random.build();
    const std::size_t before = count_of<tflite::Transpose>(b.graph);
    ASSERT_LE(difference_made(b, only("transpose")), 1e-9) << "from " << before << " TRANSPOSEs\n"
                                                           << to_text(b.graph);
  }
}

}  // namespace
}  // namespace calib8::testing
