#include "verify/verify_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "calib8/error.h"
#include "run/edge_values.h"
#include "samples/test_array_source.h"
#include "write/tflite.h"

namespace calib8 {
namespace {

/// y = x + offset, [1, 3]; int8 with the given scale where it is set.
TfliteGraph sum_model(float offset, std::optional<float> scale) {
  TfliteGraph graph;
  const Shape shape = {1, 3};
  const DType dtype = scale ? DType::int8 : DType::float32;
  const auto quantization = scale ? std::optional(per_tensor(*scale, 0)) : std::nullopt;
  const TensorId x = graph.add_value({"x", dtype, shape, quantization, std::nullopt});
  graph.set_inputs({x});
  const std::vector<float> offsets = {offset, 0, 0};
  Tensor constant = make_tensor({1, 3}, offsets);
  if (scale) constant = from_float(constant, {dtype, quantization});
  const TensorId added = graph.add_constant("offset", std::move(constant));
  graph[added].quantization = quantization;
  const TensorId y = graph.emit(tflite::Add{}, {x, added}, "y", shape, dtype);
  graph[y].quantization = quantization;
  graph.set_outputs({y});
  graph.input_names = {"x"};
  graph.output_names = {"y"};
  return graph;
}

ArraySource samples_with_labels() {
  std::vector<Sample> samples;
  for (int label = 0; label < 3; ++label) {
    std::vector<float> values = {0, 0, 0};
    values[static_cast<std::size_t>(label)] = 1;
    Sample sample;
    sample.inputs.emplace("", make_tensor({1, 3}, std::move(values)));
    sample.label = label;
    samples.push_back(std::move(sample));
  }
  return ArraySource(std::move(samples));
}

Verification verify_pair(TfliteGraph float_graph, const TfliteGraph& quantized, std::size_t classes = 3) {
  const ConstantBlock constants(float_graph);
  VerifyOptions options;
  options.threads = 2;
  options.classes = classes;
  options.latency_seconds = 0;
  return verify_model({float_graph, constants}, {quantized, share(serialize_tflite(quantized).bytes())},
                      float_graph, samples_with_labels(), open_litert(), options);
}

TEST(VerifyModel, CountsAgreementAndAccuracy) {
  const TfliteGraph real = sum_model(0, std::nullopt);
  const Verification good = verify_pair(real, sum_model(0, 0.01f));
  EXPECT_EQ(good.agreement->agreeing, 3);
  EXPECT_EQ(good.accuracy->quantized_correct, 3);
  EXPECT_GT(good.sqnr_decibels, 40);

  // A quantized model that always chooses class 0 agrees on one image of three.
  const Verification bad = verify_pair(real, sum_model(1.2f, 0.02f));
  EXPECT_EQ(bad.agreement->agreeing, 1);
  EXPECT_EQ(bad.accuracy->float_correct, 3);
  EXPECT_EQ(bad.accuracy->quantized_correct, 1);
  EXPECT_LT(bad.sqnr_decibels, 10);
  ASSERT_EQ(bad.worst_layers.size(), 1u);
  EXPECT_EQ(bad.worst_layers[0].tensor, "y");
  EXPECT_EQ(bad.worst_layers[0].op, "ADD");
}

TEST(VerifyModel, LabelsMeanNothingWhereClassesAndOutputsDiffer) {
  const TfliteGraph real = sum_model(0, std::nullopt);
  EXPECT_FALSE(verify_pair(real, sum_model(0, 0.01f), 10).accuracy);
}

/// y = x / d with the given divisor, float32.
TfliteGraph quotient_model(float divisor) {
  TfliteGraph graph;
  const Shape shape = {1, 3};
  const TensorId x = graph.add_value({"x", DType::float32, shape, std::nullopt, std::nullopt});
  graph.set_inputs({x});
  const TensorId d = graph.add_constant("divisor", make_tensor<float>({1, 3}, {divisor, divisor, divisor}));
  graph.set_outputs({graph.emit(tflite::Div{}, {x, d}, "y", shape)});
  graph.input_names = {"x"};
  graph.output_names = {"y"};
  return graph;
}

TEST(VerifyModel, RefusesAFloatModelThatGivesNoNumbers) {
  try {
    verify_pair(quotient_model(0), sum_model(0, 0.01f));
    FAIL() << "NaN went through";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::model);
    EXPECT_NE(error.message().find("verification sample"), std::string::npos) << error.message();
  }
}

TEST(VerifyModel, NoNumbersOfTheOtherModelNeverAgree) {
  const Verification verification = verify_pair(quotient_model(1), quotient_model(0));
  EXPECT_EQ(verification.agreement->agreeing, 0);
  EXPECT_EQ(verification.accuracy->quantized_correct, 0);
  EXPECT_TRUE(std::isnan(verification.sqnr_decibels));
}

TEST(VerifyModel, TellsOutputsThatAreDead) {
  const float infinity = std::numeric_limits<float>::infinity();
  const auto is_dead = [](float float_divisor, float divisor) {
    return verify_pair(quotient_model(float_divisor), quotient_model(divisor)).outputs.at(0).fidelity.dead;
  };
  EXPECT_TRUE(is_dead(1, infinity));
  EXPECT_FALSE(is_dead(1, 2));
  EXPECT_FALSE(is_dead(infinity, infinity)) << "the float model's are the same, too";
}

/// So many samples of one kind that it takes several looks.
ArraySource many_samples(std::size_t count) {
  std::vector<Sample> samples(count);
  for (std::size_t i = 0; i < count; ++i)
    samples[i].inputs.emplace("", make_tensor<float>({1, 3}, {static_cast<float>(i % 3), 1, 0}));
  return ArraySource(std::move(samples));
}

TEST(VerifyModel, RunsNoMoreThanIsEnough) {
  TfliteGraph model = sum_model(0, std::nullopt);
  const ConstantBlock constants(model);
  const auto samples_run = [&](std::function<bool(const Verification&)> is_enough, std::size_t there) {
    VerifyOptions options;
    options.latency_seconds = 0;
    options.is_enough = std::move(is_enough);
    const Verification result =
        verify_model({model, constants}, {model, share(serialize_tflite(model).bytes())}, model,
                     many_samples(there), open_litert(), options);
    EXPECT_EQ(result.agreement->agreeing, result.samples);
    return result.samples;
  };
  EXPECT_EQ(samples_run({}, 75), 75);
  EXPECT_EQ(samples_run([](const Verification&) { return true; }, 75), 20);
  EXPECT_EQ(samples_run([](const Verification& so_far) { return so_far.samples > 20; }, 75), 60);
  EXPECT_EQ(samples_run([](const Verification&) { return false; }, 75), 75);
  EXPECT_EQ(samples_run([](const Verification&) { return false; }, 7), 7);
}

}  // namespace
}  // namespace calib8
