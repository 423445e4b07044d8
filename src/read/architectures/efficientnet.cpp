#include <cmath>

#include "read/architectures/efficientnet_blocks.h"

// Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks" (2019), table 1 and
// the compound scaling of B1 to B7. torchvision trains B5 to B7 with another BatchNorm epsilon.

namespace calib8 {
namespace {

struct Variant {
  double width, depth;
  float epsilon;
};

constexpr EfficientNetStage base_stages[] = {
    {false, 1, 3, 1, 32, 16, 1},   {false, 6, 3, 2, 16, 24, 2},  {false, 6, 5, 2, 24, 40, 2},
    {false, 6, 3, 2, 40, 80, 3},   {false, 6, 5, 1, 80, 112, 3}, {false, 6, 5, 2, 112, 192, 4},
    {false, 6, 3, 1, 192, 320, 1},
};

Features features(ModuleBuilder& build, OnnxValueId image, const Architecture& self) {
  const Variant& variant = *static_cast<const Variant*>(self.variant);
  const auto widened = [&](std::int64_t channels) {
    return make_divisible(static_cast<double>(channels) * variant.width);
  };
  OnnxValueId x = convolution_norm(build, image, "features.0",
                                   {.in_channels = build.image_channels(),
                                    .out_channels = widened(base_stages[0].in_channels),
                                    .kernel = 3,
                                    .stride = 2},
                                   variant.epsilon, true);
  int index = 1;
  std::int64_t channels = 0;
  for (EfficientNetStage stage : base_stages) {
    stage.in_channels = widened(stage.in_channels);
    stage.out_channels = widened(stage.out_channels);
    stage.blocks = static_cast<int>(std::ceil(stage.blocks * variant.depth));
    x = efficientnet_stage(build, x, index++, stage, variant.epsilon);
    channels = stage.out_channels;
  }
  const std::int64_t last_channels = channels * 4;
  x = convolution_norm(build, x, "features." + std::to_string(index),
                       {.in_channels = channels, .out_channels = last_channels}, variant.epsilon, true);
  x = build.global_average_pool(x, "avgpool");
  return {build.flatten(x, "flatten"), last_channels};
}

constexpr Variant b0{1.0, 1.0, 1e-5f}, b1{1.0, 1.1, 1e-5f}, b2{1.1, 1.2, 1e-5f}, b3{1.2, 1.4, 1e-5f},
    b4{1.4, 1.8, 1e-5f}, b5{1.6, 2.2, 1e-3f}, b6{1.8, 2.6, 1e-3f}, b7{2.0, 3.1, 1e-3f};

constexpr Architecture efficientnet(std::string_view name, const Variant& variant) {
  return {name, &features, &efficientnet_classifier, "classifier.1.weight", &variant};
}

constexpr Architecture architectures[] = {
    efficientnet("efficientnet_b0", b0), efficientnet("efficientnet_b1", b1),
    efficientnet("efficientnet_b2", b2), efficientnet("efficientnet_b3", b3),
    efficientnet("efficientnet_b4", b4), efficientnet("efficientnet_b5", b5),
    efficientnet("efficientnet_b6", b6), efficientnet("efficientnet_b7", b7),
};

}  // namespace

std::span<const Architecture> efficientnet_architectures() {
  return architectures;
}

}  // namespace calib8
