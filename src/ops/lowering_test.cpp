#include "ops/lowering.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/small_models.h"

namespace calib8 {
namespace {

using ::testing::ElementsAre;

std::string name_for(const std::string& value_name, const std::string& op_type, std::string_view part = {}) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 2, 3, 4});
  model.node(op_type, value_name, {x});
  TfliteGraph target;
  std::vector<TensorId> tensors(model.graph.value_count());
  return Lowering(model.graph, model.graph[model.graph.nodes()[0]], target, tensors).tensor_name(part);
}

TEST(Lowering, NamesTensorsAfterModules) {
  EXPECT_EQ(name_for("/features/features.0/features.0.1/Relu_output_0", "Relu"), "features.0.1");
  EXPECT_EQ(name_for("/features/features.1/conv/conv.0/conv.0.1/Clip_output_0", "Clip"),
            "features.1.conv.0.1");
  EXPECT_EQ(name_for("/backbone/features/features.0/features.0.0/Relu_output_0", "Relu"),
            "backbone.features.0.0");
  EXPECT_EQ(name_for("/layer1/layer1.0/Sigmoid_1_output_0", "Sigmoid"), "layer1.0/Sigmoid_1");
  EXPECT_EQ(name_for("/Relu_output_0", "Relu"), "Relu");
  EXPECT_EQ(name_for("backbone.features.0.0", "Relu"), "backbone.features.0.0");
  EXPECT_EQ(name_for("backbone.features.0.0", "Relu", "pad"), "backbone.features.0.0/pad");
  EXPECT_EQ(name_for("/", "Relu"), "/");
}

TEST(Lowering, NamesTensorsAfterTheirWeights) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 2, 4, 4});
  const auto y = model.node("Conv", "conv2d_1", {x, model.counting("features.0.0.weight", {3, 2, 1, 1})});
  const TfliteGraph graph = model.lower(y);
  EXPECT_EQ(graph[first<tflite::Conv2D>(graph).outputs[0]].name, "features.0.0");
}

/// A graph with one constant as input of one node, and that constant lowered.
struct LoweredConstant {
  SmallModel model;
  TfliteGraph target;
  std::vector<TensorId> tensors;
  TensorId tensor;

  explicit LoweredConstant(Tensor constant) {
    const auto c = model.graph.add_constant("c", std::move(constant));
    model.graph.emit("Identity", "y", {c, c});
    tensors.resize(model.graph.value_count());
    Lowering lowering(model.graph, model.graph[model.graph.nodes()[0]], target, tensors);
    tensor = lowering.input(0);
    EXPECT_EQ(lowering.input(1), tensor);
  }
  const TfliteTensor& operator*() const { return target[tensor]; }
};

TEST(Lowering, ConstantsTakeTypesThatTfliteHas) {
  EXPECT_EQ((*LoweredConstant(make_tensor<float>({1}, {1}))).dtype, DType::float32);
  EXPECT_EQ((*LoweredConstant(make_tensor<std::int8_t>({1}, {1}))).dtype, DType::int8);
  const LoweredConstant wide(make_tensor<double>({2}, {0.5, 2}));
  EXPECT_THAT(floats_of(wide.target, wide.tensor), ElementsAre(0.5f, 2.0f));
  const LoweredConstant integers(make_tensor<std::int64_t>({2}, {-5, 7}));
  EXPECT_EQ((*integers).dtype, DType::int32);
  EXPECT_THAT(integers.target.constant_integers(integers.tensor), ElementsAre(-5, 7));
  EXPECT_EQ((*integers).name, "c");
  EXPECT_THROW(LoweredConstant(make_tensor<std::int64_t>({1}, {std::int64_t{1} << 31})), Error);
}

TEST(Lowering, TransposesThereAndBack) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 2, 3, 4});
  model.node("Relu", "y", {x});
  TfliteGraph target;
  std::vector<TensorId> tensors(model.graph.value_count());
  tensors[x.index] = target.add_value({"x", DType::float32, {1, 2, 3, 4}, std::nullopt, std::nullopt});
  Lowering lowering(model.graph, model.graph[model.graph.nodes()[0]], target, tensors);
  const TensorId last = lowering.to_channels_last(lowering.input(0));
  EXPECT_EQ(target[last].shape, (Shape{1, 3, 4, 2}));
  EXPECT_EQ(target[lowering.to_channels_first(last)].shape, (Shape{1, 2, 3, 4}));
  const TensorId same = lowering.emit_transpose(last, {0, 1, 2, 3});
  EXPECT_EQ(same, last);
  EXPECT_THROW(lowering.set_output(0, last), Error);  // another shape than inferred
}

}  // namespace
}  // namespace calib8
