#include <array>

#include "read/architectures/architecture.h"

// Liu et al., "A ConvNet for the 2020s" (2022). Within a block channels stand last, as in torchvision.

namespace calib8 {
namespace {

constexpr float epsilon = 1e-6f;

struct Variant {
  std::array<std::int64_t, 4> widths;
  std::array<int, 4> depths;
};

/// torchvision's LayerNorm2d: over the channels of each pixel.
OnnxValueId layer_norm_2d(ModuleBuilder& build, OnnxValueId x, const std::string& module,
                          std::int64_t channels) {
  x = build.transpose(x, module + ".channels_last", {0, 2, 3, 1});
  x = build.layer_norm(x, module, channels, epsilon);
  return build.transpose(x, module + ".channels_first", {0, 3, 1, 2});
}

OnnxValueId block(ModuleBuilder& build, OnnxValueId x, const std::string& name, std::int64_t channels) {
  const OnnxValueId scale = build.parameter(name, "layer_scale", {channels, 1, 1});
  OnnxValueId y = build.convolution(
      x, name + ".block.0",
      {.in_channels = channels, .out_channels = channels, .kernel = 7, .groups = channels, .bias = true});
  y = build.transpose(y, name + ".block.1", {0, 2, 3, 1});
  y = build.layer_norm(y, name + ".block.2", channels, epsilon);
  y = build.linear_last(y, name + ".block.3", channels, 4 * channels);
  y = build.gelu(y, name + ".block.4");
  y = build.linear_last(y, name + ".block.5", 4 * channels, channels);
  y = build.transpose(y, name + ".block.6", {0, 3, 1, 2});
  y = build.multiply(y, scale, name + ".scaled");
  return build.add(y, x, name);
}

Features features(ModuleBuilder& build, OnnxValueId image, const Architecture& self) {
  const Variant& variant = *static_cast<const Variant*>(self.variant);
  std::int64_t channels = variant.widths[0];
  OnnxValueId x = build.convolution(image, "features.0.0",
                                    {.in_channels = build.image_channels(),
                                     .out_channels = channels,
                                     .kernel = 4,
                                     .stride = 4,
                                     .padding = 0,
                                     .bias = true});
  x = layer_norm_2d(build, x, "features.0.1", channels);
  for (std::size_t stage = 0; stage < variant.depths.size(); ++stage) {
    const std::string place = "features." + std::to_string(2 * stage + 1) + ".";
    for (int index = 0; index < variant.depths[stage]; ++index)
      x = block(build, x, place + std::to_string(index), channels);
    if (stage + 1 == variant.widths.size()) break;
    const std::string between = "features." + std::to_string(2 * stage + 2);
    x = layer_norm_2d(build, x, between + ".0", channels);
    const std::int64_t next = variant.widths[stage + 1];
    x = build.convolution(x, between + ".1",
                          {.in_channels = channels,
                           .out_channels = next,
                           .kernel = 2,
                           .stride = 2,
                           .padding = 0,
                           .bias = true});
    channels = next;
  }
  x = build.flatten(build.global_average_pool(x, "avgpool"), "flatten");
  // Part of torchvision's classifier, but nobody replaces it with the last layer.
  return {build.layer_norm(x, "classifier.0", channels, epsilon), channels};
}

OnnxValueId classifier(ModuleBuilder& build, Features input, std::int64_t num_classes) {
  return build.linear(input.value, "classifier.2", input.channels, num_classes);
}

constexpr Variant tiny{{96, 192, 384, 768}, {3, 3, 9, 3}}, small{{96, 192, 384, 768}, {3, 3, 27, 3}},
    base{{128, 256, 512, 1024}, {3, 3, 27, 3}}, large{{192, 384, 768, 1536}, {3, 3, 27, 3}};

constexpr Architecture convnext(std::string_view name, const Variant& variant) {
  return {name, &features, &classifier, "classifier.2.weight", &variant};
}

constexpr Architecture architectures[] = {
    convnext("convnext_tiny", tiny),
    convnext("convnext_small", small),
    convnext("convnext_base", base),
    convnext("convnext_large", large),
};

}  // namespace

std::span<const Architecture> convnext_architectures() {
  return architectures;
}

}  // namespace calib8
