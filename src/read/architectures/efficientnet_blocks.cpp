#include "read/architectures/efficientnet_blocks.h"

#include <algorithm>

namespace calib8 {
namespace {

struct Block {
  std::string name;
  std::int64_t in_channels, out_channels, expanded, kernel, stride;
  float epsilon;
};

OnnxValueId squeeze_excitation(ModuleBuilder& build, OnnxValueId x, const std::string& name,
                               std::int64_t channels, std::int64_t squeezed) {
  OnnxValueId scale = build.global_average_pool(x, name + ".avgpool");
  scale = build.convolution(scale, name + ".fc1",
                            {.in_channels = channels, .out_channels = squeezed, .bias = true});
  scale = build.silu(scale, name + ".activation");
  scale = build.convolution(scale, name + ".fc2",
                            {.in_channels = squeezed, .out_channels = channels, .bias = true});
  scale = build.sigmoid(scale, name + ".scale_activation");
  return build.multiply(scale, x, name);
}

/// Expansion, depthwise convolution, squeeze-and-excitation, projection.
OnnxValueId mobile_block(ModuleBuilder& build, OnnxValueId x, const Block& block) {
  int next = 0;  // index within `block`, which has no expansion where it would change nothing
  const auto part = [&] { return block.name + ".block." + std::to_string(next++); };
  OnnxValueId y = x;
  if (block.expanded != block.in_channels) {
    y = convolution_norm(build, y, part(), {.in_channels = block.in_channels, .out_channels = block.expanded},
                         block.epsilon, true);
  }
  y = convolution_norm(build, y, part(),
                       {.in_channels = block.expanded,
                        .out_channels = block.expanded,
                        .kernel = block.kernel,
                        .stride = block.stride,
                        .groups = block.expanded},
                       block.epsilon, true);
  y = squeeze_excitation(build, y, part(), block.expanded, std::max<std::int64_t>(1, block.in_channels / 4));
  return convolution_norm(build, y, part(),
                          {.in_channels = block.expanded, .out_channels = block.out_channels}, block.epsilon,
                          false);
}

OnnxValueId fused_block(ModuleBuilder& build, OnnxValueId x, const Block& block) {
  const bool expands = block.expanded != block.in_channels;
  OnnxValueId y = convolution_norm(build, x, block.name + ".block.0",
                                   {.in_channels = block.in_channels,
                                    .out_channels = expands ? block.expanded : block.out_channels,
                                    .kernel = block.kernel,
                                    .stride = block.stride},
                                   block.epsilon, true);
  if (!expands) return y;
  return convolution_norm(build, y, block.name + ".block.1",
                          {.in_channels = block.expanded, .out_channels = block.out_channels}, block.epsilon,
                          false);
}

}  // namespace

OnnxValueId convolution_norm(ModuleBuilder& build, OnnxValueId x, const std::string& name,
                             const ModuleBuilder::Convolution& shape, float epsilon, bool with_silu) {
  x = build.convolution(x, name + ".0", shape);
  x = build.batch_norm(x, name + ".1", shape.out_channels, epsilon);
  return with_silu ? build.silu(x, name + ".2") : x;
}

OnnxValueId efficientnet_stage(ModuleBuilder& build, OnnxValueId x, int index, const EfficientNetStage& stage,
                               float epsilon) {
  for (int number = 0; number < stage.blocks; ++number) {
    const std::int64_t in_channels = number == 0 ? stage.in_channels : stage.out_channels;
    const Block block{"features." + std::to_string(index) + "." + std::to_string(number),
                      in_channels,
                      stage.out_channels,
                      make_divisible(static_cast<double>(in_channels * stage.expansion)),
                      stage.kernel,
                      number == 0 ? stage.stride : 1,
                      epsilon};
    const OnnxValueId y = stage.fused ? fused_block(build, x, block) : mobile_block(build, x, block);
    const bool residual = block.stride == 1 && in_channels == stage.out_channels;
    x = residual ? build.add(y, x, block.name) : y;
  }
  return x;
}

OnnxValueId efficientnet_classifier(ModuleBuilder& build, Features features, std::int64_t num_classes) {
  return build.linear(features.value, "classifier.1", features.channels, num_classes);
}

}  // namespace calib8
