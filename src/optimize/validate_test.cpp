#include "optimize/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calib8/error.h"

namespace calib8 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A valid int8 model of the operators that the rules are about:
/// image -> CONV_2D -> DEPTHWISE_CONV_2D -> ADD with the first -> MUL by LOGISTIC of it -> MAX_POOL_2D
///       -> CONCATENATION with itself
struct Model {
  TfliteGraph graph;
  TensorId image, weights, bias, conv, depthwise, sum, gate, product, pool, joined;

  Model() {
    image = activation("image", per_tensor(0.02f, -10));
    conv = convolve(tflite::Conv2D{}, "conv", image, 0);
    weights = graph[graph.producer(conv)].inputs[1];
    bias = graph[graph.producer(conv)].inputs[2];
    depthwise = convolve(tflite::DepthwiseConv2D{}, "depthwise", conv, 3);
    sum = emit(tflite::Add{}, {conv, depthwise}, "sum", per_tensor(0.1f, 0));
    gate = emit(tflite::Logistic{}, {sum}, "gate", per_tensor(1.0f / 256, -128));
    product = emit(tflite::Mul{}, {sum, gate}, "product", per_tensor(0.05f, 5));
    pool = emit(tflite::MaxPool2D{}, {product}, "pool", per_tensor(0.05f, 5));
    tflite::Concatenation concatenation;
    concatenation.axis = 3;
    joined = graph.emit(concatenation, {pool, pool}, "joined", {1, 2, 2, 4}, DType::int8);
    graph[joined].quantization = per_tensor(0.05f, 5);
    graph.set_inputs({image});
    graph.set_outputs({joined});
  }

  TensorId activation(const std::string& name, Quantization quantization) {
    return graph.add_value({name, DType::int8, {1, 2, 2, 2}, std::move(quantization), {}});
  }
  TensorId emit(tflite::Options options, std::vector<TensorId> inputs, const std::string& name,
                Quantization quantization) {
    const TensorId output =
        graph.emit(std::move(options), std::move(inputs), name, {1, 2, 2, 2}, DType::int8);
    graph[output].quantization = std::move(quantization);
    return output;
  }
  /// 1x1 filters, of which both convolutions have as many elements as the depth of 2 needs.
  TensorId convolve(tflite::Options options, const std::string& name, TensorId input, std::int32_t axis) {
    const bool is_depthwise = axis == 3;
    const Shape shape = is_depthwise ? Shape{1, 1, 1, 2} : Shape{2, 1, 1, 2};
    const std::vector<std::int8_t> values =
        is_depthwise ? std::vector<std::int8_t>{100, -127} : std::vector<std::int8_t>{1, 2, -3, 127};
    const TensorId filter = graph.add_constant(name + "/weight", make_tensor(shape, values));
    const TensorId offsets =
        graph.add_constant(name + "/bias", make_tensor<std::int32_t>({2}, {1000, -2000}));
    const float scale = graph[input].quantization->scales[0];
    graph[filter].quantization = Quantization{{0.01f, 0.003f}, {0, 0}, axis};
    graph[offsets].quantization = Quantization{{scale * 0.01f, scale * 0.003f}, {0, 0}, 0};
    return emit(std::move(options), {input, filter, offsets}, name, per_tensor(0.04f, -128));
  }
  TfliteOperator& producer(TensorId id) { return graph[graph.producer(id)]; }
  Quantization& quantization(TensorId id) { return *graph[id].quantization; }
};

std::vector<std::string> findings(const Model& model) {
  return validate(model.graph);
}

TEST(Validate, AcceptsAValidModel) {
  const Model model;
  EXPECT_THAT(findings(model), IsEmpty());
  require_valid(model.graph);
}

TEST(Validate, OrderOfExecution) {
  Model model;
  model.graph.set_inputs({});
  EXPECT_THAT(findings(model), ElementsAre("CONV_2D reads 'image' before it is written"));
}

TEST(Validate, ZeroPointsAsManyAsScales) {
  Model model;
  model.quantization(model.weights).zero_points = {0};
  EXPECT_THAT(findings(model), ElementsAre(HasSubstr("2 scales but 1 zero points")));
}

TEST(Validate, NoAxisWhereThereIsOneScale) {
  Model model;
  model.quantization(model.image).axis = 3;
  EXPECT_THAT(findings(model), ElementsAre(HasSubstr("one scale but quantization axis 3")));
}

TEST(Validate, ScalesAreNormalNumbers) {
  for (const float scale : {0.0f, -1.0f, 1e-40f, 1e-12f}) {
    Model model;
    model.quantization(model.depthwise).scales = {scale};
    EXPECT_THAT(findings(model), testing::Contains(HasSubstr("too small for the kernels"))) << scale;
  }
}

