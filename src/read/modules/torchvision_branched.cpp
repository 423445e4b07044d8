// torchvision.models' classifiers of plain layers and of branches side by side: VGG, AlexNet, DenseNet,
// SqueezeNet, GoogLeNet and Inception v3.

#include "read/modules/module_rows.h"

namespace calib8 {
namespace {

OnnxValueId sequential(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return build.run_in_turn(self, x);
}

OnnxValueId plain_layers(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  x = build.run_named(self, x, {"features", "avgpool"});
  return build.run(self, "classifier", build.flatten(self, x));
}

OnnxValueId densenet(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  x = build.relu(self, build.run(self, "features", x));
  return build.run(self, "classifier", build.flatten(self, build.global_average(self, x)));
}

/// Each layer takes all that stood before it.
OnnxValueId dense_block(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  for (const auto& [name, layer] : self.children()) x = build.concat(self, {x, build.run(*layer, x)}, 1);
  return x;
}

OnnxValueId dense_layer(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return build.run_named(self, x, {"norm1", "relu1", "conv1", "norm2", "relu2", "conv2"});
}

OnnxValueId squeezenet(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return build.flatten(self, build.run_named(self, x, {"features", "classifier"}));
}

OnnxValueId fire(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  x = build.run_named(self, x, {"squeeze", "squeeze_activation"});
  return build.concat(self,
                      {build.run_named(self, x, {"expand1x1", "expand1x1_activation"}),
                       build.run_named(self, x, {"expand3x3", "expand3x3_activation"})},
                      1);
}

OnnxValueId basic_conv(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return build.relu(self, build.run_named(self, x, {"conv", "bn"}));
}

/// From ImageNet's mean and deviation to -1..1, as the weights from TensorFlow were trained.
OnnxValueId transform_input(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  if (!self.flag("transform_input", false)) return x;
  const OnnxValueId scale = build.constant(
      self, "scale", make_tensor<float>({1, 3, 1, 1}, {0.229f / 0.5f, 0.224f / 0.5f, 0.225f / 0.5f}));
  const OnnxValueId shift = build.constant(
      self, "shift",
      make_tensor<float>({1, 3, 1, 1},
                         {(0.485f - 0.5f) / 0.5f, (0.456f - 0.5f) / 0.5f, (0.406f - 0.5f) / 0.5f}));
  return build.add(self, build.multiply(self, x, scale), shift);
}

OnnxValueId googlenet(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  x = build.run_named(self, transform_input(build, self, x),
                      {"conv1", "maxpool1", "conv2", "conv3", "maxpool2", "inception3a", "inception3b",
                       "maxpool3", "inception4a", "inception4b", "inception4c", "inception4d", "inception4e",
                       "maxpool4", "inception5a", "inception5b", "avgpool"});
  return build.run(self, "fc", build.flatten(self, x));
}

OnnxValueId inception(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  Values branches;
  for (const char* name : {"branch1", "branch2", "branch3", "branch4"})
    branches.push_back(build.run(self, name, x));
  return build.concat(self, branches, 1);
}

OnnxValueId inception_v3(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  x = build.run_named(
      self, transform_input(build, self, x),
      {"Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "maxpool1", "Conv2d_3b_1x1", "Conv2d_4a_3x3",
       "maxpool2", "Mixed_5b", "Mixed_5c", "Mixed_5d", "Mixed_6a", "Mixed_6b", "Mixed_6c", "Mixed_6d",
       "Mixed_6e", "Mixed_7a", "Mixed_7b", "Mixed_7c", "avgpool"});
  return build.run(self, "fc", build.flatten(self, x));
}

OnnxValueId pool_branch(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return build.run(self, "branch_pool", build.average_pool(self, x, 3, 1, 1));
}

OnnxValueId inception_a(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return build.concat(
      self,
      {build.run(self, "branch1x1", x), build.run_named(self, x, {"branch5x5_1", "branch5x5_2"}),
       build.run_named(self, x, {"branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"}),
       pool_branch(build, self, x)},
      1);
}

OnnxValueId inception_b(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return build.concat(self,
                      {build.run(self, "branch3x3", x),
                       build.run_named(self, x, {"branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"}),
                       build.max_pool(self, x, 3, 2, 0)},
                      1);
}

OnnxValueId inception_c(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return build.concat(self,
                      {build.run(self, "branch1x1", x),
                       build.run_named(self, x, {"branch7x7_1", "branch7x7_2", "branch7x7_3"}),
                       build.run_named(self, x,
                                       {"branch7x7dbl_1", "branch7x7dbl_2", "branch7x7dbl_3",
                                        "branch7x7dbl_4", "branch7x7dbl_5"}),
                       pool_branch(build, self, x)},
                      1);
}

OnnxValueId inception_d(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return build.concat(
      self,
      {build.run_named(self, x, {"branch3x3_1", "branch3x3_2"}),
       build.run_named(self, x, {"branch7x7x3_1", "branch7x7x3_2", "branch7x7x3_3", "branch7x7x3_4"}),
       build.max_pool(self, x, 3, 2, 0)},
      1);
}

OnnxValueId inception_e(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const OnnxValueId once = build.run(self, "branch3x3_1", x);
  const OnnxValueId twice = build.run_named(self, x, {"branch3x3dbl_1", "branch3x3dbl_2"});
  return build.concat(self,
                      {build.run(self, "branch1x1", x), build.run(self, "branch3x3_2a", once),
                       build.run(self, "branch3x3_2b", once), build.run(self, "branch3x3dbl_3a", twice),
                       build.run(self, "branch3x3dbl_3b", twice), pool_branch(build, self, x)},
                      1);
}

constexpr std::string_view dense = "torchvision.models.densenet", squeeze = "torchvision.models.squeezenet",
                           google = "torchvision.models.googlenet",
                           inceptions = "torchvision.models.inception";

constexpr ModuleRow rows[] = {
    {"torchvision.models.vgg", "VGG", plain_layers},
    {"torchvision.models.alexnet", "AlexNet", plain_layers},
    {dense, "DenseNet", densenet},
    {dense, "_DenseBlock", dense_block},
    {dense, "_DenseLayer", dense_layer},
    {dense, "_Transition", sequential},
    {squeeze, "SqueezeNet", squeezenet},
    {squeeze, "Fire", fire},
    {google, "GoogLeNet", googlenet},
    {google, "Inception", inception},
    {google, "BasicConv2d", basic_conv},
    {inceptions, "Inception3", inception_v3},
    {inceptions, "BasicConv2d", basic_conv},
    {inceptions, "InceptionA", inception_a},
    {inceptions, "InceptionB", inception_b},
    {inceptions, "InceptionC", inception_c},
    {inceptions, "InceptionD", inception_d},
    {inceptions, "InceptionE", inception_e},
};

}  // namespace

std::span<const ModuleRow> torchvision_branched_rows() {
  return rows;
}

}  // namespace calib8
