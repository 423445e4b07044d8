#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "optimize/graph_builder.h"
#include "optimize/passes.h"

namespace calib8::testing {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

TEST(BoundInfiniteMask, InFrontOfASoftmaxAlone) {
  for (const bool has_softmax : {true, false}) {
    GraphBuilder b;
    const TensorId x = b.input({1, 3});
    const TensorId mask = b.graph.add_constant("mask", make_tensor<float>({1, 3}, {0, -infinity, -7}));
    const TensorId sum = b.binary(tflite::Add{}, x, mask);
    b.output(has_softmax ? b.emit(tflite::Softmax{}, {sum}, {1, 3}) : b.emit(tflite::Exp{}, {sum}, {1, 3}));
    const OperatorId add = b.graph.producer(sum);
    EXPECT_EQ(bound_infinite_mask(b.graph, add), has_softmax);
    EXPECT_FALSE(bound_infinite_mask(b.graph, add)) << "once";
    const Tensor now = b.graph[b.graph[add].inputs[1]].as_tensor();
    EXPECT_EQ(std::isfinite(now.as<float>()[1]), has_softmax);
    EXPECT_EQ(now.as<float>()[2], -7);
  }
}

TEST(BoundInfiniteMask, OfASelection) {
  GraphBuilder b;
  const TensorId x = b.input({1, 3}), condition = b.emit(tflite::Less{}, {x, b.filled({}, 0)}, {1, 3});
  b.graph[condition].dtype = DType::boolean;
  const TensorId scores = b.emit(tflite::SelectV2{}, {condition, x, b.filled({}, -infinity)}, {1, 3});
  b.output(b.emit(tflite::Softmax{}, {scores}, {1, 3}));
  const OperatorId select = b.graph.producer(scores);
  EXPECT_TRUE(bound_infinite_mask(b.graph, select));
  EXPECT_TRUE(std::isfinite(b.graph[b.graph[select].inputs[2]].as_tensor().as<float>()[0]));
}

}  // namespace
}  // namespace calib8::testing
