#include "read/architectures/architecture.h"

// Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks" (2018), table 2.

namespace calib8 {
namespace {

constexpr float epsilon = 1e-5f;
constexpr std::int64_t last_channels = 1280;

struct Stage {
  std::int64_t expansion, channels;
  int blocks;
  std::int64_t stride;
};
constexpr Stage stages[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                            {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};

OnnxValueId convolution_norm_relu6(ModuleBuilder& build, OnnxValueId x, const std::string& name,
                                   const ModuleBuilder::Convolution& shape) {
  x = build.convolution(x, name + ".0", shape);
  x = build.batch_norm(x, name + ".1", shape.out_channels, epsilon);
  return build.relu6(x, name + ".2");
}

OnnxValueId inverted_residual(ModuleBuilder& build, OnnxValueId x, const std::string& name,
                              std::int64_t in_channels, std::int64_t stride, const Stage& stage) {
  const std::int64_t hidden = in_channels * stage.expansion;
  int next = 0;  // index within the block's `conv`, which has no expansion where it would change nothing
  const auto part = [&] { return name + ".conv." + std::to_string(next++); };
  OnnxValueId y = x;
  if (stage.expansion != 1) {
    y = convolution_norm_relu6(build, y, part(), {.in_channels = in_channels, .out_channels = hidden});
  }
  y = convolution_norm_relu6(
      build, y, part(),
      {.in_channels = hidden, .out_channels = hidden, .kernel = 3, .stride = stride, .groups = hidden});
  y = build.convolution(y, part(), {.in_channels = hidden, .out_channels = stage.channels});
  y = build.batch_norm(y, part(), stage.channels, epsilon);
  return stride == 1 && in_channels == stage.channels ? build.add(x, y, name) : y;
}

Features features(ModuleBuilder& build, OnnxValueId image, const Architecture&) {
  std::int64_t channels = 32;
  OnnxValueId x = convolution_norm_relu6(
      build, image, "features.0",
      {.in_channels = build.image_channels(), .out_channels = channels, .kernel = 3, .stride = 2});
  int index = 1;
  for (const Stage& stage : stages) {
    for (int block = 0; block < stage.blocks; ++block) {
      const std::string name = "features." + std::to_string(index++);
      x = inverted_residual(build, x, name, channels, block == 0 ? stage.stride : 1, stage);
      channels = stage.channels;
    }
  }
  x = convolution_norm_relu6(build, x, "features." + std::to_string(index),
                             {.in_channels = channels, .out_channels = last_channels});
  x = build.global_average_pool(x, "avgpool");
  return {build.flatten(x, "flatten"), last_channels};
}

OnnxValueId classifier(ModuleBuilder& build, Features input, std::int64_t num_classes) {
  return build.linear(input.value, "classifier.1", input.channels, num_classes);
}

constexpr Architecture architectures[] = {
    {"mobilenet_v2", &features, &classifier, "classifier.1.weight", nullptr},
};

}  // namespace

std::span<const Architecture> mobilenet_v2_architectures() {
  return architectures;
}

}  // namespace calib8
