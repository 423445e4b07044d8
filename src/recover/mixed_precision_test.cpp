#include "recover/mixed_precision.h"

#include <gtest/gtest.h>

#include <random>

#include "calibrate/calibrate.h"
#include "optimize/targets/targets.h"
#include "recover/operator_cost.h"
#include "recover/recover.h"
#include "samples/test_array_source.h"

namespace calib8 {
namespace {

std::vector<float> normal(std::size_t count, unsigned seed, float scale = 1) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> distribution(0, scale);
  std::vector<float> values(count);
  for (float& value : values) value = distribution(generator);
  return values;
}

/// Four 1x1 convolutions in a row. The third has one huge weight in each filter, for a channel that is always
/// zero: all other weights vanish beside it in int8, while no activation is out of the ordinary.
struct Chain {
  static constexpr std::int64_t channels = 8;
  TfliteGraph graph;
  std::vector<OperatorId> convolutions;
  std::optional<ConstantBlock> constants;
  ArraySource calibration = pictures(30, 1), selection = pictures(12, 2);
  Calibration found;
  std::shared_ptr<const LiteRt> litert = open_litert();

  explicit Chain(float spoiling_weight = 1000, float offset = 0) {
    TensorId x = graph.add_value({"x", DType::float32, {1, 6, 6, channels}, std::nullopt, std::nullopt});
    graph.set_inputs({x});
    graph.input_names = {"x"};
    for (unsigned layer = 0; layer < 4; ++layer) {
      std::vector<float> weights = normal(channels * channels, 10 + layer, 0.4f), bias(channels, 0.1f);
      if (layer == 1) bias[0] = -1000;
      if (layer == 3) bias[0] = offset;
      for (std::size_t filter = 0; layer == 2 && filter < channels; ++filter)
        weights[filter * channels] = spoiling_weight;
      tflite::Conv2D convolution;
      if (layer < 3) convolution.activation = tflite::Activation::relu;
      const std::string name = "layer" + std::to_string(layer);
      const TensorId w = graph.add_constant(name + "/weights",
                                            make_tensor(Shape{channels, 1, 1, channels}, std::move(weights)));
      const TensorId b = graph.add_constant(name + "/bias", make_tensor(Shape{channels}, std::move(bias)));
      x = graph.emit(convolution, {x, w, b}, name, {1, 6, 6, channels});
      convolutions.push_back(graph.producer(x));
    }
    graph.set_outputs({x});
    graph.output_names = {"y"};
    constants.emplace(graph);
    found = calibrate({graph, *constants}, tensors_to_observe(graph, litert_cpu()), calibration, litert,
                      {.threads = 2});
  }
  QuantizationTask task(int threads = 2) const {
    return {.model = {graph, *constants},
            .ranges = found.ranges,
            .extremes = found.extremes,
            .target = litert_cpu(),
            .calibration = calibration,
            .litert = litert,
            .threads = threads};
  }
  RecoveryOptions options(double min_sqnr = 15) const {
    return {.effort = Effort::balanced, .selection = &selection, .goal = {.min_sqnr = min_sqnr}};
  }
  static ArraySource pictures(std::size_t count, unsigned seed) {
    std::vector<Sample> samples(count);
    for (unsigned i = 0; i < count; ++i) {
      samples[i].inputs.emplace("",
                                make_tensor(Shape{1, 6, 6, channels}, normal(36 * channels, 100 * seed + i)));
    }
    return ArraySource(std::move(samples));
  }
};

TEST(MixedPrecision, KeepsTheOneLayerThatRuinsIntegers) {
  const Chain chain;
  const Recovered recovered = recover(chain.task(), chain.options());
  ASSERT_TRUE(recovered.mixed);
  const MixedPrecision& mixed = *recovered.mixed;
  ASSERT_EQ(mixed.islands.size(), 1u);
  EXPECT_EQ(mixed.islands[0].operators, std::vector{chain.convolutions[2]});
  EXPECT_LT(mixed.islands[0].decibels_alone, 10) << "alone it ruins the output";
  EXPECT_TRUE(mixed.outputs.empty());
  EXPECT_TRUE(mixed.reached);
  EXPECT_LT(mixed.before, 10);
  EXPECT_GT(mixed.after, 15);
  EXPECT_DOUBLE_EQ(mixed.multiplications_share, 0.25);
  EXPECT_LE(mixed.trials, 12u);
  EXPECT_TRUE(recovered.recipe.mixed);
  EXPECT_EQ(recovered.trials.back().recipe, recovered.recipe);
  const Plan& plan = recovered.model.plan;
  ASSERT_EQ(plan.float_operators.size(), 1u);
  EXPECT_EQ(plan.float_operators[0].id, chain.convolutions[2]);
  EXPECT_NE(plan.float_operators[0].reason.find("harms most"), std::string::npos);
}

TEST(MixedPrecision, LeavesIntegersAloneWhereTheyReachTheGoalOrNothingIsAsked) {
  const Chain fine(0.4f);
  EXPECT_FALSE(recover(fine.task(), fine.options()).mixed);
  const Chain chain;
  RecoveryOptions nothing_asked = chain.options();
  nothing_asked.goal = {};
  EXPECT_FALSE(recover(chain.task(), nothing_asked).mixed);
  RecoveryOptions not_allowed = chain.options();
  not_allowed.may_keep_float = false;
  const Recovered forbidden = recover(chain.task(), not_allowed);
  EXPECT_FALSE(forbidden.mixed);
  EXPECT_TRUE(forbidden.model.plan.float_operators.empty());
}

TEST(MixedPrecision, GivesOutputsOutInFloatWhereTheirRoundingIsTooCoarse) {
  const Chain far_off(0.4f, 300);  // one int8 level of the output is then about as large as its signal
  RecoveryOptions options = far_off.options();
  const Recovered without = recover(far_off.task(), options);
  EXPECT_TRUE(!without.mixed || !without.mixed->reached) << "no float layer helps";
  options.may_change_outputs = true;
  const Recovered with = recover(far_off.task(), options);
  ASSERT_TRUE(with.mixed);
  EXPECT_TRUE(with.mixed->reached);
  EXPECT_EQ(with.mixed->outputs, std::set{far_off.graph.outputs()[0]});
  EXPECT_EQ(with.model.graph[with.model.graph.outputs()[0]].dtype, DType::float32);
  EXPECT_EQ(with.model.graph[with.model.graph.inputs()[0]].dtype, DType::int8);
}

TEST(MixedPrecision, GivesTheSameBytesForAnyNumberOfThreads) {
  const Chain chain;
  const auto bytes = [&](int threads) {
    const Recovered recovered = recover(chain.task(threads), chain.options());
    EXPECT_TRUE(recovered.mixed);
    const ByteView view = recovered.model.file.bytes();
    return std::vector<std::byte>(view.begin(), view.end());
  };
  const auto one = bytes(1);
  for (const int threads : {2, 3}) EXPECT_TRUE(bytes(threads) == one) << threads;
}

TEST(OperatorCost, CountsMultiplications) {
  const Chain chain;
  EXPECT_EQ(multiplications(chain.graph, chain.convolutions[0], litert_cpu()), 36 * 8 * 8);
  EXPECT_EQ(elements_written(chain.graph, chain.convolutions[0]), 36 * 8);
  TfliteGraph graph;
  const TensorId x = graph.add_value({"x", DType::float32, {1, 4, 4, 6}, std::nullopt, std::nullopt});
  const auto zeros = [&](Shape shape) {
    const auto count = static_cast<std::size_t>(element_count(shape).value());
    return graph.add_constant("w", make_tensor(std::move(shape), std::vector<float>(count)));
  };
  tflite::DepthwiseConv2D depthwise;
  depthwise.padding = tflite::Padding::same;
  const TensorId y = graph.emit(depthwise, {x, zeros({1, 3, 3, 6}), zeros({6})}, "y", {1, 4, 4, 6});
  EXPECT_EQ(multiplications(graph, graph.producer(y), litert_cpu()), 4 * 4 * 6 * 9);
  const std::vector<std::int32_t> shape = {1, 8, 8, 5};
  tflite::TransposeConv transposed;
  const TensorId z =
      graph.emit(transposed, {graph.add_constant("shape", shape), zeros({5, 2, 2, 6}), y, zeros({5})}, "z",
                 {1, 8, 8, 5});
  EXPECT_EQ(multiplications(graph, graph.producer(z), litert_cpu()), 4 * 4 * 6 * 5 * 2 * 2);
  const TensorId rows = graph.add_value({"rows", DType::float32, {1, 7, 3}, std::nullopt, std::nullopt});
  const TensorId columns =
      graph.add_value({"columns", DType::float32, {1, 3, 2}, std::nullopt, std::nullopt});
  const TensorId product = graph.emit(tflite::BatchMatMul{}, {rows, columns}, "product", {1, 7, 2});
  EXPECT_EQ(multiplications(graph, graph.producer(product), litert_cpu()), 7 * 3 * 2);
}

}  // namespace
}  // namespace calib8
