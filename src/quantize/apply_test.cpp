#include "quantize/apply.h"

#include <gtest/gtest.h>

#include "quantize/small_plans.h"

namespace calib8 {
namespace {

using Names = std::vector<std::string_view>;

TEST(Apply, EdgesGetTheAskedType) {
  for (const ModelIo io : {ModelIo::uint8, ModelIo::float32}) {
    SmallGraph model;
    const TensorId x = model.input({1, 2}, {-1, 1});
    const TensorId y = model.emit(tflite::Add{}, {x, x}, {1, 2}, Range{-2, 2});
    const Plan plan = model.plan({y});
    const TfliteGraph quantized = model.quantized(plan, io);
    const TfliteTensor& input = quantized[quantized.inputs()[0]];
    const TfliteTensor& output = quantized[quantized.outputs()[0]];
    EXPECT_EQ(name_of(input.dtype), word_of(io));
    EXPECT_EQ(name_of(output.dtype), word_of(io));
    EXPECT_EQ(input.name, "input");
    if (io == ModelIo::uint8) {
      EXPECT_EQ(input.quantization->zero_points[0], of(plan, x).zero_points[0] + 128);
    }
  }
}

TEST(Apply, AnOperatorWithoutIntegerKernelStaysInFloatBetweenConversions) {
  SmallGraph model;
  const TensorId x = model.input({1, 2}, {1, 2});
  const TensorId y = model.emit(tflite::Div{}, {x, x}, {1, 2}, Range{0, 1});
  const TfliteGraph quantized = model.quantized(model.plan({y}));
  EXPECT_EQ(operator_names(quantized), (Names{"DEQUANTIZE", "DIV", "QUANTIZE"}));
  EXPECT_EQ(quantized[quantized.outputs()[0]].dtype, DType::int8);
}

TEST(Apply, FloatNeighboursExchangeFloats) {
  SmallGraph model;
  const TensorId x = model.input({1, 2}, {1, 2});
  const TensorId first = model.emit(tflite::Div{}, {x, x}, {1, 2}, Range{0, 1});
  const TensorId shape = model.graph.add_constant("shape", std::vector<std::int32_t>{2, 1});
  const TensorId moved = model.emit(tflite::Reshape{{2, 1}}, {first, shape}, {2, 1});
  const TensorId second = model.emit(tflite::Div{}, {moved, moved}, {2, 1}, Range{0, 1});
  const TensorId y = model.emit(tflite::Add{}, {second, second}, {2, 1}, Range{0, 2});
  const TfliteGraph quantized = model.quantized(model.plan({y}));
  EXPECT_EQ(operator_names(quantized), (Names{"DEQUANTIZE", "DIV", "RESHAPE", "DIV", "QUANTIZE", "ADD"}));
}

TEST(Apply, AFloatOperatorReadsAndGivesOutTheModelsOwnFloats) {
  SmallGraph model;
  const TensorId x = model.input({1, 2}, {1, 2});
  const TensorId y = model.emit(tflite::Div{}, {x, x}, {1, 2}, Range{0, 1});
  const TfliteGraph quantized = model.quantized(model.plan({y}), ModelIo::float32);
  EXPECT_EQ(operator_names(quantized), Names{"DIV"});
}

TEST(Apply, OneConversionServesAllReadersThatWantIt) {
  SmallGraph model;
  const TensorId x = model.input({1, 2}, {1, 2});
  const TensorId first = model.emit(tflite::Div{}, {x, x}, {1, 2}, Range{0, 1});
  const TensorId second = model.emit(tflite::Neg{}, {x}, {1, 2}, Range{-2, -1});
  const TfliteGraph quantized = model.quantized(model.plan({first, second, x}));
  EXPECT_EQ(operator_names(quantized), (Names{"DEQUANTIZE", "DIV", "QUANTIZE", "NEG", "QUANTIZE"}));
}

TEST(Apply, TensorsThatAreGivenOutTwiceOrRightFromTheInput) {
  for (const ModelIo io : {ModelIo::int8, ModelIo::uint8, ModelIo::float32}) {
    SmallGraph model;
    const TensorId x = model.input({1, 2}, {-1, 1});
    const TensorId y = model.emit(tflite::Add{}, {x, x}, {1, 2}, Range{-2, 2});
    const TfliteGraph quantized = model.quantized(model.plan({y, x, y}), io);
    ASSERT_EQ(quantized.outputs().size(), 3u);
    EXPECT_EQ(quantized.outputs()[0], quantized.outputs()[2]);
    for (const TensorId output : quantized.outputs())
      EXPECT_EQ(name_of(quantized[output].dtype), word_of(io));
  }
}

TEST(Apply, EachReaderOfAConstantGetsItsOwnForm) {
  SmallGraph model;
  const TensorId x = model.input({1, 2, 2, 2}, {-1, 1});
  const TensorId wide = model.input({1, 2, 2, 2}, {-100, 100});
  const TensorId weights = model.constant({2, 1, 1, 2}, {1, 0, 0, 1});
  const TensorId bias = model.constant({2}, {0.5f, -0.5f});
  const TensorId a = model.convolution(x, weights, bias, {-2, 2});
  const TensorId b = model.convolution(wide, weights, bias, {-200, 200});
  const Plan plan = model.plan({a, b});
  const TfliteGraph quantized = model.quantized(plan);
  const auto input = [&](TensorId output, std::size_t position) {
    return quantized[quantized.producer(output)].inputs[position];
  };
  EXPECT_EQ(input(a, 1), input(b, 1)) << "weights of one quantization are one constant";
  EXPECT_NE(input(a, 2), input(b, 2));
  for (const TensorId output : {a, b}) {
    const TfliteTensor& own = quantized[input(output, 2)];
    EXPECT_NEAR(static_cast<double>(to_int64(own.as_tensor())[0]) * own.quantization->scales[0], 0.5, 1e-3);
  }
}

TEST(Apply, AConstantOfAnIntegerAndAFloatReaderIsBoth) {
  SmallGraph model;
  const TensorId x = model.input({1, 2}, {1, 2});
  const TensorId two = model.constant({1, 2}, {2, 4});
  const TensorId quotient = model.emit(tflite::Div{}, {x, two}, {1, 2}, Range{0, 1});
  const TensorId sum = model.emit(tflite::Add{}, {x, two}, {1, 2}, Range{0, 6});
  const TfliteGraph quantized = model.quantized(model.plan({quotient, sum}));
  EXPECT_EQ(quantized[quantized[quantized.producer(sum)].inputs[1]].dtype, DType::int8);
  EXPECT_EQ(quantized[two].dtype, DType::float32);
}

TEST(Apply, Int16BesideInt8IsConvertedOnTheEdge) {
  SmallGraph model;
  const TensorId x = model.input({1, 2}, {-1, 1});
  const TensorId a = model.emit(tflite::Add{}, {x, x}, {1, 2}, Range{-2, 2});
  const TensorId b = model.emit(tflite::Mul{}, {a, a}, {1, 2}, Range{0, 4});
  QuantizationChoices choices;
  choices.operators[model.writer(b)] = DType::int16;
  const Plan plan = model.plan({b}, choices);
  EXPECT_EQ(plan.tensors[b.index]->dtype, DType::int16);
  const TfliteGraph quantized = model.quantized(plan);
  EXPECT_EQ(operator_names(quantized), (Names{"ADD", "QUANTIZE", "MUL"}));
}

}  // namespace
}  // namespace calib8
