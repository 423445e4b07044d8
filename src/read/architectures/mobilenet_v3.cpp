#include "read/architectures/architecture.h"

// Howard et al., "Searching for MobileNetV3" (2019), tables 1 and 2; BatchNorm's epsilon as torchvision sets
// it.

namespace calib8 {
namespace {

constexpr float epsilon = 1e-3f;

struct Block {
  std::int64_t kernel, expanded, channels;
  bool squeeze_excitation, hard_swish;
  std::int64_t stride;
};
struct Variant {
  std::span<const Block> blocks;
  std::int64_t hidden_features;  ///< Of the classifier.
};

constexpr Block large_blocks[] = {
    {3, 16, 16, false, false, 1}, {3, 64, 24, false, false, 2}, {3, 72, 24, false, false, 1},
    {5, 72, 40, true, false, 2},  {5, 120, 40, true, false, 1}, {5, 120, 40, true, false, 1},
    {3, 240, 80, false, true, 2}, {3, 200, 80, false, true, 1}, {3, 184, 80, false, true, 1},
    {3, 184, 80, false, true, 1}, {3, 480, 112, true, true, 1}, {3, 672, 112, true, true, 1},
    {5, 672, 160, true, true, 2}, {5, 960, 160, true, true, 1}, {5, 960, 160, true, true, 1},
};
constexpr Block small_blocks[] = {
    {3, 16, 16, true, false, 2}, {3, 72, 24, false, false, 2}, {3, 88, 24, false, false, 1},
    {5, 96, 40, true, true, 2},  {5, 240, 40, true, true, 1},  {5, 240, 40, true, true, 1},
    {5, 120, 48, true, true, 1}, {5, 144, 48, true, true, 1},  {5, 288, 96, true, true, 2},
    {5, 576, 96, true, true, 1}, {5, 576, 96, true, true, 1},
};

OnnxValueId activate(ModuleBuilder& build, OnnxValueId x, const std::string& name, bool hard_swish) {
  return hard_swish ? build.hard_swish(x, name) : build.relu(x, name);
}

OnnxValueId convolution_norm_activation(ModuleBuilder& build, OnnxValueId x, const std::string& name,
                                        const ModuleBuilder::Convolution& shape, bool hard_swish) {
  x = build.convolution(x, name + ".0", shape);
  x = build.batch_norm(x, name + ".1", shape.out_channels, epsilon);
  return activate(build, x, name + ".2", hard_swish);
}

OnnxValueId squeeze_excitation(ModuleBuilder& build, OnnxValueId x, const std::string& name,
                               std::int64_t channels) {
  const std::int64_t squeezed = make_divisible(static_cast<double>(channels / 4));
  OnnxValueId scale = build.global_average_pool(x, name + ".avgpool");
  scale = build.convolution(scale, name + ".fc1",
                            {.in_channels = channels, .out_channels = squeezed, .bias = true});
  scale = build.relu(scale, name + ".activation");
  scale = build.convolution(scale, name + ".fc2",
                            {.in_channels = squeezed, .out_channels = channels, .bias = true});
  scale = build.hard_sigmoid(scale, name + ".scale_activation");
  return build.multiply(scale, x, name);
}

OnnxValueId inverted_residual(ModuleBuilder& build, OnnxValueId x, const std::string& name,
                              std::int64_t in_channels, const Block& block) {
  int next = 0;  // index within `block`, whose expansion and squeeze-and-excitation may be absent
  const auto part = [&] { return name + ".block." + std::to_string(next++); };
  OnnxValueId y = x;
  if (block.expanded != in_channels) {
    y = convolution_norm_activation(
        build, y, part(), {.in_channels = in_channels, .out_channels = block.expanded}, block.hard_swish);
  }
  y = convolution_norm_activation(build, y, part(),
                                  {.in_channels = block.expanded,
                                   .out_channels = block.expanded,
                                   .kernel = block.kernel,
                                   .stride = block.stride,
                                   .groups = block.expanded},
                                  block.hard_swish);
  if (block.squeeze_excitation) y = squeeze_excitation(build, y, part(), block.expanded);
  const std::string project = part();
  y = build.convolution(y, project + ".0", {.in_channels = block.expanded, .out_channels = block.channels});
  y = build.batch_norm(y, project + ".1", block.channels, epsilon);
  return block.stride == 1 && in_channels == block.channels ? build.add(y, x, name) : y;
}

Features features(ModuleBuilder& build, OnnxValueId image, const Architecture& self) {
  const Variant& variant = *static_cast<const Variant*>(self.variant);
  std::int64_t channels = 16;
  OnnxValueId x = convolution_norm_activation(
      build, image, "features.0",
      {.in_channels = build.image_channels(), .out_channels = channels, .kernel = 3, .stride = 2}, true);
  int index = 1;
  for (const Block& block : variant.blocks) {
    x = inverted_residual(build, x, "features." + std::to_string(index++), channels, block);
    channels = block.channels;
  }
  const std::int64_t last_channels = channels * 6;
  x = convolution_norm_activation(build, x, "features." + std::to_string(index),
                                  {.in_channels = channels, .out_channels = last_channels}, true);
  x = build.global_average_pool(x, "avgpool");
  return {build.flatten(x, "flatten"), last_channels};
}

template <std::int64_t hidden_features>
OnnxValueId classifier(ModuleBuilder& build, Features input, std::int64_t num_classes) {
  OnnxValueId x = build.linear(input.value, "classifier.0", input.channels, hidden_features);
  x = build.hard_swish(x, "classifier.1");
  return build.linear(x, "classifier.3", hidden_features, num_classes);
}

constexpr Variant large{large_blocks, 1280};
constexpr Variant small{small_blocks, 1024};

constexpr Architecture architectures[] = {
    {"mobilenet_v3_small", &features, &classifier<small.hidden_features>, "classifier.3.weight", &small},
    {"mobilenet_v3_large", &features, &classifier<large.hidden_features>, "classifier.3.weight", &large},
};

}  // namespace

std::span<const Architecture> mobilenet_v3_architectures() {
  return architectures;
}

}  // namespace calib8
