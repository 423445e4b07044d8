#include "quantize/fit_scales.h"

#include <gtest/gtest.h>

#include "quantize/small_plans.h"

namespace calib8 {
namespace {

TEST(FitScales, AProductIsKeptWithinTheRatiosThatXnnpackRuns) {
  SmallGraph dead;  // SiLU far to the left of zero
  const TensorId x = dead.input({1, 2}, {-1e6f, -1e4f});
  const TensorId gate = dead.emit(tflite::Logistic{}, {x}, {1, 2});
  const TensorId y = dead.emit(tflite::Mul{}, {x, gate}, {1, 2}, Range{0, 0});
  const Plan plan = dead.plan({y});
  EXPECT_LT(scale_in(plan, x) * scale_in(plan, gate) / scale_in(plan, y), 256.0f);
}

TEST(FitScales, ABuiltInProductFitsSixteenBits) {
  SmallGraph model;  // a fused RELU cuts off products that TFLite's kernel narrows before
  const TensorId x = model.input({1, 2}, {-1000, 10});
  const TensorId gain = model.constant({1, 2}, {-1, 10});
  const TensorId y = model.emit(tflite::Mul{tflite::Activation::relu}, {x, gain}, {1, 2}, Range{0, 20});
  const Plan plan = model.plan({y});
  const double ratio = static_cast<double>(scale_in(plan, x)) *
                       static_cast<double>(operand_of(model, plan, y, 1).quantization.scales[0]) /
                       static_cast<double>(scale_in(plan, y));
  EXPECT_LT(ratio * 255 * 255 + 128, 32768);
  model.quantized(plan);
}

TEST(FitScales, WhatOnlyRescalesStaysInFloatWhereItsInputIsTooCoarse) {
  const tflite::Options kinds[] = {tflite::Relu{}, tflite::Relu6{}, tflite::Abs{}, tflite::LeakyRelu{0.1f}};
  for (const tflite::Options& kind : kinds) {
    for (const float size : {5.0f, 1e9f}) {
      SmallGraph model;
      const TensorId x = model.input({1, 2}, {-size, size});
      const TensorId y = model.emit(kind, {x}, {1, 2}, Range{-1, 6});
      const Plan plan = model.plan({y});
      EXPECT_EQ(plan.float_operators.size(), size > 6 ? 1u : 0u) << name_of(kind) << " of " << size;
      EXPECT_LT(scale_in(plan, y), 0.03f) << "it still tells 0 from 6";
      model.quantized(plan);
    }
  }
}

TEST(FitScales, ASteepLeakyReluCountsItsSlope) {
  SmallGraph model;
  const TensorId x = model.input({1, 2}, {-1, 1});
  const TensorId y = model.emit(tflite::LeakyRelu{1e6f}, {x}, {1, 2}, Range{0, 1});
  EXPECT_EQ(model.plan({y}).float_operators.size(), 1u);
}

TEST(FitScales, AnInverseRootStaysInFloatWhereAllItsLevelsRoundToZero) {
  SmallGraph model;
  const TensorId x = model.input({1, 2}, {0, 2.56f});
  const TensorId y = model.emit(tflite::Rsqrt{}, {x}, {1, 2}, Range{0, 1e9f});
  const TensorId z = model.emit(tflite::Rsqrt{}, {x}, {1, 2}, Range{0, 10});
  const Plan plan = model.plan({y, z});
  ASSERT_EQ(plan.float_operators.size(), 1u);
  EXPECT_EQ(plan.float_operators[0].id, model.writer(y));
  model.quantized(plan);
}

TEST(FitScales, ScalesThatLieFarApartAreConvertedByWayOfFloat) {
  SmallGraph model;  // 1/256 and 1e-7
  const TensorId x = model.input({1, 2}, {-20, 20});
  const TensorId gate = model.emit(tflite::Logistic{}, {x}, {1, 2});
  const TensorId least = model.emit(tflite::Minimum{}, {gate, model.constant({1, 1}, {1e-6f})}, {1, 2});
  EXPECT_EQ(operator_names(model.quantized(model.plan({least}))),
            (std::vector<std::string_view>{"LOGISTIC", "DEQUANTIZE", "QUANTIZE", "MINIMUM"}));
}

TEST(FitScales, ASumIsKeptWithinTheRatiosThatXnnpackRuns) {
  SmallGraph model;
  const TensorId x = model.input({1, 2}, {-1e-6f, 1e-6f});
  const TensorId three = model.constant({1, 1}, {3});
  const TensorId y = model.emit(tflite::Add{}, {x, three}, {1, 2}, Range{0, 6});
  const Plan plan = model.plan({y});
  EXPECT_GE(scale_in(plan, x) / scale_in(plan, y), 1.0f / 1024) << "nobody else reads it";
  model.quantized(plan);

  SmallGraph dead;
  const TensorId big = dead.input({1, 2}, {-100, 100});
  const TensorId zero = dead.emit(tflite::Sub{}, {big, big}, {1, 2}, Range{0, 0});
  const Plan dead_plan = dead.plan({zero});
  EXPECT_LT(scale_in(dead_plan, big) / scale_in(dead_plan, zero), 256.0f);
}

TEST(FitScales, WhatIsSmallBesideASumIsConvertedForItAlone) {
  SmallGraph model;  // attention: a mask of -1e9 is added to what others read as it is
  const TensorId x = model.input({1, 2}, {-1, 1});
  const TensorId gate = model.emit(tflite::Logistic{}, {x}, {1, 2});
  const TensorId mask = model.constant({1, 2}, {0, -1e9f});
  const TensorId masked = model.emit(tflite::Add{}, {gate, mask}, {1, 2}, Range{-1e9f, 1});
  const TensorId gated = model.emit(tflite::Mul{}, {x, gate}, {1, 2}, Range{-1, 1});
  const Plan plan = model.plan({masked, gated});
  EXPECT_EQ(of(plan, gate), per_tensor(1.0f / 256, -128));
  EXPECT_GE(operand_of(model, plan, masked, 0).quantization.scales[0] / scale_in(plan, masked), 1.0f / 1024);
  EXPECT_TRUE(plan.float_operators.empty());
  EXPECT_EQ(operator_names(model.quantized(plan)),
            (std::vector<std::string_view>{"LOGISTIC", "QUANTIZE", "ADD", "MUL"}));
}

TEST(FitScales, WideningReachesThoseWhoWereLookedAtBefore) {
  // The sum's dead output is widened for `big`, and then is too wide for the convolution behind it, whose
  // output shares its scale with what the first convolution reads.
  SmallGraph model;
  const TensorId x = model.input({1, 1, 1, 1}, {-1, 1});
  const TensorId one = model.constant({1, 1, 1, 1}, {1000});
  const TensorId bias = model.constant({1}, {0});
  const TensorId first = model.convolution(x, one, bias, {0, 1e-5f});
  const TensorId big = model.input({1, 1, 1, 1}, {-1e6f, 1e6f});
  const TensorId second = model.emit(tflite::Sub{}, {big, big}, {1, 1, 1, 1}, Range{0, 1e-5f});
  const TensorId joined = model.emit(tflite::Concatenation{3, {}}, {first, second}, {1, 1, 1, 2});
  const TensorId wide = model.constant({1, 1, 1, 2}, {1000, 1000});
  const TensorId y = model.convolution(joined, wide, bias, {0, 1e-5f});
  const TensorId z = model.convolution(y, one, bias, {0, 1e-5f});
  const Plan plan = model.plan({z});
  EXPECT_TRUE(plan.float_operators.empty());
  model.quantized(plan);
}

TEST(FitScales, WhatNoScaleSatisfiesStaysInFloatAndIsSaid) {
  // Input and output share one scale, so the multiplier is the weight's scale, 1e4, whatever the scale is.
  SmallGraph model;
  const TensorId x = model.input({1, 1, 1, 1}, {-1, 1});
  const TensorId weights = model.constant({1, 1, 1, 1}, {1.27e6f});
  const TensorId bias = model.constant({1}, {0});
  const TensorId convolved = model.convolution(x, weights, bias, {-1, 1});
  const TensorId y = model.emit(tflite::Concatenation{3, {}}, {x, convolved}, {1, 1, 1, 2});
  const Plan plan = model.plan({y});
  ASSERT_EQ(plan.float_operators.size(), 1u);
  EXPECT_EQ(plan.float_operators[0].id, model.writer(convolved));
  EXPECT_NE(plan.float_operators[0].reason.find("multiplier"), std::string::npos);
  EXPECT_LT(scale_in(plan, y), 0.01f) << "the attempt leaves no trace";
  EXPECT_EQ(operator_names(model.quantized(plan)),
            (std::vector<std::string_view>{"DEQUANTIZE", "CONV_2D", "QUANTIZE", "CONCATENATION"}));
}

TEST(FitScales, AnInt16TableIsEnteredBySixteenBits) {
  SmallGraph model;
  const TensorId wide = model.input({1, 2}, {-1e6f, 1e6f}), narrow = model.input({1, 2}, {-20, 20});
  const TensorId a = model.emit(tflite::Logistic{}, {wide}, {1, 2});
  const TensorId b = model.emit(tflite::Tanh{}, {narrow}, {1, 2});
  const Plan plan = model.plan({a, b}, {.activations = DType::int16});
  ASSERT_EQ(plan.float_operators.size(), 1u);
  EXPECT_EQ(plan.float_operators[0].id, model.writer(a));
  model.quantized(plan, ModelIo::int16);
  EXPECT_TRUE(model.plan({a, b}).float_operators.empty()) << "int8 has a table of all its inputs";
}

}  // namespace
}  // namespace calib8
