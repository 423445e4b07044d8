// torchvision.models' classifiers of residual blocks and of mobile networks, whole and with any other module
// in the place of their heads: what forward() of each class runs when it isn't training.

#include "read/modules/module_rows.h"

namespace calib8 {
namespace {

OnnxValueId sequential(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return build.run_in_turn(self, x);
}

OnnxValueId identity(ForwardBuilder&, const PickledModule&, OnnxValueId x) {
  return x;
}

/// The block's result and what bypasses it.
OnnxValueId with_shortcut(ForwardBuilder& build, const PickledModule& self, OnnxValueId x, OnnxValueId y) {
  if (const PickledModule* shortcut = self.find_child("downsample")) x = build.run(*shortcut, x);
  return build.run(self, "relu", build.add(self, y, x));
}

OnnxValueId basic_block(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return with_shortcut(build, self, x, build.run_named(self, x, {"conv1", "bn1", "relu", "conv2", "bn2"}));
}

OnnxValueId bottleneck(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return with_shortcut(
      build, self, x,
      build.run_named(self, x, {"conv1", "bn1", "relu", "conv2", "bn2", "relu", "conv3", "bn3"}));
}

OnnxValueId resnet(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  x = build.run_named(self, x,
                      {"conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4", "avgpool"});
  return build.run(self, "fc", build.flatten(self, x));
}

/// `block`, and its input where sizes agree; dropping whole blocks is for training.
OnnxValueId mobile_block(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const OnnxValueId y = build.run(self, self.find_child("conv") ? "conv" : "block", x);
  return self.flag("use_res_connect", false) ? build.add(self, x, y) : y;
}

OnnxValueId squeeze_excitation(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const OnnxValueId scale =
      build.run_named(self, x, {"avgpool", "fc1", "activation", "fc2", "scale_activation"});
  return build.multiply(self, scale, x);
}

OnnxValueId features_and_classifier(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  x = build.run(self, "features", x);
  x = self.find_child("avgpool") ? build.run(self, "avgpool", x) : build.global_average(self, x);
  return build.run(self, "classifier", build.flatten(self, x));
}

OnnxValueId regnet_block(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const OnnxValueId y = build.run(self, "f", x);
  const PickledModule* projection = self.find_child("proj");
  return build.run(self, "activation", build.add(self, projection ? build.run(*projection, x) : x, y));
}

OnnxValueId regnet(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  x = build.run_named(self, x, {"stem", "trunk_output", "avgpool"});
  return build.run(self, "fc", build.flatten(self, x));
}

OnnxValueId mnasnet_block(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const OnnxValueId y = build.run(self, "layers", x);
  return self.flag("apply_residual", false) ? build.add(self, y, x) : y;
}

OnnxValueId mnasnet(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  x = build.global_average(self, build.run(self, "layers", x));
  return build.run(self, "classifier", build.flatten(self, x));
}

/// Two branches, whose channels are then dealt out in turn.
OnnxValueId shuffle_block(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  Values branches;
  if (self.integer("stride", 1) == 1) {
    branches = build.halves(self, x);
    branches[1] = build.run(self, "branch2", branches[1]);
  } else {
    branches = {build.run(self, "branch1", x), build.run(self, "branch2", x)};
  }
  const OnnxValueId both = build.concat(self, branches, 1);
  const Shape sizes = build.shape(self, both, 4);
  const OnnxValueId groups = build.reshape(self, both, {0, 2, -1, sizes[2], sizes[3]});
  return build.reshape(self, build.transpose(self, groups, {0, 2, 1, 3, 4}), {0, -1, sizes[2], sizes[3]});
}

OnnxValueId shufflenet(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  x = build.run_named(self, x, {"conv1", "maxpool", "stage2", "stage3", "stage4", "conv5"});
  return build.run(self, "fc", build.flatten(self, build.global_average(self, x)));
}

constexpr std::string_view resnets = "torchvision.models.resnet",
                           mobile_v2 = "torchvision.models.mobilenetv2",
                           mobile_v3 = "torchvision.models.mobilenetv3", misc = "torchvision.ops.misc",
                           efficient = "torchvision.models.efficientnet",
                           regnets = "torchvision.models.regnet", mnas = "torchvision.models.mnasnet",
                           shuffle = "torchvision.models.shufflenetv2";

constexpr ModuleRow rows[] = {
    {resnets, "ResNet", resnet},
    {resnets, "BasicBlock", basic_block},
    {resnets, "Bottleneck", bottleneck},
    {misc, "ConvNormActivation", sequential},
    {misc, "Conv2dNormActivation", sequential},
    {misc, "MLP", sequential},
    {misc, "SqueezeExcitation", squeeze_excitation},
    {"torchvision.ops.stochastic_depth", "StochasticDepth", identity},
    {mobile_v2, "MobileNetV2", features_and_classifier},
    {mobile_v2, "InvertedResidual", mobile_block},
    {mobile_v2, "ConvBNReLU", sequential},
    {mobile_v2, "ConvBNActivation", sequential},
    {mobile_v3, "MobileNetV3", features_and_classifier},
    {mobile_v3, "InvertedResidual", mobile_block},
    {efficient, "EfficientNet", features_and_classifier},
    {efficient, "MBConv", mobile_block},
    {efficient, "FusedMBConv", mobile_block},
    {regnets, "RegNet", regnet},
    {regnets, "SimpleStemIN", sequential},
    {regnets, "AnyStage", sequential},
    {regnets, "BottleneckTransform", sequential},
    {regnets, "ResBottleneckBlock", regnet_block},
    {mnas, "MNASNet", mnasnet},
    {mnas, "_InvertedResidual", mnasnet_block},
    {shuffle, "ShuffleNetV2", shufflenet},
    {shuffle, "InvertedResidual", shuffle_block},
};

}  // namespace

std::span<const ModuleRow> torchvision_convolutional_rows() {
  return rows;
}

}  // namespace calib8
