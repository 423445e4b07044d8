#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/small_folds.h"

namespace calib8 {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;

TfliteGraph lowered(const std::string& op, OnnxType x = static_type(DType::float32, {2, 3})) {
  SmallModel model;
  return model.lower(model.node(op, "y", {model.input("x", std::move(x))}));
}

TEST(Smooth, KeepsShapesAndIsOfRealNumbers) {
  for (const char* op : {"Softplus", "Softsign", "Mish", "Selu", "ThresholdedRelu", "Shrink"}) {
    const TfliteGraph graph = lowered(op);
    EXPECT_EQ(graph[graph.outputs()[0]].shape, (Shape{2, 3})) << op;
    EXPECT_THAT(operators_of(graph), Not(IsEmpty())) << op;
    EXPECT_THROW(lowered(op, static_type(DType::int32, {2, 3})), Error) << op;
  }
}

TEST(Smooth, SoftplusIsNeverNegative) {
  EXPECT_EQ(find_onnx_op("Softplus")->traits.sign, Sign::never_negative);
  EXPECT_EQ(find_onnx_op("Softsign")->traits.sign, Sign::keeps);
}

TEST(Smooth, SoftplusNeedsNoLargePowers) {
  // log(1 + e^x) as it stands is infinite from 89 on: the power's argument must be at most 0.
  const TfliteGraph graph = lowered("Softplus");
  const TensorId power = first<tflite::Exp>(graph).inputs[0];
  EXPECT_TRUE(graph[graph.producer(power)].is<tflite::Neg>());
}

}  // namespace
}  // namespace calib8