TEST(Validate, ActivationsHaveOneScaleAndAZeroPointWithinTheType) {
  Model model;
  model.quantization(model.sum).zero_points = {128};
  EXPECT_THAT(findings(model), ElementsAre(HasSubstr("zero point 128 is outside of [-128, 127]")));
  model.graph[model.sum].quantization.reset();
  EXPECT_THAT(findings(model), ElementsAre("tensor 'sum': int8 without a scale"));
  model.graph[model.sum].quantization = Quantization{{0.1f, 0.1f}, {0, 0}, 3};
  EXPECT_THAT(findings(model), ElementsAre(HasSubstr("2 scales, but an activation has one")));
}

TEST(Validate, OneTypeThroughAnOperator) {
  Model model;
  model.graph[model.joined].dtype = DType::float32;
  model.graph[model.joined].quantization.reset();
  EXPECT_THAT(findings(model),
              ElementsAre(HasSubstr("CONCATENATION 'joined': its output is declared float32")));

  TfliteGraph graph;  // which LiteRT has a kernel for, but not of this rule
  const TensorId x = graph.add_value({"x", DType::float32, {2, 2}, {}, {}});
  const TensorId matrix = graph.add_constant("matrix", make_tensor<std::int8_t>({2, 2}, {1, 2, 3, 4}));
  graph[matrix].quantization = per_tensor(0.5f, 0);
  graph.set_inputs({x});
  graph.set_outputs({graph.emit(tflite::BatchMatMul{}, {x, matrix}, "product", {2, 2})});
  EXPECT_THAT(validate(graph), ElementsAre(HasSubstr("reads 'matrix' of int8, writes float32")));
}

TEST(Validate, OperatorsThatMoveBytesKeepTheQuantization) {
  Model model;
  model.quantization(model.pool).scales = {0.06f};
  EXPECT_THAT(findings(model), testing::Contains(HasSubstr("MAX_POOL_2D 'pool': 'product' has q(0.05, 5)")));
  EXPECT_THAT(findings(model), testing::Contains(HasSubstr("CONCATENATION 'joined': 'pool' has q(0.06, 5)")));
}

TEST(Validate, PrescribedOutputs) {
  Model model;
  model.quantization(model.gate) = per_tensor(1.0f / 255, -128);
  EXPECT_THAT(findings(model), ElementsAre(HasSubstr("LOGISTIC 'gate': output has q(")));
}

TEST(Validate, OperatorsWithWrongKernelsStayFloat) {
  Model model;
  model.emit(tflite::Div{}, {model.sum, model.gate}, "quotient", per_tensor(0.1f, 0));
  model.emit(tflite::Neg{}, {model.sum}, "negative", per_tensor(0.1f, 0));
  EXPECT_THAT(findings(model), ElementsAre(HasSubstr("DIV 'quotient': has no right integer kernel"),
                                           HasSubstr("NEG 'negative': has no right integer kernel")));
}

TEST(Validate, RatiosOfSums) {
  for (const float scale : {0.04f * 1025, 0.04f / 256.5f}) {
    Model model;
    model.quantization(model.sum).scales = {scale};
    EXPECT_THAT(findings(model),
                testing::Contains(HasSubstr("ADD 'sum': scale of input 0 / output scale is")))
        << scale;
  }
}

TEST(Validate, RatioOfProducts) {
  Model model;
  model.quantization(model.sum).scales = {10.0f};
  for (const TensorId id : {model.product, model.pool, model.joined}) model.quantization(id).scales = {1e-4f};
  EXPECT_THAT(findings(model),
              ElementsAre(HasSubstr("MUL 'product': product of input scales / output scale is 391")));
}

TEST(Validate, ConvolutionsHaveABias) {
  Model model;
  model.graph.set_input(model.graph.producer(model.conv), 2, TensorId{});
  EXPECT_THAT(findings(model), ElementsAre(HasSubstr("CONV_2D 'conv': lacks its input 2")));
}

TEST(Validate, DepthMultiplier) {
  Model model;
  model.producer(model.depthwise).get_if<tflite::DepthwiseConv2D>()->depth_multiplier = 0;
  EXPECT_THAT(findings(model),
              ElementsAre(HasSubstr("depth multiplier 0 does not lead from 2 channels to 2")));
}

TEST(Validate, NoActivationOnConcatenation) {
  Model model;
  model.producer(model.joined).get_if<tflite::Concatenation>()->activation = tflite::Activation::relu;
  EXPECT_THAT(findings(model), ElementsAre(HasSubstr("has a fused activation")));
}

TEST(Validate, AxisOfTheWeights) {
  Model model;
  model.quantization(model.weights).axis = 3;
  EXPECT_THAT(findings(model), ElementsAre(HasSubstr("weights are quantized on axis 3, the kernel's is 0")));
}

