#include "quantize/plan.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "calib8/error.h"
#include "ops/verify.h"
#include "quantize/apply.h"
#include "quantize/scale.h"

namespace calib8 {
namespace {

/// A float graph whose activations get ranges by hand.
struct Model {
  TfliteGraph graph;
  std::vector<std::pair<TensorId, Range>> observed;

  TensorId input(Shape shape, Range range) {
    const TensorId id =
        graph.add_value({"input", DType::float32, std::move(shape), std::nullopt, std::nullopt});
    graph.set_inputs({id});
    observed.push_back({id, range});
    return id;
  }
  TensorId emit(tflite::Options options, std::vector<TensorId> inputs, Shape shape,
                std::optional<Range> range = {}) {
    const TensorId id =
        graph.emit(std::move(options), std::move(inputs), "t" + std::to_string(graph.value_count()), shape);
    if (range) observed.push_back({id, *range});
    return id;
  }
  TensorId constant(Shape shape, std::vector<float> values) {
    return graph.add_constant("c" + std::to_string(graph.value_count()),
                              make_tensor(std::move(shape), std::move(values)));
  }
  Ranges ranges() const {
    Ranges all(graph.value_count());
    for (const auto& [id, range] : observed) all[id.index] = range;
    return all;
  }
  Plan plan(TensorId output) {
    graph.set_outputs({output});
    return make_plan(graph, ranges());
  }
};

const Quantization& of(const Plan& plan, TensorId tensor) {
  return plan.tensors[tensor.index].value().quantization;
}

TEST(Scale, CoversTheRangeWithZeroExact) {
  const Quantization symmetric = activation_quantization({-1.0f, 1.0f});
  EXPECT_NEAR(symmetric.scales[0], 2.0 / 255, 1e-8);
  EXPECT_EQ(activation_quantization({0, 6}).zero_points[0], -128);
  EXPECT_EQ(activation_quantization({2, 6}).zero_points[0], -128) << "zero belongs to every range";
  EXPECT_EQ(activation_quantization({-3, 0}).zero_points[0], 127);
  EXPECT_GE(activation_quantization({0, 0}).scales[0], smallest_scale);
}

TEST(Scale, OfWeightsLeavesTheBiasRoom) {
  const Tensor weights = make_tensor<float>({2, 2}, {1.27f, -0.5f, 1e-6f, 0});
  const std::vector<float> bias = {0, 100};
  const std::vector<float> scales = weight_scales(weights, 0, bias, 0.01f);
  EXPECT_FLOAT_EQ(scales[0], 0.01f);
  EXPECT_LE(100.0 / (0.01 * scales[1]), 536870912.0 * 1.0001);
}

TEST(Plan, WeightsArePerChannelAndTheBiasFollows) {
  Model model;
  const TensorId x = model.input({1, 4, 4, 2}, {-1, 1});
  const TensorId weights = model.constant({2, 1, 1, 2}, {1.27f, 0, 0, -2.54f});
  const TensorId bias = model.constant({2}, {0.5f, -0.5f});
  const TensorId y = model.emit(tflite::Conv2D{}, {x, weights, bias}, {1, 4, 4, 2}, Range{-3, 3});
  const Plan plan = model.plan(y);
  EXPECT_EQ(plan.tensors[weights.index]->role, TensorRole::weights);
  ASSERT_EQ(of(plan, weights).scales.size(), 2u);
  EXPECT_FLOAT_EQ(of(plan, weights).scales[1], 0.02f);
  EXPECT_FLOAT_EQ(of(plan, bias).scales[1], of(plan, x).scales[0] * 0.02f);

  TfliteGraph quantized = model.graph;
  apply_plan(quantized, plan, ModelIo::int8, 2);
  EXPECT_EQ(to_int64(quantized[weights].as_tensor()), (std::vector<std::int64_t>{127, 0, 0, -127}));
  EXPECT_EQ(quantized[bias].dtype, DType::int32);
  EXPECT_NEAR(static_cast<double>(to_int64(quantized[bias].as_tensor())[0]) * of(plan, bias).scales[0], 0.5,
              1e-4);
}

TEST(Plan, KernelsThatMoveBytesShareOneQuantization) {
  Model model;
  const TensorId x = model.input({1, 4, 4, 2}, {-1, 3});
  const TensorId paddings =
      model.graph.add_constant("paddings", make_tensor<std::int32_t>({4, 2}, {0, 0, 1, 1, 1, 1, 0, 0}));
  const TensorId padded = model.emit(tflite::Pad{}, {x, paddings}, {1, 6, 6, 2});
  const TensorId y = model.emit(tflite::MaxPool2D{}, {padded}, {1, 6, 6, 2});
  const Plan plan = model.plan(y);
  EXPECT_EQ(of(plan, x), of(plan, padded));
  EXPECT_EQ(of(plan, x), of(plan, y));
  EXPECT_FALSE(plan.tensors[paddings.index]);
}

TEST(Plan, AConcatenationTakesTheHullAndRequantizesWhatIsPrescribed) {
  Model model;
  const TensorId x = model.input({1, 2}, {-1, 1});
  const TensorId gate = model.emit(tflite::Logistic{}, {x}, {1, 2});
  const TensorId wide = model.emit(tflite::Add{}, {x, x}, {1, 2}, Range{-2, 6});
  const TensorId y = model.emit(tflite::Concatenation{1, {}}, {wide, gate}, {1, 4});
  const Plan plan = model.plan(y);
  EXPECT_EQ(of(plan, gate), per_tensor(1.0f / 256, -128));
  EXPECT_EQ(of(plan, y), of(plan, wide));
  ASSERT_EQ(plan.requantizations.size(), 1u);
  EXPECT_EQ(plan.requantizations[0].position, 1u);

  TfliteGraph quantized = model.graph;
  apply_plan(quantized, plan, ModelIo::int8, 2);
  verify(quantized, "test");
  const TfliteOperator& concatenation = quantized[quantized.producer(y)];
  EXPECT_EQ(quantized[concatenation.inputs[1]].quantization, quantized[y].quantization);
  EXPECT_TRUE(quantized[quantized.producer(concatenation.inputs[1])].is<tflite::Quantize>());
}

TEST(Plan, AProductIsKeptWithinTheRatiosThatXnnpackRuns) {
  Model dead;  // SiLU far to the left of zero
  const TensorId x = dead.input({1, 2}, {-1e6f, -1e4f});
  const TensorId gate = dead.emit(tflite::Logistic{}, {x}, {1, 2});
  const TensorId y = dead.emit(tflite::Mul{}, {x, gate}, {1, 2}, Range{0, 0});
  const Plan plan = dead.plan(y);
  EXPECT_LT(of(plan, x).scales[0] * of(plan, gate).scales[0] / of(plan, y).scales[0], 256.0f);
}

TEST(Plan, ASumIsKeptWithinTheRatiosThatXnnpackRuns) {
  Model model;
  const TensorId x = model.input({1, 2}, {-1e-6f, 1e-6f});
  const TensorId three = model.constant({1, 1}, {3});
  const TensorId y = model.emit(tflite::Add{}, {x, three}, {1, 2}, Range{0, 6});
  const Plan plan = model.plan(y);
  EXPECT_GE(of(plan, x).scales[0] / of(plan, y).scales[0], 1.0f / 1024);

  Model dead;
  const TensorId big = dead.input({1, 2}, {-100, 100});
  const TensorId zero = dead.emit(tflite::Sub{}, {big, big}, {1, 2}, Range{0, 0});
  const Plan dead_plan = dead.plan(zero);
  EXPECT_LT(of(dead_plan, big).scales[0] / of(dead_plan, zero).scales[0], 256.0f);
}

TEST(Plan, AMissingRangeIsABug) {
  Model model;
  const TensorId x = model.input({1, 2}, {-1, 1});
  EXPECT_THROW(model.plan(model.emit(tflite::Add{}, {x, x}, {1, 2})), Error);
}

TEST(Apply, EdgesGetTheAskedType) {
  for (const ModelIo io : {ModelIo::uint8, ModelIo::float32}) {
    Model model;
    const TensorId x = model.input({1, 2}, {-1, 1});
    const TensorId y = model.emit(tflite::Add{}, {x, x}, {1, 2}, Range{-2, 2});
    const Plan plan = model.plan(y);
    TfliteGraph quantized = model.graph;
    apply_plan(quantized, plan, io, 2);
    verify(quantized, "test");
    const TfliteTensor& input = quantized[quantized.inputs()[0]];
    const TfliteTensor& output = quantized[quantized.outputs()[0]];
    EXPECT_EQ(input.dtype, io == ModelIo::uint8 ? DType::uint8 : DType::float32);
    EXPECT_EQ(output.dtype, input.dtype);
    EXPECT_EQ(input.name, "input");
    if (io == ModelIo::uint8) {
      EXPECT_EQ(input.quantization->zero_points[0], of(plan, x).zero_points[0] + 128);
    }
  }
}

TEST(Apply, AnOperatorWithoutIntegerKernelStaysInFloatBetweenConversions) {
  Model model;
  const TensorId x = model.input({1, 2}, {1, 2});
  const TensorId y = model.emit(tflite::Div{}, {x, x}, {1, 2}, Range{0, 1});
  const Plan plan = model.plan(y);
  TfliteGraph quantized = model.graph;
  apply_plan(quantized, plan, ModelIo::int8, 2);
  verify(quantized, "test");
  std::vector<std::string_view> names;
  for (const OperatorId id : quantized.nodes()) names.push_back(name_of(quantized[id].options));
  EXPECT_EQ(names, (std::vector<std::string_view>{"DEQUANTIZE", "DEQUANTIZE", "DIV", "QUANTIZE"}));
  EXPECT_EQ(quantized[quantized.outputs()[0]].dtype, DType::int8);
}

TEST(PlanJson, NamesEveryTensorWithItsRule) {
  Model model;
  const TensorId x = model.input({1, 2}, {-1, 1});
  const TensorId y = model.emit(tflite::Logistic{}, {x}, {1, 2});
  const Plan plan = model.plan(y);
  const nlohmann::json json = to_json(plan, model.graph, model.ranges());
  ASSERT_EQ(json.at("tensors").size(), 2u);
  EXPECT_EQ(json.at("tensors")[0].at("name"), "input");
  EXPECT_EQ(json.at("tensors")[0].at("range")[1], 1.0);
  EXPECT_EQ(json.at("tensors")[1].at("zero_point"), -128);
}

}  // namespace
}  // namespace calib8
