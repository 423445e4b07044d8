#include "optimize/targets/targets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calib8/error.h"
#include "optimize/graph_builder.h"
#include "optimize/validate.h"

namespace calib8::testing {
namespace {

using ::testing::HasSubstr;

/// ADD in int8 with these scales of its first input and its output.
TfliteGraph sum(float input_scale, float output_scale) {
  GraphBuilder b;
  const TensorId x = b.input({1, 4});
  const TensorId y = b.binary(tflite::Add{}, x, x);
  b.output(y);
  for (const TensorId tensor : {x, y}) {
    b.graph[tensor].dtype = DType::int8;
    b.graph[tensor].quantization = per_tensor(tensor == x ? input_scale : output_scale, 0);
  }
  return b.graph;
}

TEST(Targets, HaveNamesOfTheirOwnAndLimitsThatLeaveRoom) {
  EXPECT_NE(litert_cpu().name, tflm().name);
  for (const TargetTraits* target : all_targets()) {
    for (const DType type : {DType::int8, DType::int16}) {
      const ScaleLimits& limits = target->limits(type);
      EXPECT_LT(limits.smallest_sum_ratio, limits.sum_ratio_bound) << target->name;
      EXPECT_LT(limits.smallest_product_ratio, limits.product_ratio_bound) << target->name;
    }
  }
}

TEST(Targets, EachHoldsAModelAgainstItsOwnLimits) {
  const TfliteGraph fine = sum(0.5f, 1), small = sum(1.0f / 5000, 1), large = sum(300, 1);
  for (const TargetTraits* target : all_targets()) EXPECT_TRUE(validate(fine, *target).empty());
  EXPECT_FALSE(validate(small, litert_cpu()).empty()) << "XNNPACK leaves it to slow kernels";
  EXPECT_TRUE(validate(small, tflm()).empty());
  for (const TargetTraits* target : all_targets()) EXPECT_FALSE(validate(large, *target).empty());
}

TEST(Targets, MicrocontrollersLackKernelsThatLitertHas) {
  GraphBuilder b;
  const TensorId x = b.input({1, 4});
  b.output(b.emit(tflite::Gelu{}, {x}, {1, 4}));
  EXPECT_TRUE(validate(b.graph, litert_cpu()).empty());
  const std::vector<std::string> findings = validate(b.graph, tflm());
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_THAT(findings[0], HasSubstr("GELU"));
}

TEST(Targets, WithoutARuntimeNothingIsVerified) {
  EXPECT_NO_THROW(require_runtime(litert_cpu()));
  try {
    require_runtime(tflm());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    EXPECT_THAT(error.what(), HasSubstr("tflm"));
  }
}

}  // namespace
}  // namespace calib8::testing
