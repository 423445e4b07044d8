#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "simplify/linear_layer.h"
#include "simplify/simplify.h"
#include "simplify/test_graph.h"

namespace calib8 {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
using testing::Pointwise;

/// A property test's random numbers; the seed is printed where it fails.
struct Random {
  std::uint32_t seed = std::random_device{}();
  std::mt19937 engine{seed};
  float operator()(float low, float high) { return std::uniform_real_distribution<float>(low, high)(engine); }
  std::vector<float> list(std::size_t count, float low, float high) {
    std::vector<float> values(count);
    for (float& value : values) value = (*this)(low, high);
    return values;
  }
};

struct BatchNorm {
  std::vector<float> gamma, beta, mean, variance;
  double apply(double y, std::size_t c) const {
    return (y - mean[c]) / std::sqrt(static_cast<double>(variance[c]) + 1e-3) * gamma[c] + beta[c];
  }
  OnnxValueId add_to(TestGraph& graph, OnnxValueId y) const {
    const Shape shape{static_cast<std::int64_t>(gamma.size())};
    const auto constant = [&](const char* name, const std::vector<float>& values) {
      return graph.floats(name, shape, values);
    };
    return graph.emit("BatchNormalization", "bn",
                      {y, constant("gamma", gamma), constant("beta", beta), constant("mean", mean),
                       constant("variance", variance)},
                      {{"epsilon", 1e-3f}});
  }
};

BatchNorm random_batch_norm(Random& random, std::size_t channels) {
  return {random.list(channels, -2, 2), random.list(channels, -1, 1), random.list(channels, -1, 1),
          random.list(channels, 0.01f, 2)};
}

// A linear layer with kernel 1 is y[o] = sum over i of w(o, i) * x[i] + b[o]; the three operators differ in
// where w(o, i) lies.
struct LayerCase {
  std::string op_type;
  Shape weights;
  std::map<std::string, OnnxAttribute> attributes;
  /// Index of the weight from input channel i to output channel o, or nothing where they are in different
  /// groups.
  std::optional<std::size_t> (*index)(std::size_t o, std::size_t i);
};

class FuseBatchNorm : public testing::TestWithParam<LayerCase> {};

TEST_P(FuseBatchNorm, ComputesTheSame) {
  constexpr std::size_t in = 4, out = 6;
  const LayerCase& layer = GetParam();
  Random random;
  SCOPED_TRACE(testing::Message() << "seed " << random.seed);
  const BatchNorm norm = random_batch_norm(random, out);
  const auto weights = random.list(static_cast<std::size_t>(*element_count(layer.weights)), -1, 1);
  const auto bias = random.list(out, -1, 1);

  TestGraph graph;
  const bool flat = layer.op_type == "Gemm";
  const OnnxValueId x = graph.input("x", flat ? Shape{1, 4} : Shape{1, 4, 5, 5});
  const OnnxValueId y = graph.emit(layer.op_type, "layer",
                                   {x, graph.floats("layer.weight", layer.weights, weights),
                                    graph.floats("layer.bias", {static_cast<std::int64_t>(out)}, bias)},
                                   layer.attributes);
  graph.set_outputs({norm.add_to(graph, y)});
  simplify(graph);
  ASSERT_EQ(graph.operators(), layer.op_type);
  EXPECT_EQ(graph[graph.outputs()[0]].name, "bn") << "an output keeps its name";

  const std::vector<float> fused_weights = graph.constant_of(0, 1), fused_bias = graph.constant_of(0, 2);
  const bool turned = layer.op_type == "Gemm" && !layer.attributes.contains("transB");
  const std::vector<float> sample = random.list(in, -1, 1);
  for (std::size_t o = 0; o < out; ++o) {
    double expected = bias[o], actual = fused_bias[o];
    for (std::size_t i = 0; i < in; ++i) {
      const auto index = layer.index(o, i);
      if (!index) continue;
      expected += static_cast<double>(weights[*index]) * sample[i];
      actual += static_cast<double>(fused_weights[turned ? o * in + i : *index]) * sample[i];
    }
    EXPECT_NEAR(actual, norm.apply(expected, o), 1e-4) << "channel " << o;
  }
}

INSTANTIATE_TEST_SUITE_P(
    LinearLayers, FuseBatchNorm,
    testing::Values(
        LayerCase{
            "Conv", {6, 4, 1, 1}, {}, [](std::size_t o, std::size_t i) { return std::optional(o * 4 + i); }},
        LayerCase{"Conv",
                  {6, 2, 1, 1},
                  {{"group", std::int64_t{2}}},
                  [](std::size_t o, std::size_t i) {
                    return o / 3 == i / 2 ? std::optional(o * 2 + i % 2) : std::nullopt;
                  }},
        LayerCase{"ConvTranspose",
                  {4, 6, 1, 1},
                  {},
                  [](std::size_t o, std::size_t i) { return std::optional(i * 6 + o); }},
        LayerCase{"ConvTranspose",
                  {4, 3, 1, 1},
                  {{"group", std::int64_t{2}}},
                  [](std::size_t o, std::size_t i) {
                    return o / 3 == i / 2 ? std::optional(i * 3 + o % 3) : std::nullopt;
                  }},
        LayerCase{"Gemm", {4, 6}, {}, [](std::size_t o, std::size_t i) { return std::optional(i * 6 + o); }},
        LayerCase{"Gemm", {6, 4}, {{"transB", std::int64_t{1}}}, [](std::size_t o, std::size_t i) {
                    return std::optional(o * 4 + i);
                  }}));

/// conv(x, [2, 1, 1, 1]) and what follows it.
struct SmallConv {
  TestGraph graph;
  OnnxValueId x, weights, y;
  SmallConv() {
    x = graph.input("x", Shape{1, 1, 4, 4});
    weights = graph.floats("conv.weight", {2, 1, 1, 1}, {1, 2});
    y = graph.emit("Conv", "conv", {x, weights});
  }
};

TEST(FuseBatchNorm, LeavesWeightsThatOthersReadToThem) {
  SmallConv small;
  const BatchNorm norm{{3, 3}, {0, 0}, {0, 0}, {1 - 1e-3f, 1 - 1e-3f}};
  const OnnxValueId other = small.graph.emit("Conv", "other", {small.x, small.weights});
  small.graph.set_outputs({norm.add_to(small.graph, small.y), other});
  simplify(small.graph);
  ASSERT_EQ(small.graph.operators(), "Conv Conv");
  EXPECT_THAT(small.graph.constant_of(0, 1), Pointwise(FloatNear(1e-5f), {3.0f, 6.0f}));
  EXPECT_THAT(small.graph.constant_of(1, 1), ElementsAre(1, 2));
}

TEST(FuseBatchNorm, NeedsToBeTheOnlyReader) {
  SmallConv small;
  const BatchNorm norm{{3, 3}, {0, 0}, {0, 0}, {1, 1}};
  small.graph.set_outputs({norm.add_to(small.graph, small.y), small.y});
  simplify(small.graph);
  EXPECT_EQ(small.graph.operators(), "Conv BatchNormalization");
}

TEST(FuseChannelAffine, TakesFactorsAndOffsetsPerChannel) {
  SmallConv small;
  TestGraph& graph = small.graph;
  OnnxValueId y = graph.emit("Mul", "mul", {graph.floats("c", {1, 2, 1, 1}, {2, 3}), small.y});
  y = graph.emit("Add", "add", {y, graph.floats("d", {2, 1, 1}, {10, 20})});
  y = graph.emit("Sub", "sub", {y, graph.number("e", 1)});
  y = graph.emit("Div", "div", {y, graph.number("f", 2)});
  graph.set_outputs({y});
  simplify(graph);
  ASSERT_EQ(graph.operators(), "Conv");
  EXPECT_THAT(graph.constant_of(0, 1), ElementsAre(1, 3));
  EXPECT_THAT(graph.constant_of(0, 2), ElementsAre(4.5f, 9.5f));
}

TEST(FuseChannelAffine, LeavesWhatVariesInSpace) {
  SmallConv small;
  TestGraph& graph = small.graph;
  // [2] stands along the width here, which is 4: not a factor per channel, and along [4] it isn't one either.
  const OnnxValueId y = graph.emit("Mul", "mul", {small.y, graph.floats("c", {4}, {1, 2, 3, 4})});
  graph.set_outputs({graph.emit("Sub", "sub", {graph.number("one", 1), y})});
  simplify(graph);
  EXPECT_EQ(graph.operators(), "Conv Mul Sub");
}

TEST(FusePad, AddsToTheConvolutionsOwn) {
  TestGraph graph;
  const OnnxValueId x = graph.input("x", Shape{1, 1, 8, 8});
  const OnnxValueId padded = graph.emit("Pad", "pad", {x, graph.integers("pads", {0, 0, 0, 1, 0, 0, 2, 3})});
  graph.set_outputs(
      {graph.emit("Conv", "conv", {padded, graph.floats("w", {1, 1, 3, 3}, std::vector<float>(9, 1))},
                  {{"pads", std::vector<std::int64_t>{1, 1, 1, 1}}})});
  simplify(graph);
  ASSERT_EQ(graph.operators(), "Conv");
  EXPECT_THAT(graph.node(0).get_ints("pads", {}), ElementsAre(1, 2, 3, 4));
}

TEST(FusePad, KeepsPaddingThatIsNotZeroOrNotInSpace) {
  for (const bool other_value : {true, false}) {
    TestGraph graph;
    const OnnxValueId x = graph.input("x", Shape{1, 1, 8, 8});
    const OnnxValueId padded =
        other_value
            ? graph.emit("Pad", "pad",
                         {x, graph.integers("pads", {0, 0, 1, 1, 0, 0, 1, 1}), graph.number("value", 1)})
            : graph.emit("Pad", "pad", {x, graph.integers("pads", {1, 0, 0, 0, 0, 0, 0, 0})});
    graph.set_outputs({graph.emit("Conv", "conv", {padded, graph.floats("w", {1, 1, 1, 1}, {1})})});
    simplify(graph);
    EXPECT_EQ(graph.operators(), "Pad Conv");
  }
}

/// relu6(x + 3), the piece that hard-sigmoid and hard-swish are written with.
OnnxValueId shifted_relu6(TestGraph& graph, OnnxValueId x) {
  const OnnxValueId sum = graph.emit("Add", "add", {graph.number("three", 3), x});
  return graph.emit("Clip", "clip", {sum, graph.number("zero", 0), graph.number("six", 6)});
}

TEST(FuseHardSigmoid, KnowsBothSpellings) {
  for (const bool divides : {true, false}) {
    SmallConv small;  // a convolution in front must not take the 3
    TestGraph& graph = small.graph;
    const OnnxValueId clipped = shifted_relu6(graph, small.y);
    graph.set_outputs({divides ? graph.emit("Div", "gate", {clipped, graph.number("n", 6)})
                               : graph.emit("Mul", "gate", {graph.number("n", 1.0f / 6), clipped})});
    simplify(graph);
    ASSERT_EQ(graph.operators(), "Conv HardSigmoid");
    EXPECT_FLOAT_EQ(graph.node(1).get_float("alpha", 0.2f), 1.0f / 6);
    EXPECT_FLOAT_EQ(graph.node(1).get_float("beta", 0.5f), 0.5f);
  }
}

TEST(FuseHardSwish, KnowsBothOrders) {
  for (const bool divides_last : {true, false}) {
    SmallConv small;
    TestGraph& graph = small.graph;
    OnnxValueId y = shifted_relu6(graph, small.y);
    const OnnxValueId six = graph.number("n", 6);
    if (divides_last) {
      y = graph.emit("Div", "div", {graph.emit("Mul", "mul", {small.y, y}), six});
    } else {
      y = graph.emit("Mul", "mul", {small.y, graph.emit("Div", "div", {y, six})});
    }
    graph.set_outputs({y});
    simplify(graph);
    EXPECT_EQ(graph.operators(), "Conv HardSwish");
  }
}

/// x (1 + erf(x / sqrt(2))) / 2 behind a convolution, spelled with a quotient or a product.
TestGraph gelu_of_erf(bool divides, bool halves_first) {
  TestGraph graph;
  const auto x = graph.emit("Relu", "x", {graph.input("in", Shape{1, 4})});
  const auto inner = divides ? graph.emit("Div", "d", {x, graph.number("root", 1.41421356f)})
                             : graph.emit("Mul", "d", {graph.number("root", 0.70710678f), x});
  const auto gate = graph.emit("Add", "a", {graph.emit("Erf", "e", {inner}), graph.number("one", 1)});
  const auto half = graph.number("half", 0.5f);
  const auto y = halves_first ? graph.emit("Mul", "y", {graph.emit("Mul", "h", {x, half}), gate})
                              : graph.emit("Mul", "y", {graph.emit("Mul", "h", {x, gate}), half});
  graph.set_outputs({y});
  simplify(graph);
  return graph;
}

TEST(FuseGelu, KnowsTheSpellingsOfErf) {
  for (const bool divides : {false, true})
    for (const bool halves_first : {false, true})
      EXPECT_EQ(gelu_of_erf(divides, halves_first).operators(), "Relu Gelu");
}

/// x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2, the third power as one operator or as two products.
TestGraph gelu_of_tanh(bool has_power, float third) {
  TestGraph graph;
  const auto x = graph.emit("Relu", "x", {graph.input("in", Shape{1, 4})});
  const auto cube = has_power ? graph.emit("Pow", "p", {x, graph.number("three", 3)})
                              : graph.emit("Mul", "p", {graph.emit("Mul", "q", {x, x}), x});
  const auto sum = graph.emit("Add", "s", {x, graph.emit("Mul", "t", {cube, graph.number("third", third)})});
  const auto inner = graph.emit("Mul", "i", {sum, graph.number("root", 0.79788456f)});
  const auto gate = graph.emit("Add", "a", {graph.emit("Tanh", "g", {inner}), graph.number("one", 1)});
  const auto half = graph.emit("Mul", "h", {x, graph.number("half", 0.5f)});
  graph.set_outputs({graph.emit("Mul", "y", {half, gate})});
  simplify(graph);
  return graph;
}

TEST(FuseGelu, KnowsTheSpellingsOfTanh) {
  for (const bool has_power : {false, true}) {
    const TestGraph graph = gelu_of_tanh(has_power, 0.044715f);
    EXPECT_EQ(graph.operators(), "Relu Gelu");
    EXPECT_EQ(graph.node(1).get_string("approximate", "none"), "tanh");
    EXPECT_NE(gelu_of_tanh(has_power, 0.05f).operators(), "Relu Gelu");
  }
}

TEST(FuseHardSwish, NeedsTheSameInputTwice) {
  TestGraph graph;
  const OnnxValueId x = graph.input("x", Shape{1, 4}), z = graph.input("z", Shape{1, 4});
  const OnnxValueId gate = graph.emit("HardSigmoid", "gate", {x}, {{"alpha", 1.0f / 6}});
  graph.set_outputs({graph.emit("Mul", "mul", {z, gate})});
  simplify(graph);
  EXPECT_EQ(graph.operators(), "HardSigmoid Mul");
}

}  // namespace
}  // namespace calib8
