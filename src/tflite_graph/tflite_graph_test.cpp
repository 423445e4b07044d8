#include "tflite_graph/tflite_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tflite_graph/describe.h"

namespace calib8 {
namespace {

using testing::HasSubstr;

/// image -> CONV_2D (2 filters of 1x1, ReLU) -> MEAN -> logits
struct Example {
  TfliteGraph graph;
  TensorId image, weights, bias, features, logits;

  Example() {
    image = graph.add_value({"image", DType::float32, {1, 4, 4, 3}, {}, {}});
    weights = graph.add_constant("conv/weight", make_tensor<float>({2, 1, 1, 3}, {1, 2, 3, 4, 5, 6}));
    bias = graph.add_constant("conv/bias", make_tensor<float>({2}, {0.5f, -0.5f}));
    tflite::Conv2D conv;
    conv.activation = tflite::Activation::relu;
    features = graph.emit(conv, {image, weights, bias}, "conv", {1, 4, 4, 2});
    logits = graph.emit(tflite::Mean{}, {features, graph.add_constant("axes", {1, 2})}, "logits", {1, 2});
    graph.set_inputs({image});
    graph.set_outputs({logits});
    graph.input_names = {"image"};
    graph.output_names = {"logits"};
  }
};

std::string fault(const TfliteGraph& graph) {
  return first_structural_fault(graph).value_or("none");
}

TEST(TfliteGraphText, NamesEverything) {
  const std::string text = to_text(Example().graph);
  EXPECT_THAT(text, HasSubstr("  input \"image\" %image: float32[1, 4, 4, 3]\n"));
  EXPECT_THAT(
      text, HasSubstr("  %conv: float32[1, 4, 4, 2] = CONV_2D(%image, %conv/weight: float32[2, 1, 1, 3] #"));
  EXPECT_THAT(text, HasSubstr("dilation_width=1, activation=relu}\n"));
  EXPECT_THAT(text, HasSubstr("= MEAN(%conv, %axes: int32[2] {1, 2}) {keep_dims=false}\n"));
  EXPECT_THAT(text, HasSubstr("  output \"logits\" %logits: float32[1, 2]\n"));
}

TEST(TfliteGraphText, TellsConstantsAndScalesApart) {
  Example a, b;
  EXPECT_EQ(to_text(a.graph), to_text(b.graph));
  b.graph[b.weights].constant = Data::from_vector<float>({1, 2, 3, 4, 5, 7});
  EXPECT_NE(to_text(a.graph), to_text(b.graph));
  EXPECT_EQ(to_text(per_tensor(0.5f, -128)), "q(0.5, -128)");
  EXPECT_NE(to_text(Quantization{{0.5f, 0.25f}, {0, 0}, 0}),
            to_text(Quantization{{0.5f, 0.125f}, {0, 0}, 0}));
  EXPECT_NE(to_text(Quantization{{0.5f, 0.25f}, {0, 0}, 0}), to_text(Quantization{{0.5f, 0.25f}, {0, 0}, 3}));
}

TEST(TfliteGraphText, EveryOptionShows) {
  tflite::StridedSlice slice;
  slice.shrink_axis_mask = 2;
  EXPECT_EQ(describe_options(slice).back(),
            (std::pair<std::string_view, std::string>("shrink_axis_mask", "2")));
  EXPECT_EQ(describe_options(tflite::MaxPool2D{}).size(), 6u);
  EXPECT_TRUE(describe_options(tflite::Logistic{}).empty());
  EXPECT_EQ(name_of(tflite::Options(tflite::SpaceToDepth{})), "SPACE_TO_DEPTH");
}

TEST(TfliteGraphVerify, AcceptsTheExampleAndAbsentNames) {
  Example example;
  EXPECT_EQ(fault(example.graph), "none");
  example.graph.input_names.clear();
  EXPECT_EQ(fault(example.graph), "none");
}

TEST(TfliteGraphVerify, FindsEachFault) {
  {
    Example example;
    example.graph.output_names = {"a", "b"};
    EXPECT_EQ(fault(example.graph), "2 names for 1 outputs");
  }
  {
    Example example;
    example.graph.set_inputs({});
    example.graph.input_names = {};
    EXPECT_EQ(fault(example.graph), "CONV_2D reads 'image' before it is written");
  }
  {
    Example example;
    example.graph[example.weights].shape = {2, 1, 1, 4};
    EXPECT_THAT(fault(example.graph),
                HasSubstr("constant 'conv/weight' of float32[2, 1, 1, 4] holds 24 bytes"));
  }
  {
    Example example;
    example.graph[example.features].shape = {1, -1, 4, 2};
    EXPECT_THAT(fault(example.graph), HasSubstr("impossible shape"));
  }
  {
    Example example;
    example.graph[example.features].quantization = Quantization{{1.0f, 2.0f}, {0}, 0};
    EXPECT_THAT(fault(example.graph), HasSubstr("2 scales but 1 zero points"));
  }
  {
    Example example;
    example.graph[example.features].quantization = Quantization{{1.0f, 2.0f}, {0, 0}, 1};
    EXPECT_THAT(fault(example.graph), HasSubstr("2 scales on axis 1"));
  }
  {
    Example example;
    example.graph[example.features].quantization = Quantization{{1.0f}, {0}, 3};
    EXPECT_THAT(fault(example.graph), HasSubstr("one scale but quantization axis 3"));
  }
  {
    Example example;
    example.graph[example.features].quantization = per_tensor(std::numeric_limits<float>::quiet_NaN(), 0);
    EXPECT_THAT(fault(example.graph), HasSubstr("not a finite number"));
  }
  {
    Example example;
    example.graph.set_outputs({example.graph.add_value({"lost", DType::float32, {1}, {}, {}})});
    EXPECT_EQ(fault(example.graph), "output 'lost' is never computed");
  }
  {
    Example example;
    example.graph[example.logits].constant = Data::from_vector<float>({1, 2});
    EXPECT_EQ(fault(example.graph), "constant 'logits' is also computed");
  }
}

}  // namespace
}  // namespace calib8
