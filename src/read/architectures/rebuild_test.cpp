#include "read/architectures/rebuild.h"

#include <gtest/gtest.h>

#include "calib8/error.h"
#include "read/architectures/architecture.h"
#include "read/architectures/naming.h"

namespace calib8 {
namespace {

const Architecture& architecture(std::string_view name) {
  for (const Architecture* each : all_architectures()) {
    if (each->name == name) return *each;
  }
  throw std::logic_error("no such architecture in the test");
}

/// All tensors look into one block, so that a large model costs nothing to make up.
Tensor ones(const Shape& shape) {
  static const Data block = Data::from_vector(std::vector<float>(std::size_t{1} << 24, 1.0f));
  return {DType::float32, shape,
          block.part(0, static_cast<std::size_t>(*element_count(shape)) * sizeof(float))};
}

/// A state_dict as the architecture would save it, all ones. With `mission_head` the backbone stands under
/// "backbone." and three linear layers beside it.
Checkpoint saved(const Architecture& self, std::int64_t num_classes, bool mission_head = false) {
  ModuleBuilder build(nullptr, mission_head ? "backbone." : "");
  const OnnxValueId image = build.graph().add_value({"image", std::nullopt, std::nullopt});
  const Features features = self.features(build, image, self);
  if (mission_head) {
    build.leave_prefix();
    build.linear(features.value, "classifier.0", features.channels, 512);
    build.linear(features.value, "classifier.3", 512, 256);
    build.linear(features.value, "classifier.6", 256, num_classes);
  } else {
    self.classifier(build, features, num_classes);
  }
  Checkpoint checkpoint;
  for (const ExpectedTensor& tensor : build.expected())
    checkpoint.tensors.add(tensor.name, ones(tensor.shape));
  return checkpoint;
}

std::string refusal(const Checkpoint& checkpoint, const RebuildRequest& request = {}) {
  try {
    rebuild_model(checkpoint, request);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::model);
    return error.message();
  }
  return "";
}

TEST(Rebuild, RecognizesEveryArchitectureByItsTensors) {
  EXPECT_EQ(architecture_names().size(), 56u);
  for (const Architecture* each : all_architectures()) {
    const std::string_view name = each->name;
    if (name == "efficientnet_b7" || name == "efficientnet_v2_l" || name.ends_with("gf") ||
        name.starts_with("vgg") || name == "convnext_base" || name == "convnext_large" ||
        (name.starts_with("vit") && name != "vit_b_32"))
      continue;  // as the others, but large
    const RebuiltModel model = rebuild_model(saved(*each, 7), {});
    EXPECT_EQ(model.architecture, each->name);
    EXPECT_EQ(model.num_classes, 7);
    verify(model.graph, "rebuilding");
  }
}

TEST(Rebuild, FindsTheHeadBesideTheBackbone) {
  for (const char* name : {"resnet18", "mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0"}) {
    const RebuiltModel model = rebuild_model(saved(architecture(name), 10, true), {});
    EXPECT_EQ(model.architecture, name);
    EXPECT_EQ(model.num_classes, 10);
    EXPECT_TRUE(model.head.ends_with("-512-256-10")) << model.head;
    const OnnxNode& last = model.graph[model.graph.producer(model.graph.outputs()[0])];
    EXPECT_EQ(last.op_type, "Gemm");
    EXPECT_EQ(model.graph[model.graph.outputs()[0]].name, "logits");
  }
}

TEST(Rebuild, RefusesAHeadThatItsWeightsDontTell) {
  Checkpoint checkpoint = saved(architecture("resnet18"), 10, true);
  Checkpoint other;
  for (const NamedTensor& entry : checkpoint.tensors) {
    std::string name = entry.name;
    if (name.starts_with("classifier.3")) name.replace(0, 12, "classifier.4");
    other.tensors.add(name, entry.tensor);
  }
  EXPECT_NE(refusal(other).find("the head \"classifier\""), std::string::npos) << refusal(other);
}

TEST(Rebuild, NamesTheNearestArchitectureAndTheFirstDifferences) {
  Checkpoint checkpoint;
  for (const NamedTensor& entry : saved(architecture("resnet34"), 10).tensors) {
    if (entry.name == "layer2.0.bn1.weight") continue;
    checkpoint.tensors.add(entry.name, entry.name == "conv1.weight" ? ones({64, 3, 3, 3}) : entry.tensor);
  }
  const std::string message = refusal(checkpoint);
  EXPECT_NE(message.find("nearest is resnet34"), std::string::npos) << message;
  EXPECT_NE(message.find("\"conv1.weight\" is [64, 3, 3, 3] instead of [64, 3, 7, 7]"), std::string::npos)
      << message;
  EXPECT_NE(message.find("\"layer2.0.bn1.weight\" is missing"), std::string::npos) << message;

  RebuildRequest wrong_name;
  wrong_name.architecture = "resnet50";
  EXPECT_NE(refusal(saved(architecture("resnet18"), 10), wrong_name).find("nearest architecture is resnet18"),
            std::string::npos);
  wrong_name.architecture = "densenet121";
  EXPECT_NE(refusal(saved(architecture("resnet18"), 10), wrong_name).find("\"densenet121\" can't be rebuilt"),
            std::string::npos);
}

TEST(Rebuild, HoldsTheConfigAgainstTheTensors) {
  Checkpoint checkpoint = saved(architecture("resnet18"), 10);
  checkpoint.config = {{"model_arch", "ResNet-18"}, {"num_classes", 10}};
  EXPECT_EQ(rebuild_model(checkpoint, {}).recognized_by, "the checkpoint's config");
  checkpoint.config["num_classes"] = 11;
  EXPECT_NE(refusal(checkpoint).find("says 11 classes, but the last layer has 10"), std::string::npos);
  RebuildRequest request;
  request.num_classes = 12;
  checkpoint.config = nlohmann::json::object();
  EXPECT_NE(refusal(checkpoint, request).find("--num-classes says 12"), std::string::npos);
}

TEST(Rebuild, RefusesWeightsThatAreNotNumbers) {
  Checkpoint checkpoint;
  for (const NamedTensor& entry : saved(architecture("resnet18"), 10).tensors) {
    Tensor tensor = entry.tensor;
    if (entry.name == "bn1.bias") tensor = make_tensor({64}, std::vector<float>(64, NAN));
    checkpoint.tensors.add(entry.name, std::move(tensor));
  }
  EXPECT_NE(refusal(checkpoint).find("\"bn1.bias\" holds NaN"), std::string::npos);
}

TEST(Rebuild, LeavesTheBatchOpenWhereAsked) {
  RebuildRequest request;
  request.dynamic_batch = true;
  request.height = 225;
  request.width = 161;
  const RebuiltModel model = rebuild_model(saved(architecture("mobilenet_v2"), 10), request);
  const auto& shape = *model.graph[model.graph.inputs()[0]].type->shape;
  EXPECT_EQ(shape[0].symbol, "batch");
  EXPECT_EQ(shape[2].size, 225);
  EXPECT_EQ(shape[3].size, 161);
}

TEST(MakeDivisible, RoundsToEightsButNotFarDown) {
  EXPECT_EQ(make_divisible(32 * 1.1), 32);
  EXPECT_EQ(make_divisible(1280 * 1.2), 1536);
  EXPECT_EQ(make_divisible(3), 8);
  EXPECT_EQ(make_divisible(11), 16) << "8 would be more than a tenth below";
}

}  // namespace
}  // namespace calib8
