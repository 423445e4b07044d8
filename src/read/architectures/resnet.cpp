#include <array>

#include "read/architectures/architecture.h"

// He et al., "Deep Residual Learning for Image Recognition" (2015), as torchvision has it: the stride sits in
// the 3x3 convolution of a bottleneck. ResNeXt and Wide ResNet differ in groups and width only.

namespace calib8 {
namespace {

constexpr float epsilon = 1e-5f;

struct Variant {
  bool bottleneck;
  std::array<int, 4> blocks;
  std::int64_t groups = 1;
  std::int64_t width_per_group = 64;
};

struct Block {
  std::string name;
  std::int64_t in_channels, channels, stride;
};

OnnxValueId shortcut(ModuleBuilder& build, OnnxValueId x, const Block& block, std::int64_t out_channels) {
  if (block.stride == 1 && block.in_channels == out_channels) return x;
  x = build.convolution(
      x, block.name + ".downsample.0",
      {.in_channels = block.in_channels, .out_channels = out_channels, .stride = block.stride});
  return build.batch_norm(x, block.name + ".downsample.1", out_channels, epsilon);
}

OnnxValueId basic_block(ModuleBuilder& build, OnnxValueId x, const Block& block) {
  OnnxValueId y = build.convolution(x, block.name + ".conv1",
                                    {.in_channels = block.in_channels,
                                     .out_channels = block.channels,
                                     .kernel = 3,
                                     .stride = block.stride});
  y = build.batch_norm(y, block.name + ".bn1", block.channels, epsilon);
  y = build.relu(y, block.name + ".relu");
  y = build.convolution(y, block.name + ".conv2",
                        {.in_channels = block.channels, .out_channels = block.channels, .kernel = 3});
  y = build.batch_norm(y, block.name + ".bn2", block.channels, epsilon);
  y = build.add(y, shortcut(build, x, block, block.channels), block.name + ".add");
  return build.relu(y, block.name);
}

OnnxValueId bottleneck_block(ModuleBuilder& build, OnnxValueId x, const Block& block,
                             const Variant& variant) {
  const std::int64_t width = block.channels * variant.width_per_group / 64 * variant.groups;
  const std::int64_t out_channels = block.channels * 4;
  OnnxValueId y =
      build.convolution(x, block.name + ".conv1", {.in_channels = block.in_channels, .out_channels = width});
  y = build.batch_norm(y, block.name + ".bn1", width, epsilon);
  y = build.relu(y, block.name + ".relu");
  y = build.convolution(y, block.name + ".conv2",
                        {.in_channels = width,
                         .out_channels = width,
                         .kernel = 3,
                         .stride = block.stride,
                         .groups = variant.groups});
  y = build.batch_norm(y, block.name + ".bn2", width, epsilon);
  y = build.relu(y, block.name + ".relu");
  y = build.convolution(y, block.name + ".conv3", {.in_channels = width, .out_channels = out_channels});
  y = build.batch_norm(y, block.name + ".bn3", out_channels, epsilon);
  y = build.add(y, shortcut(build, x, block, out_channels), block.name + ".add");
  return build.relu(y, block.name);
}

Features features(ModuleBuilder& build, OnnxValueId image, const Architecture& self) {
  const Variant& variant = *static_cast<const Variant*>(self.variant);
  OnnxValueId x = build.convolution(
      image, "conv1",
      {.in_channels = build.image_channels(), .out_channels = 64, .kernel = 7, .stride = 2, .padding = 3});
  x = build.batch_norm(x, "bn1", 64, epsilon);
  x = build.relu(x, "relu");
  x = build.max_pool(x, "maxpool");

  std::int64_t in_channels = 64;
  for (std::size_t stage = 0; stage < variant.blocks.size(); ++stage) {
    const std::int64_t channels = std::int64_t{64} << stage;
    for (int index = 0; index < variant.blocks[stage]; ++index) {
      const Block block{"layer" + std::to_string(stage + 1) + "." + std::to_string(index), in_channels,
                        channels, stage > 0 && index == 0 ? 2 : 1};
      x = variant.bottleneck ? bottleneck_block(build, x, block, variant) : basic_block(build, x, block);
      in_channels = variant.bottleneck ? channels * 4 : channels;
    }
  }
  x = build.global_average_pool(x, "avgpool");
  return {build.flatten(x, "flatten"), in_channels};
}

OnnxValueId classifier(ModuleBuilder& build, Features input, std::int64_t num_classes) {
  return build.linear(input.value, "fc", input.channels, num_classes);
}

constexpr Variant resnet18{false, {2, 2, 2, 2}};
constexpr Variant resnet34{false, {3, 4, 6, 3}};
constexpr Variant resnet50{true, {3, 4, 6, 3}};
constexpr Variant resnet101{true, {3, 4, 23, 3}};
constexpr Variant resnet152{true, {3, 8, 36, 3}};
constexpr Variant resnext50_32x4d{true, {3, 4, 6, 3}, 32, 4};
constexpr Variant resnext101_32x8d{true, {3, 4, 23, 3}, 32, 8};
constexpr Variant resnext101_64x4d{true, {3, 4, 23, 3}, 64, 4};
constexpr Variant wide_resnet50_2{true, {3, 4, 6, 3}, 1, 128};
constexpr Variant wide_resnet101_2{true, {3, 4, 23, 3}, 1, 128};

constexpr Architecture resnet(std::string_view name, const Variant& variant) {
  return {name, &features, &classifier, "fc.weight", &variant};
}

constexpr Architecture architectures[] = {
    resnet("resnet18", resnet18),
    resnet("resnet34", resnet34),
    resnet("resnet50", resnet50),
    resnet("resnet101", resnet101),
    resnet("resnet152", resnet152),
    resnet("resnext50_32x4d", resnext50_32x4d),
    resnet("resnext101_32x8d", resnext101_32x8d),
    resnet("resnext101_64x4d", resnext101_64x4d),
    resnet("wide_resnet50_2", wide_resnet50_2),
    resnet("wide_resnet101_2", wide_resnet101_2),
};

}  // namespace

std::span<const Architecture> resnet_architectures() {
  return architectures;
}

}  // namespace calib8
