#include "quantize/softmax_masks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "quantize/small_plans.h"

namespace calib8 {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

struct MaskedScores : SmallGraph {
  TensorId x, sum;

  explicit MaskedScores(std::vector<float> mask, Range scores = {-2, 2},
                        tflite::Options reader = tflite::Softmax{}) {
    const auto rows = static_cast<std::int64_t>(mask.size()) / 3;
    x = input({rows, 3}, scores);
    sum = emit(tflite::Add{}, {x, constant({rows, 3}, std::move(mask))}, {rows, 3}, Range{-1e9f, 2});
    graph.set_outputs({emit(std::move(reader), {sum}, {rows, 3}, Range{-1, 1})});
  }
  std::optional<SoftmaxMask> mask() const {
    return softmax_mask(graph, graph.producer(sum), Range{-2, 2}, 255);
  }
};

TEST(SoftmaxMask, WhatIsMaskedWeighsLessThanAStepWhateverTheScores) {
  for (const float lowest : {-1e4f, -1e9f, std::numeric_limits<float>::lowest(), -infinity}) {
    const auto mask = MaskedScores({0, lowest, lowest, 0, 0, lowest}).mask();
    ASSERT_TRUE(mask) << lowest;
    EXPECT_EQ(mask->values.high, 0);
    EXPECT_LT(2 * std::exp(mask->lowest_sum - (-2)), 1.0 / 255);
    EXPECT_LE(mask->values.low + 2, mask->lowest_sum);
    EXPECT_GT(mask->values.low, -16);
  }
}

TEST(SoftmaxMask, IsNoneWhereScoresMayOutweighItOrOthersReadIt) {
  EXPECT_FALSE(MaskedScores({0, -3, 3}).mask()) << "a bias";
  EXPECT_FALSE(MaskedScores({-9, -9, -8, 0, 0, 1}).mask()) << "the lower row is a row like others";
  EXPECT_FALSE(MaskedScores({0, -1e9f, 0}, {-2, 2}, tflite::Abs{}).mask());
  EXPECT_TRUE(MaskedScores({0, -1e9f, 0, -1e9f, -1e9f, -1e9f}).mask()) << "a row without any key";
}

TEST(SoftmaxMask, KeepsTheLevelsOfTheScores) {
  MaskedScores model({0, -1e9f, -1e9f, 0, 0, -infinity});
  const Plan plan = model.plan(model.graph.outputs());
  EXPECT_LT(scale_in(plan, model.sum), 0.1f);
  const TfliteGraph quantized = model.quantized(plan);
  const TensorId mask = quantized[quantized.producer(model.sum)].inputs[1];
  const auto levels = to_int64(quantized[mask].as_tensor());
  EXPECT_EQ(levels[0], quantized[mask].quantization->zero_points[0]) << "0 stays exact";
  EXPECT_EQ(levels[5], -128);
}

TEST(SoftmaxMask, OfASelectionIsTheConstantSide) {
  for (const bool where_true : {true, false}) {
    SmallGraph small;
    const TensorId x = small.input({2, 3}, {-2, 2});
    const TensorId condition = small.emit(tflite::Less{}, {x, small.constant({1}, {0})}, {2, 3});
    small.graph[condition].dtype = DType::boolean;
    const TensorId masked = small.constant({1}, {-1e9f});
    const std::vector<TensorId> inputs =
        where_true ? std::vector{condition, masked, x} : std::vector{condition, x, masked};
    const TensorId chosen = small.emit(tflite::SelectV2{}, inputs, {2, 3}, Range{-1e9f, 2});
    const TensorId softmax = small.emit(tflite::Softmax{}, {chosen}, {2, 3}, Range{0, 1});
    const Plan plan = small.plan({softmax});
    EXPECT_EQ(scores_of_masking_select(small.graph, small.graph.producer(chosen)), x);
    const TfliteGraph quantized = small.quantized(plan);
    const OperatorId writer = quantized.producer(softmax);
    EXPECT_LT(quantized[quantized[writer].inputs[0]].quantization->scales[0], 0.1f);
  }
}

}  // namespace
}  // namespace calib8
