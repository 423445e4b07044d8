// Ultralytics' blocks of convolutions (YOLOv3 to YOLO26): what forward() of each runs when it isn't training.
// The classes' names and those of their attributes are those of ultralytics.nn.modules.

#include "calib8/error.h"
#include "read/modules/module_rows.h"

namespace calib8 {
namespace {

/// Convolution, BatchNorm (none where it was fused into the convolution) and activation.
OnnxValueId conv(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  x = build.run(self, "conv", x);
  if (const PickledModule* norm = self.find_child("bn")) x = build.run(*norm, x);
  return build.run(self, "act", x);
}

OnnxValueId conv_2(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  OnnxValueId y = build.run(self, "conv", x);
  if (self.find_child("cv2")) y = build.add(self, y, build.run(self, "cv2", x));
  if (const PickledModule* norm = self.find_child("bn")) y = build.run(*norm, y);
  return build.run(self, "act", y);
}

OnnxValueId conv_transpose(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  x = build.run(self, "conv_transpose", x);
  if (const PickledModule* norm = self.find_child("bn")) x = build.run(*norm, x);
  return build.run(self, "act", x);
}

OnnxValueId light_conv(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return build.run(self, "conv2", build.run(self, "conv1", x));
}

OnnxValueId ghost_conv(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const OnnxValueId y = build.run(self, "cv1", x);
  return build.concat(self, {y, build.run(self, "cv2", y)}, 1);
}

/// A 3x3 and a 1x1 convolution side by side, and the input itself where shapes agree.
OnnxValueId rep_conv(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  if (self.find_child("conv")) return build.run(self, "act", build.run(self, "conv", x));
  OnnxValueId y = build.add(self, build.run(self, "conv1", x), build.run(self, "conv2", x));
  if (const PickledModule* norm = self.find_child("bn")) y = build.add(self, y, build.run(*norm, x));
  return build.run(self, "act", y);
}

OnnxValueId rep_vgg_dw(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  OnnxValueId y = build.run(self, "conv", x);
  if (self.find_child("conv1")) y = build.add(self, y, build.run(self, "conv1", x));
  return build.run(self, "act", y);
}

Values concat(ForwardBuilder& build, const PickledModule& self, const Values& x) {
  return {build.concat(self, x, self.integer("d", 1))};
}

OnnxValueId bottleneck(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const OnnxValueId y = build.run(self, "cv2", build.run(self, "cv1", x));
  return self.flag("add", false) ? build.add(self, x, y) : y;
}

OnnxValueId ghost_bottleneck(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return build.add(self, build.run(self, "conv", x), build.run(self, "shortcut", x));
}

OnnxValueId c1(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const OnnxValueId y = build.run(self, "cv1", x);
  return build.add(self, build.run(self, "m", y), y);
}

OnnxValueId c2(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const Values parts = build.halves(self, build.run(self, "cv1", x));
  return build.run(self, "cv2", build.concat(self, {build.run(self, "m", parts[0]), parts[1]}, 1));
}

/// The first half passes, the second goes through the modules.
OnnxValueId c2psa(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const Values parts = build.halves(self, build.run(self, "cv1", x));
  return build.run(self, "cv2", build.concat(self, {parts[0], build.run(self, "m", parts[1])}, 1));
}

/// Both halves, and what each module makes of what the one before made.
OnnxValueId c2f(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const Values parts = build.run_dense(self.child("m"), build.halves(self, build.run(self, "cv1", x)));
  return build.run(self, "cv2", build.concat(self, parts, 1));
}

OnnxValueId c3(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const OnnxValueId y = build.run(self, "m", build.run(self, "cv1", x));
  return build.run(self, "cv3", build.concat(self, {y, build.run(self, "cv2", x)}, 1));
}

OnnxValueId c3f(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const Values parts =
      build.run_dense(self.child("m"), {build.run(self, "cv2", x), build.run(self, "cv1", x)});
  return build.run(self, "cv3", build.concat(self, parts, 1));
}

OnnxValueId rep_c3(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const OnnxValueId y = build.run(self, "m", build.run(self, "cv1", x));
  return build.run(self, "cv3", build.add(self, y, build.run(self, "cv2", x)));
}

OnnxValueId bottleneck_csp(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const OnnxValueId y = build.run(self, "cv3", build.run(self, "m", build.run(self, "cv1", x)));
  const OnnxValueId both = build.concat(self, {y, build.run(self, "cv2", x)}, 1);
  return build.run(self, "cv4", build.run(self, "act", build.run(self, "bn", both)));
}

OnnxValueId elan(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  Values parts = build.halves(self, build.run(self, "cv1", x));
  parts.push_back(build.run(self, "cv2", parts.back()));
  parts.push_back(build.run(self, "cv3", parts.back()));
  return build.run(self, "cv4", build.concat(self, parts, 1));
}

OnnxValueId spp(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  x = build.run(self, "cv1", x);
  Values parts{x};
  for (const auto& [name, pool] : self.child("m").children()) parts.push_back(build.run(*pool, x));
  return build.run(self, "cv2", build.concat(self, parts, 1));
}

OnnxValueId sppf(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  Values parts{build.run(self, "cv1", x)};
  const std::int64_t count = self.integer("n", 3);
  for (std::int64_t i = 0; i < count; ++i) parts.push_back(build.run(self, "m", parts.back()));
  const OnnxValueId y = build.run(self, "cv2", build.concat(self, parts, 1));
  return self.flag("add", false) ? build.add(self, y, x) : y;
}

OnnxValueId spp_elan(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  Values parts{build.run(self, "cv1", x)};
  for (const char* pool : {"cv2", "cv3", "cv4"}) parts.push_back(build.run(self, pool, parts.back()));
  return build.run(self, "cv5", build.concat(self, parts, 1));
}

OnnxValueId a_conv(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return build.run(self, "cv1", build.average_pool(self, x, 2, 1, 0));
}

OnnxValueId a_down(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const Values parts = build.halves(self, build.average_pool(self, x, 2, 1, 0));
  const OnnxValueId pooled = build.max_pool(self, parts[1], 3, 2, 1);
  return build.concat(self, {build.run(self, "cv1", parts[0]), build.run(self, "cv2", pooled)}, 1);
}

OnnxValueId sc_down(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return build.run(self, "cv2", build.run(self, "cv1", x));
}

OnnxValueId cib(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const OnnxValueId y = build.run(self, "cv1", x);
  return self.flag("add", false) ? build.add(self, x, y) : y;
}

OnnxValueId resnet_block(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const OnnxValueId y = build.run(self, "cv3", build.run(self, "cv2", build.run(self, "cv1", x)));
  return build.relu(self, build.add(self, y, build.run(self, "shortcut", x)));
}

OnnxValueId resnet_layer(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return build.run(self, "layer", x);
}

OnnxValueId torchvision_backbone(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  if (self.flag("split", false)) self.fail("gives out each of its layers: export the model to ONNX");
  return build.run(self, "m", x);
}

constexpr std::string_view convs = "ultralytics.nn.modules.conv", blocks = "ultralytics.nn.modules.block";

constexpr ModuleRow rows[] = {
    {convs, "Conv", conv},
    {convs, "DWConv", conv},
    {convs, "Conv2", conv_2},
    {convs, "ConvTranspose", conv_transpose},
    {convs, "LightConv", light_conv},
    {convs, "GhostConv", ghost_conv},
    {convs, "RepConv", rep_conv},
    {convs, "Concat", concat},
    {blocks, "Bottleneck", bottleneck},
    {blocks, "RepBottleneck", bottleneck},
    {blocks, "GhostBottleneck", ghost_bottleneck},
    {blocks, "BottleneckCSP", bottleneck_csp},
    {blocks, "C1", c1},
    {blocks, "C2", c2},
    {blocks, "C2f", c2f},
    {blocks, "C2fCIB", c2f},
    {blocks, "C2fPSA", c2f},
    {blocks, "C3k2", c2f},
    {blocks, "C2PSA", c2psa},
    {blocks, "C3", c3},
    {blocks, "C3x", c3},
    {blocks, "C3k", c3},
    {blocks, "C3Ghost", c3},
    {blocks, "RepCSP", c3},
    {blocks, "C3f", c3f},
    {blocks, "RepC3", rep_c3},
    {blocks, "RepNCSPELAN4", elan},
    {blocks, "ELAN1", elan},
    {blocks, "SPP", spp},
    {blocks, "SPPF", sppf},
    {blocks, "SPPELAN", spp_elan},
    {blocks, "AConv", a_conv},
    {blocks, "ADown", a_down},
    {blocks, "SCDown", sc_down},
    {blocks, "CIB", cib},
    {blocks, "RepVGGDW", rep_vgg_dw},
    {blocks, "ResNetBlock", resnet_block},
    {blocks, "ResNetLayer", resnet_layer},
    {blocks, "TorchVision", torchvision_backbone},
};

}  // namespace

std::span<const ModuleRow> ultralytics_block_rows() {
  return rows;
}

}  // namespace calib8
