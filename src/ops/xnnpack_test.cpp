#include "ops/xnnpack.h"

#include <gtest/gtest.h>

#include <limits>

#include "ops/small_folds.h"

namespace calib8 {
namespace {

TEST(Xnnpack, WantsOneNormalScalePerTensor) {
  TfliteTensor tensor{"t", DType::int8, {4}, per_tensor(0.5f, 3), std::nullopt};
  EXPECT_TRUE(is_quantized(tensor, DType::int8));
  EXPECT_FALSE(is_quantized(tensor, DType::uint8));
  tensor.quantization->axis = 3;
  EXPECT_FALSE(is_quantized(tensor, DType::int8));
  for (const float scale :
       {0.0f, -1.0f, std::numeric_limits<float>::denorm_min(), std::numeric_limits<float>::infinity()}) {
    tensor.quantization = per_tensor(scale, 0);
    EXPECT_FALSE(is_quantized(tensor, DType::int8)) << scale;
  }
  tensor.quantization = Quantization{{1, 1}, {0, 0}, 0};
  EXPECT_FALSE(is_quantized(tensor, DType::int8));
  EXPECT_EQ(scale_of(tensor), 0);
}

TEST(Xnnpack, WantsConstantIntegers) {
  SingleOperator op(tflite::Transpose{}, {{2, 2}}, {2, 2});
  op.with({1, 0});
  EXPECT_TRUE(op.on_xnnpack());
  op.graph[op.graph[op.op].inputs[1]].constant.reset();
  EXPECT_FALSE(op.on_xnnpack());
}

TEST(Xnnpack, ReleasesByVersion) {
  EXPECT_EQ(release_of(1, {"a", "b"}), "a");
  EXPECT_EQ(release_of(2, {"a", "b"}), "b");
  EXPECT_EQ(release_of(9, {"a", "b"}), "b");
  EXPECT_EQ(release_of(0, {"a", "b"}), "a");
}

}  // namespace
}  // namespace calib8