TEST(Validate, WeightsAreSymmetric) {
  Model model;
  model.quantization(model.weights).zero_points = {0, 1};
  EXPECT_THAT(findings(model), ElementsAre(HasSubstr("weights have a zero point other than 0")));
  model.quantization(model.weights).zero_points = {0, 0};
  model.graph[model.weights].constant = Data::from_vector<std::int8_t>({1, 2, -128, 4});
  EXPECT_THAT(findings(model), ElementsAre(HasSubstr("weights hold -128")));
}

TEST(Validate, RequantizationMultiplier) {
  Model model;
  model.quantization(model.conv).scales = {0.02f * 0.01f / 256.5f};
  EXPECT_THAT(findings(model),
              testing::Contains(HasSubstr("CONV_2D 'conv': input scale x weight scale / output")));
}

TEST(Validate, BiasTypeAndScales) {
  Model model;
  model.quantization(model.bias).scales[1] *= 1.001f;
  EXPECT_THAT(findings(model), ElementsAre(HasSubstr("(channel 1) is not input scale x weight scale")));
  model.graph[model.bias].quantization = per_tensor(0.02f * 0.01f, 0);
  EXPECT_THAT(findings(model), ElementsAre("CONV_2D 'conv': bias has 1 scales, the weights have 2"));
  model.graph[model.bias].quantization.reset();
  EXPECT_THAT(findings(model), ElementsAre(HasSubstr("bias is int32 without scales")));
}

TEST(Validate, SumsFit32Bits) {
  Model model;
  // |w| of channel 1 is 130, so the products reach 130 * 255 = 33150.
  const std::int32_t largest = 2147483647 - 130 * 255;
  model.graph[model.bias].constant = Data::from_vector<std::int32_t>({0, -largest});
  EXPECT_THAT(findings(model), IsEmpty());
  model.graph[model.bias].constant = Data::from_vector<std::int32_t>({0, -largest - 1});
  EXPECT_THAT(findings(model), ElementsAre(HasSubstr("sums of channel 1 may reach 2147483648 and overflow")));
}

TEST(Validate, DepthwiseSumsGoByTheLastAxis) {
  Model model;
  const TensorId bias = model.producer(model.depthwise).inputs[2];
  const std::int32_t largest = 2147483647 - 100 * 255;
  model.graph[bias].constant = Data::from_vector<std::int32_t>({largest, 0});
  EXPECT_THAT(findings(model), IsEmpty());
  model.graph[bias].constant = Data::from_vector<std::int32_t>({largest + 1, 0});
  EXPECT_THAT(findings(model), ElementsAre(HasSubstr("DEPTHWISE_CONV_2D 'depthwise': sums of channel 0")));
}

TEST(Validate, FloatTensorsHaveNoScale) {
  Model model;
  model.graph.set_outputs({model.graph.emit(tflite::Dequantize{}, {model.joined}, "real", {1, 2, 2, 4})});
  EXPECT_THAT(findings(model), IsEmpty());
  model.graph[model.graph.outputs()[0]].quantization = per_tensor(1, 0);
  EXPECT_THAT(findings(model), ElementsAre("tensor 'real': float, yet with a scale"));
}

TEST(Validate, FloatOperatorsMayHaveInt8WeightsOnly) {
  TfliteGraph graph;
  const TensorId x = graph.add_value({"x", DType::float32, {1, 2, 2, 2}, {}, {}});
  const TensorId weights = graph.add_constant("w", make_tensor<std::int8_t>({1, 1, 1, 2}, {1, 2}));
  const TensorId bias = graph.add_constant("b", make_tensor<float>({2}, {1, 2}));
  graph.set_inputs({x});
  graph.set_outputs({graph.emit(tflite::DepthwiseConv2D{}, {x, weights, bias}, "y", {1, 2, 2, 2})});
  graph[weights].quantization = Quantization{{0.5f, 0.25f}, {0, 0}, 3};
  EXPECT_THAT(validate(graph), IsEmpty());
  graph[weights].quantization = per_tensor(0.5f, 0);
  EXPECT_THAT(validate(graph), ElementsAre(HasSubstr("int8 weights of one scale")));
  graph[weights].quantization.reset();
  graph[weights].dtype = DType::float16;
  graph[weights].constant = Data::from_vector<std::uint16_t>({0x3c00, 0x3c00});
  EXPECT_THAT(validate(graph), ElementsAre(HasSubstr("its data is float32, its weights are float16")));
}

TEST(Validate, RequireValidListsAllFindings) {
  Model model;
  model.quantization(model.gate) = per_tensor(1.0f / 255, -128);
  model.quantization(model.weights).zero_points = {0, 1};
  try {
    require_valid(model.graph);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::internal);
    EXPECT_THAT(error.what(), HasSubstr("breaks 2 of litert-cpu's rules"));
    EXPECT_THAT(error.what(), HasSubstr("LOGISTIC 'gate'"));
    EXPECT_THAT(error.what(), HasSubstr("CONV_2D 'conv'"));
  }
}

}  // namespace
}  // namespace calib8
