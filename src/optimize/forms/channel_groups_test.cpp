#include "optimize/forms/channel_groups.h"

#include <gtest/gtest.h>

#include "optimize/graph_builder.h"

namespace calib8 {
namespace {

using testing::Array;
using testing::GraphBuilder;

/// Layers of [1, 6, 6, 4] tensors, and what is computed of one random input.
struct Layers {
  GraphBuilder builder{3};
  Shape shape{1, 6, 6, 4};

  TensorId dense(TensorId x, tflite::Activation activation = tflite::Activation::none) {
    tflite::Conv2D op;
    op.padding = tflite::Padding::same;
    op.activation = activation;
    return builder.emit(op, {x, builder.constant({4, 3, 3, 4}), builder.constant({4})}, shape);
  }
  TensorId depthwise(TensorId x) {
    tflite::DepthwiseConv2D op;
    op.padding = tflite::Padding::same;
    return builder.emit(op, {x, builder.constant({1, 3, 3, 4}), builder.constant({4})}, shape);
  }
  TensorId plain(tflite::Options op, std::vector<TensorId> inputs) {
    return builder.emit(std::move(op), std::move(inputs), shape);
  }
  std::vector<Array> run(const TfliteGraph& graph) {
    Array x{shape, {}};
    for (int i = 0; i < 6 * 6 * 4; ++i) x.elements.push_back(0.01 * i - 0.7);
    return testing::evaluate(graph, {x});
  }
};

TEST(ChannelGroups, ScalingAnyOfThemChangesNothingThatIsGivenOut) {
  Layers net;
  GraphBuilder& builder = net.builder;
  const TensorId x = builder.input(net.shape);
  const TensorId stream = net.dense(x, tflite::Activation::relu);
  const TensorId kept = net.plain(tflite::Relu{}, {net.depthwise(stream)});
  const TensorId branch = net.dense(kept);
  const TensorId shifted = net.plain(tflite::Add{}, {branch, builder.constant({1, 1, 1, 4})});
  const TensorId sum = net.plain(tflite::Add{}, {shifted, stream});
  const TensorId scaled = net.plain(tflite::Mul{}, {sum, builder.constant({1, 1, 1, 4})});
  builder.output(net.dense(scaled));
  const TfliteGraph before = builder.graph;
  const std::vector<ChannelGroup> groups = find_channel_groups(before);
  ASSERT_EQ(groups.size(), 2u) << "the stream with its sums, and what the depthwise layer writes";
  TfliteGraph after = before;
  for (const ChannelGroup& group : groups) {
    ASSERT_EQ(group.channels, 4u);
    scale_channels(after, group, {1, 0.25, 0.03, 0.7});
  }
  const std::vector<Array> expected = net.run(before);
  EXPECT_LT(testing::largest_difference(expected, net.run(after)), 1e-5);
  // The inner tensors are others: divided by the factors.
  TfliteGraph inner_before = before, inner_after = after;
  inner_before.set_outputs({sum}), inner_after.set_outputs({sum});
  const std::vector<Array> old = net.run(inner_before), scaled_values = net.run(inner_after);
  const double factors[] = {1, 0.25, 0.03, 0.7};
  for (std::size_t i = 0; i < old[0].elements.size(); ++i)
    ASSERT_NEAR(scaled_values[0].elements[i], old[0].elements[i] / factors[i % 4], 1e-4);
}

TEST(ChannelGroups, ValuesThatAreNeededAsTheyAreStay) {
  const auto groups_behind = [](const auto& make) {
    Layers net;
    const TensorId x = net.builder.input(net.shape);
    net.builder.output(net.dense(make(net, net.dense(x))));
    return find_channel_groups(net.builder.graph).size();
  };
  EXPECT_EQ(groups_behind([](Layers& net, TensorId y) { return net.plain(tflite::Relu{}, {y}); }), 1u);
  EXPECT_EQ(groups_behind([](Layers& net, TensorId y) { return net.plain(tflite::Logistic{}, {y}); }), 0u);
  EXPECT_EQ(groups_behind([](Layers& net, TensorId y) { return net.plain(tflite::Relu6{}, {y}); }), 0u);
  EXPECT_EQ(groups_behind([](Layers& net, TensorId y) { return net.plain(tflite::Mul{}, {y, y}); }), 0u);
  EXPECT_EQ(groups_behind([](Layers& net, TensorId y) {
              net.builder.output(y);
              return y;
            }),
            0u)
      << "it is given out";
  EXPECT_EQ(groups_behind([](Layers& net, TensorId y) {
              return net.plain(tflite::Add{}, {y, net.builder.graph.inputs()[0]});
            }),
            0u)
      << "the input comes from outside";
}

TEST(ChannelGroups, AnActivationThatBendsEndsTheGroupBeforeIt) {
  Layers net;
  const TensorId x = net.builder.input(net.shape);
  const TensorId free = net.dense(x), cut = net.dense(free, tflite::Activation::relu6);
  net.builder.output(net.dense(cut));
  const std::vector<ChannelGroup> groups = find_channel_groups(net.builder.graph);
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_EQ(groups[0].tensors, std::vector<TensorId>{free});
}

}  // namespace
}  // namespace calib8
