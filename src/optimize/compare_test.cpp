#include "optimize/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "optimize/graph_builder.h"

namespace calib8::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A small network; `weight` is one of its weights.
TfliteGraph network(float weight, std::int64_t channels = 2) {
  GraphBuilder b;
  const TensorId x = b.input({1, 4, 4, 2});
  const TensorId weights = b.graph.add_constant(
      "w", make_tensor<float>({channels, 1, 1, 2},
                              std::vector<float>(static_cast<std::size_t>(2 * channels), 2.0f)));
  std::vector<float> values(static_cast<std::size_t>(2 * channels), 2.0f);
  values[0] = weight;
  b.graph[weights].constant = Data::from_vector(values);
  const TensorId bias = b.filled({channels}, 0);
  b.output(b.unary(tflite::Tanh{}, b.emit(tflite::Conv2D{}, {x, weights, bias}, {1, 4, 4, channels})));
  return b.graph;
}

TEST(Differences, NoneBetweenEqualModels) {
  EXPECT_THAT(differences(network(1), network(1), 0), IsEmpty());
}

TEST(Differences, ConstantsCountByTheirLargestElement) {
  // The largest element is 2: a difference of 1e-3 is 5e-4 of it.
  EXPECT_THAT(differences(network(1), network(1.001f), 6e-4), IsEmpty());
  EXPECT_THAT(differences(network(1), network(1.001f), 4e-4),
              ElementsAre(HasSubstr("of the largest element")));
}

TEST(Differences, AConstantThatIsNotANumberDiffers) {
  EXPECT_THAT(differences(network(1), network(NAN), 0.5),
              ElementsAre(HasSubstr("inf of the largest element")));
}

TEST(Differences, ShapesAreNamed) {
  EXPECT_THAT(differences(network(1), network(1, 3), 1),
              Contains(HasSubstr("float32[2]  against float32[3]")));
}

TEST(Differences, OptionsOperatorsAndEdgesCount) {
  TfliteGraph changed = network(1);
  changed[changed.nodes()[0]].get_if<tflite::Conv2D>()->activation = tflite::Activation::relu;
  EXPECT_THAT(differences(network(1), changed, 0), ElementsAre(HasSubstr("CONV_2D")));

  TfliteGraph other = network(1);
  other[other.nodes()[1]].options = tflite::Relu{};
  EXPECT_THAT(differences(network(1), other, 0), ElementsAre(HasSubstr("TANH against RELU")));

  TfliteGraph rewired = network(1);
  rewired.set_input(rewired.nodes()[1], 0, rewired.inputs()[0]);
  EXPECT_THAT(differences(network(1), rewired, 0),
              ElementsAre(HasSubstr("output 0 of operator 0 against input 0")));
}

TEST(Differences, LongListsAreCut) {
  GraphBuilder a, b;
  TensorId x = a.input({2}), y = b.input({3});
  for (int i = 0; i < 30; ++i) {
    x = a.unary(tflite::Relu{}, x);
    y = b.unary(tflite::Relu{}, y);
  }
  a.output(x);
  b.output(y);
  const auto lines = differences(a.graph, b.graph, 0);
  ASSERT_EQ(lines.size(), 21u);
  EXPECT_THAT(lines.back(), HasSubstr("more"));
}

}  // namespace
}  // namespace calib8::testing
