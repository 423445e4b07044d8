#include "quantize/plan.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

#include "calib8/error.h"
#include "quantize/scale.h"
#include "quantize/small_plans.h"
#include "tflite_graph/levels.h"

namespace calib8 {
namespace {

TEST(Plan, WeightsArePerChannelAndTheBiasFollows) {
  SmallGraph model;
  const TensorId x = model.input({1, 4, 4, 2}, {-1, 1});
  const TensorId weights = model.constant({2, 1, 1, 2}, {1.27f, 0, 0, -2.54f});
  const TensorId bias = model.constant({2}, {0.5f, -0.5f});
  const TensorId y = model.convolution(x, weights, bias, {-3, 3});
  const Plan plan = model.plan({y});
  const TensorPlan &weights_plan = operand_of(model, plan, y, 1), &bias_plan = operand_of(model, plan, y, 2);
  EXPECT_EQ(weights_plan.role, TensorRole::weights);
  ASSERT_EQ(weights_plan.quantization.scales.size(), 2u);
  EXPECT_FLOAT_EQ(weights_plan.quantization.scales[1], 0.02f);
  EXPECT_FLOAT_EQ(bias_plan.quantization.scales[1], scale_in(plan, x) * 0.02f);

  const TfliteGraph quantized = model.quantized(plan);
  EXPECT_EQ(to_int64(quantized[weights].as_tensor()), (std::vector<std::int64_t>{127, 0, 0, -127}));
  EXPECT_EQ(quantized[bias].dtype, DType::int32);
  EXPECT_NEAR(
      static_cast<double>(to_int64(quantized[bias].as_tensor())[0]) * bias_plan.quantization.scales[0], 0.5,
      1e-4);
}

TEST(Plan, KernelsThatMoveBytesShareOneQuantization) {
  SmallGraph model;
  const TensorId x = model.input({1, 4, 4, 2}, {-1, 3});
  const TensorId paddings =
      model.graph.add_constant("paddings", make_tensor<std::int32_t>({4, 2}, {0, 0, 1, 1, 1, 1, 0, 0}));
  const TensorId padded = model.emit(tflite::Pad{}, {x, paddings}, {1, 6, 6, 2});
  const TensorId y = model.emit(tflite::MaxPool2D{}, {padded}, {1, 6, 6, 2});
  const Plan plan = model.plan({y});
  EXPECT_EQ(of(plan, x), of(plan, padded));
  EXPECT_EQ(of(plan, x), of(plan, y));
  EXPECT_FALSE(plan.tensors[paddings.index]);
}

TEST(Plan, AConcatenationTakesTheHullAndConvertsWhatIsPrescribed) {
  SmallGraph model;
  const TensorId x = model.input({1, 2}, {-1, 1});
  const TensorId gate = model.emit(tflite::Logistic{}, {x}, {1, 2});
  const TensorId wide = model.emit(tflite::Add{}, {x, x}, {1, 2}, Range{-2, 6});
  const TensorId y = model.emit(tflite::Concatenation{1, {}}, {wide, gate}, {1, 4});
  const Plan plan = model.plan({y});
  EXPECT_EQ(of(plan, gate), per_tensor(1.0f / 256, -128));
  EXPECT_EQ(of(plan, y), of(plan, wide));
  EXPECT_EQ(operand_of(model, plan, y, 1).quantization, of(plan, y));

  const TfliteGraph quantized = model.quantized(plan);
  const TfliteOperator& concatenation = quantized[quantized.producer(y)];
  EXPECT_EQ(quantized[concatenation.inputs[1]].quantization, quantized[y].quantization);
  EXPECT_TRUE(quantized[quantized.producer(concatenation.inputs[1])].is<tflite::Quantize>());
}

TEST(Plan, AConcatenationClipsNothingThatIsPrescribed) {
  SmallGraph model;
  const TensorId x = model.input({1, 2}, {-0.01f, 0.01f});
  const TensorId gate = model.emit(tflite::Logistic{}, {x}, {1, 2});
  const TensorId small = model.emit(tflite::Add{}, {x, x}, {1, 2}, Range{-0.02f, 0.02f});
  const TensorId other = model.emit(tflite::Mul{}, {small, small}, {1, 2}, Range{0, 0.0004f});
  const TensorId y = model.emit(tflite::Concatenation{1, {}}, {small, gate}, {1, 4});
  const Plan plan = model.plan({y, other});
  EXPECT_GE(scale_in(plan, y) * static_cast<float>(127 - of(plan, y).zero_points[0]), 0.99f);
  EXPECT_LT(scale_in(plan, small), 0.0002f) << "its other reader needs the small values";
  model.quantized(plan);
}

TEST(Plan, PartsThatKernelsPrescribeAlikeAreJoinedAsTheyAre) {
  SmallGraph model;
  const TensorId x = model.input({1, 2}, {-1, 1});
  const TensorId a = model.emit(tflite::Logistic{}, {x}, {1, 2});
  const TensorId b = model.emit(tflite::Softmax{}, {x}, {1, 2});
  const TensorId alike = model.emit(tflite::Concatenation{1, {}}, {a, b}, {1, 4});
  const TensorId c = model.emit(tflite::Tanh{}, {x}, {1, 2});
  const TensorId unlike = model.emit(tflite::Concatenation{1, {}}, {a, c}, {1, 4});
  const Plan plan = model.plan({alike, unlike});
  EXPECT_EQ(of(plan, alike), per_tensor(1.0f / 256, -128));
  EXPECT_TRUE(plan.operands.contains({model.writer(unlike), 0}));
  model.quantized(plan);
}

TEST(Plan, AMaximumReachesAsFarAsItsConstant) {
  SmallGraph model;
  const TensorId x = model.input({1, 2}, {-1, 1});
  const TensorId five = model.constant({1, 1}, {5});
  const TensorId raised = model.emit(tflite::Maximum{}, {x, five}, {1, 2});
  const TensorId far = model.constant({1, 1}, {1e9f});
  const TensorId kept = model.emit(tflite::Minimum{}, {x, far}, {1, 2});
  const Plan plan = model.plan({raised, kept});
  EXPECT_GE(scale_in(plan, raised) * static_cast<float>(127 - of(plan, raised).zero_points[0]), 4.99f);
  EXPECT_LT(scale_in(plan, kept), 0.05f) << "nothing is ever as large as the constant";
  model.quantized(plan);
}

TEST(Plan, APaddingThatStandsForInfinityTakesTheLowestLevel) {
  for (const float lowest : {-std::numeric_limits<float>::infinity(), std::numeric_limits<float>::lowest()}) {
    SmallGraph model;
    const TensorId x = model.input({1, 2, 2, 1}, {-1, 1});
    const TensorId paddings =
        model.graph.add_constant("paddings", make_tensor<std::int32_t>({4, 2}, {0, 0, 1, 1, 1, 1, 0, 0}));
    const TensorId y = model.emit(tflite::PadV2{}, {x, paddings, model.constant({}, {lowest})}, {1, 4, 4, 1});
    const Plan plan = model.plan({y});
    EXPECT_LT(scale_in(plan, y), 0.01f);
    model.quantized(plan);
  }
}

TEST(Plan, APaddingBeyondWhatAKernelPrescribesHasAScaleThatHoldsBoth) {
  SmallGraph model;
  const TensorId x = model.input({1, 2, 2, 1}, {-1, 1});
  const TensorId gate = model.emit(tflite::Logistic{}, {x}, {1, 2, 2, 1});
  const TensorId paddings =
      model.graph.add_constant("paddings", make_tensor<std::int32_t>({4, 2}, {0, 0, 1, 1, 1, 1, 0, 0}));
  const TensorId y = model.emit(tflite::PadV2{}, {gate, paddings, model.constant({}, {50})}, {1, 4, 4, 1});
  const Plan plan = model.plan({y});
  EXPECT_GE(scale_in(plan, y) * static_cast<float>(127 - of(plan, y).zero_points[0]), 49.9f);
  EXPECT_EQ(of(plan, gate), per_tensor(1.0f / 256, -128));
  model.quantized(plan);
}

TEST(Plan, ComputedWeightsStayInFloat) {
  SmallGraph model;
  const TensorId x = model.input({1, 2}, {-1, 1});
  const TensorId weights = model.input({3, 2}, {-1, 1});
  const TensorId y = model.emit(tflite::FullyConnected{}, {x, weights, TensorId{}}, {1, 3}, Range{-2, 2});
  const Plan plan = model.plan({y});
  ASSERT_EQ(plan.float_operators.size(), 1u);
  EXPECT_EQ(plan.float_operators[0].reason, "its weights are computed");
  model.quantized(plan);
}

TEST(Plan, ADepthwiseFilterOfOneChannel) {
  SmallGraph model;
  const TensorId x = model.input({1, 4, 4, 1}, {0, 1});
  const TensorId weights = model.constant({1, 2, 2, 1}, {0.25f, 0.25f, 0.25f, 0.25f});
  const TensorId bias = model.constant({1}, {0});
  const TensorId y = model.emit(tflite::DepthwiseConv2D{}, {x, weights, bias}, {1, 3, 3, 1}, Range{0, 1});
  const TfliteGraph quantized = model.quantized(model.plan({y}));
  EXPECT_EQ(to_int64(quantized[weights].as_tensor()), (std::vector<std::int64_t>{127, 127, 127, 127}));
}

TEST(Plan, TheSecondMatrixOfAProductIsSymmetricForXnnpackAlone) {
  SmallGraph model;
  const TensorId a = model.input({1, 2, 2}, {0, 1});
  const TensorId b = model.input({1, 2, 2}, {-1, 3});
  const TensorId y = model.emit(tflite::BatchMatMul{}, {a, b}, {1, 2, 2}, Range{-1, 3});
  const Plan plan = model.plan({y});
  EXPECT_EQ(of(plan, b), per_tensor(3.0f / 127, 0));
  EXPECT_NE(of(plan, a).zero_points[0], 0);
  const TfliteGraph quantized = model.quantized(plan);
  EXPECT_TRUE(litert_cpu().runs_on(quantized, quantized[quantized.producer(y)]));

  EXPECT_NE(of(model.plan({y}, {}, tflm()), b).zero_points[0], 0);
}

TEST(Plan, ChoicesKeepAnOperatorInFloat) {
  SmallGraph model;
  const TensorId x = model.input({1, 2}, {-1, 1});
  const TensorId a = model.emit(tflite::Logistic{}, {x}, {1, 2});
  const TensorId y = model.emit(tflite::Add{}, {a, x}, {1, 2}, Range{-1, 2});
  QuantizationChoices choices;
  choices.operators[model.writer(a)] = DType::float32;
  const Plan plan = model.plan({y}, choices);
  ASSERT_EQ(plan.float_operators.size(), 1u);
  EXPECT_EQ(plan.float_operators[0].reason, "as chosen");
  EXPECT_EQ(operator_names(model.quantized(plan)),
            (std::vector<std::string_view>{"DEQUANTIZE", "LOGISTIC", "QUANTIZE", "ADD"}));
}

TEST(Plan, Int16ActivationsAreSymmetricWithWideBiases) {
  SmallGraph model;
  const TensorId x = model.input({1, 4, 4, 2}, {-1, 3});
  const TensorId y = model.convolution(x, model.constant({2, 1, 1, 2}, {1, 0, 0, 1}),
                                       model.constant({2}, {0.5f, -0.5f}), {-3, 3});
  const TensorId gate = model.emit(tflite::Logistic{}, {y}, {1, 4, 4, 2});
  const TensorId elu = model.emit(tflite::Elu{}, {gate}, {1, 4, 4, 2}, Range{0, 1});
  const Plan plan = model.plan({elu}, {.activations = DType::int16});
  EXPECT_EQ(of(plan, x), per_tensor(3.0f / 32767, 0));
  EXPECT_EQ(of(plan, gate), per_tensor(1.0f / 32768, 0));
  EXPECT_EQ(operand_of(model, plan, y, 2).dtype, DType::int64);
  ASSERT_EQ(plan.float_operators.size(), 1u) << "ELU has no int16 kernel";
  model.quantized(plan, ModelIo::int16);
}

TEST(Plan, AJoinOfPrescribedPartsReachesAsFarAsTheirType) {
  for (const DType type : {DType::int8, DType::int16}) {
    SmallGraph model;
    const TensorId x = model.input({1, 2}, {-0.5f, 0.5f});
    const TensorId gate = model.emit(tflite::Logistic{}, {x}, {1, 2});
    const TensorId y = model.emit(tflite::Concatenation{1, {}}, {x, gate}, {1, 4});
    const Plan plan = model.plan({y, gate}, {.activations = type});
    const Levels levels = levels_of(type);
    const auto reach = [&](TensorId tensor) {
      return scale_in(plan, tensor) * static_cast<float>(levels.highest - of(plan, tensor).zero_points[0]);
    };
    EXPECT_GE(reach(y), reach(gate) - scale_in(plan, y));
  }
}

TEST(Plan, AMissingRangeIsABug) {
  SmallGraph model;
  const TensorId x = model.input({1, 2}, {-1, 1});
  EXPECT_THROW(model.plan({model.emit(tflite::Add{}, {x, x}, {1, 2})}), Error);
}

/// Chains of sums, products, convolutions and joins over ranges of all sizes, each a valid model.
TEST(Plan, EveryGraphHasOneWhateverItsRanges) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto below = [&](std::size_t count) { return random() % count; };
    const auto range = [&] {
      constexpr std::array<float, 9> sizes = {0, 1e-30f, 1e-6f, 1e-3f, 1, 300, 1e9f, 1e20f, 3e38f};
      return Range{-sizes[below(9)], sizes[below(9)]};
    };
    SmallGraph model;
    std::vector<TensorId> tensors = {model.input({1, 2, 2, 2}, range()), model.input({1, 2, 2, 2}, range())};
    std::vector<TensorId> constants;
    for (int i = 0; i < 3; ++i) {
      const Range values = range();
      constants.push_back(model.constant({1, 2, 2, 2}, {values.low, values.high, 0, 0, 1, 0, 0, -1}));
    }
    const Range large = range();
    const TensorId weights = model.constant({2, 1, 1, 2}, {large.low, large.high, 0.1f, -1});
    const TensorId bias = model.constant({2}, {range().high, 0});
    const Shape shape = {1, 2, 2, 2};
    const std::size_t length = 3 + below(12);
    for (std::size_t i = 0; i < length; ++i) {
      const TensorId a = tensors[below(tensors.size())];
      const TensorId b = below(3) ? tensors[below(tensors.size())] : constants[below(constants.size())];
      switch (below(8)) {
        case 0:
          tensors.push_back(model.emit(tflite::Add{}, {a, b}, shape, range()));
          break;
        case 1:
          tensors.push_back(model.emit(tflite::Mul{}, {a, b}, shape, range()));
          break;
        case 2:
          tensors.push_back(model.emit(tflite::Maximum{}, {a, b}, shape));
          break;
        case 3:
          tensors.push_back(model.emit(tflite::Logistic{}, {a}, shape));
          break;
        case 4:
          tensors.push_back(model.emit(tflite::Div{}, {a, b}, shape, range()));
          break;
        case 5:
          tensors.push_back(model.emit(tflite::BatchMatMul{}, {a, b}, shape, range()));
          break;
        default:
          tensors.push_back(model.convolution(a, weights, bias, range()));
      }
    }
    const std::vector<TensorId> outputs(tensors.end() - 2, tensors.end());
    for (const DType type : {DType::int8, DType::int16}) {
      const Plan plan = model.plan(outputs, {.activations = type});
      model.quantized(plan, below(2)              ? ModelIo::float32
                            : type == DType::int8 ? ModelIo::int8
                                                  : ModelIo::int16);
    }
  }
}

