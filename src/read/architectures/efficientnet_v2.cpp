#include "read/architectures/efficientnet_blocks.h"

// Tan and Le, "EfficientNetV2: Smaller Models and Faster Training" (2021); the stages as torchvision lists
// them.

namespace calib8 {
namespace {

constexpr float epsilon = 1e-3f;
constexpr std::int64_t last_channels = 1280;

struct Variant {
  std::span<const EfficientNetStage> stages;
};

constexpr EfficientNetStage small_stages[] = {
    {true, 1, 3, 1, 24, 24, 2},   {true, 4, 3, 2, 24, 48, 4},    {true, 4, 3, 2, 48, 64, 4},
    {false, 4, 3, 2, 64, 128, 6}, {false, 6, 3, 1, 128, 160, 9}, {false, 6, 3, 2, 160, 256, 15},
};
constexpr EfficientNetStage medium_stages[] = {
    {true, 1, 3, 1, 24, 24, 3},    {true, 4, 3, 2, 24, 48, 5},     {true, 4, 3, 2, 48, 80, 5},
    {false, 4, 3, 2, 80, 160, 7},  {false, 6, 3, 1, 160, 176, 14}, {false, 6, 3, 2, 176, 304, 18},
    {false, 6, 3, 1, 304, 512, 5},
};
constexpr EfficientNetStage large_stages[] = {
    {true, 1, 3, 1, 32, 32, 4},    {true, 4, 3, 2, 32, 64, 7},     {true, 4, 3, 2, 64, 96, 7},
    {false, 4, 3, 2, 96, 192, 10}, {false, 6, 3, 1, 192, 224, 19}, {false, 6, 3, 2, 224, 384, 25},
    {false, 6, 3, 1, 384, 640, 7},
};

Features features(ModuleBuilder& build, OnnxValueId image, const Architecture& self) {
  const Variant& variant = *static_cast<const Variant*>(self.variant);
  OnnxValueId x = convolution_norm(build, image, "features.0",
                                   {.in_channels = build.image_channels(),
                                    .out_channels = variant.stages.front().in_channels,
                                    .kernel = 3,
                                    .stride = 2},
                                   epsilon, true);
  int index = 1;
  for (const EfficientNetStage& stage : variant.stages)
    x = efficientnet_stage(build, x, index++, stage, epsilon);
  x = convolution_norm(build, x, "features." + std::to_string(index),
                       {.in_channels = variant.stages.back().out_channels, .out_channels = last_channels},
                       epsilon, true);
  x = build.global_average_pool(x, "avgpool");
  return {build.flatten(x, "flatten"), last_channels};
}

constexpr Variant small{small_stages}, medium{medium_stages}, large{large_stages};

constexpr Architecture efficientnet_v2(std::string_view name, const Variant& variant) {
  return {name, &features, &efficientnet_classifier, "classifier.1.weight", &variant};
}

constexpr Architecture architectures[] = {
    efficientnet_v2("efficientnet_v2_s", small),
    efficientnet_v2("efficientnet_v2_m", medium),
    efficientnet_v2("efficientnet_v2_l", large),
};

}  // namespace

std::span<const Architecture> efficientnet_v2_architectures() {
  return architectures;
}

}  // namespace calib8