TEST(Plan, WhatMovesAFloatInputToFloatOperatorsIsFloat) {
  SmallGraph model;
  const TensorId x = model.input({2, 2}, {-1, 1});
  const TensorId shape = model.graph.add_constant("shape", std::vector<std::int32_t>{1, 4});
  const TensorId moved = model.emit(tflite::Reshape{{1, 4}}, {x, shape}, {1, 4});
  const TensorId y = model.emit(tflite::Tanh{}, {moved}, {1, 4});
  model.graph.set_outputs({y});
  QuantizationChoices choices{.float_operators = {{model.writer(y), "asked for"}}, .has_float_outputs = true};
  EXPECT_EQ(operator_names(model.quantized(model.plan({y}, choices), ModelIo::float32)),
            (std::vector<std::string_view>{"QUANTIZE", "RESHAPE", "DEQUANTIZE", "TANH"}));
  choices.has_float_inputs = true;
  EXPECT_EQ(operator_names(model.quantized(model.plan({y}, choices), ModelIo::float32)),
            (std::vector<std::string_view>{"RESHAPE", "TANH"}));
}

TEST(Plan, AChainOfManyOperatorsTakesNoLongerThanItsLength) {
  SmallGraph model;
  TensorId x = model.input({1, 2}, {-1, 1});
  const TensorId half = model.constant({1, 1}, {0.5f});
  const TensorId shape = model.graph.add_constant("shape", std::vector<std::int32_t>{1, 2});
  for (int i = 0; i < 20000; ++i) {
    x = i % 2 ? model.emit(tflite::Reshape{{1, 2}}, {x, shape}, {1, 2})
              : model.emit(tflite::Add{}, {x, half}, {1, 2}, Range{0, i % 3 ? 1.0f : 1e-6f});
  }
  const Plan plan = model.plan({x});
  EXPECT_TRUE(plan.float_operators.empty());
  model.quantized(plan);
}

TEST(PlanJson, NamesEveryTensorWithItsRuleAndWhatStaysInFloat) {
  SmallGraph model;
  const TensorId x = model.input({1, 2}, {-1, 1});
  const TensorId gate = model.emit(tflite::Logistic{}, {x}, {1, 2});
  const TensorId y = model.emit(tflite::Div{}, {gate, x}, {1, 2}, Range{0, 1});
  const Plan plan = model.plan({y});
  const nlohmann::json json = to_json(plan, model.graph, model.ranges());
  ASSERT_EQ(json.at("tensors").size(), 3u);
  EXPECT_EQ(json.at("tensors")[0].at("name"), "input");
  EXPECT_EQ(json.at("tensors")[0].at("range")[1], 1.0);
  EXPECT_EQ(json.at("tensors")[1].at("zero_point"), -128);
  EXPECT_EQ(json.at("float_operators")[0].at("operator"), "DIV");
  EXPECT_NE(json.at("float_operators")[0].at("reason"), "");
}

}  // namespace
}  // namespace calib8
