#include <array>
#include <cmath>

#include "read/architectures/architecture.h"

// Radosavovic et al., "Designing Network Design Spaces" (2020): depths, widths and group widths that the
// paper's quantized linear rule gives for each member. RegNetY has squeeze and excitation in each block.

namespace calib8 {
namespace {

constexpr float epsilon = 1e-5f;
constexpr std::int64_t stem_width = 32;

struct Variant {
  std::array<int, 4> depths;
  std::array<std::int64_t, 4> widths, group_widths;
  bool squeezes;
};

OnnxValueId convolution_norm(ModuleBuilder& build, OnnxValueId x, const std::string& module,
                             const ModuleBuilder::Convolution& shape) {
  x = build.convolution(x, module + ".0", shape);
  return build.batch_norm(x, module + ".1", shape.out_channels, epsilon);
}

OnnxValueId squeeze_excitation(ModuleBuilder& build, OnnxValueId x, const std::string& module,
                               std::int64_t channels, std::int64_t squeezed) {
  OnnxValueId y = build.global_average_pool(x, module + ".avgpool");
  y = build.convolution(y, module + ".fc1",
                        {.in_channels = channels, .out_channels = squeezed, .bias = true});
  y = build.relu(y, module + ".activation");
  y = build.convolution(y, module + ".fc2",
                        {.in_channels = squeezed, .out_channels = channels, .bias = true});
  return build.multiply(x, build.sigmoid(y, module + ".scale_activation"), module);
}

struct Block {
  std::string name;
  std::int64_t in_channels, channels, groups, stride;
};

OnnxValueId bottleneck(ModuleBuilder& build, OnnxValueId x, const Block& block, bool squeezes) {
  OnnxValueId shortcut = x;
  if (block.stride != 1 || block.in_channels != block.channels) {
    shortcut = convolution_norm(
        build, x, block.name + ".proj",
        {.in_channels = block.in_channels, .out_channels = block.channels, .stride = block.stride});
  }
  OnnxValueId y = convolution_norm(build, x, block.name + ".f.a",
                                   {.in_channels = block.in_channels, .out_channels = block.channels});
  y = build.relu(y, block.name + ".f.a.2");
  y = convolution_norm(build, y, block.name + ".f.b",
                       {.in_channels = block.channels,
                        .out_channels = block.channels,
                        .kernel = 3,
                        .stride = block.stride,
                        .groups = block.groups});
  y = build.relu(y, block.name + ".f.b.2");
  // The ratio is of what comes into the block.
  const auto squeezed =
      static_cast<std::int64_t>(std::nearbyint(0.25 * static_cast<double>(block.in_channels)));
  if (squeezes) y = squeeze_excitation(build, y, block.name + ".f.se", block.channels, squeezed);
  y = convolution_norm(build, y, block.name + ".f.c",
                       {.in_channels = block.channels, .out_channels = block.channels});
  return build.relu(build.add(shortcut, y, block.name + ".add"), block.name);
}

Features features(ModuleBuilder& build, OnnxValueId image, const Architecture& self) {
  const Variant& variant = *static_cast<const Variant*>(self.variant);
  OnnxValueId x = convolution_norm(
      build, image, "stem",
      {.in_channels = build.image_channels(), .out_channels = stem_width, .kernel = 3, .stride = 2});
  x = build.relu(x, "stem.2");
  std::int64_t channels = stem_width;
  for (std::size_t stage = 0; stage < variant.depths.size(); ++stage) {
    const std::string number = std::to_string(stage + 1);
    for (int index = 0; index < variant.depths[stage]; ++index) {
      const std::int64_t width = variant.widths[stage];
      x = bottleneck(build, x,
                     {"trunk_output.block" + number + ".block" + number + "-" + std::to_string(index),
                      channels, width, width / variant.group_widths[stage], index == 0 ? 2 : 1},
                     variant.squeezes);
      channels = width;
    }
  }
  x = build.global_average_pool(x, "avgpool");
  return {build.flatten(x, "flatten"), channels};
}

OnnxValueId classifier(ModuleBuilder& build, Features input, std::int64_t num_classes) {
  return build.linear(input.value, "fc", input.channels, num_classes);
}

constexpr std::array<std::int64_t, 4> all(std::int64_t width) {
  return {width, width, width, width};
}

constexpr Variant y_400mf{{1, 3, 6, 6}, {48, 104, 208, 440}, all(8), true};
constexpr Variant y_800mf{{1, 3, 8, 2}, {64, 144, 320, 784}, all(16), true};
constexpr Variant y_1_6gf{{2, 6, 17, 2}, {48, 120, 336, 888}, all(24), true};
constexpr Variant y_3_2gf{{2, 5, 13, 1}, {72, 216, 576, 1512}, all(24), true};
constexpr Variant y_8gf{{2, 4, 10, 1}, {224, 448, 896, 2016}, all(56), true};
constexpr Variant y_16gf{{2, 4, 11, 1}, {224, 448, 1232, 3024}, all(112), true};
constexpr Variant y_32gf{{2, 5, 12, 1}, {232, 696, 1392, 3712}, all(232), true};
constexpr Variant y_128gf{{2, 7, 17, 1}, {528, 1056, 2904, 7392}, all(264), true};
constexpr Variant x_400mf{{1, 2, 7, 12}, {32, 64, 160, 400}, all(16), false};
constexpr Variant x_800mf{{1, 3, 7, 5}, {64, 128, 288, 672}, all(16), false};
constexpr Variant x_1_6gf{{2, 4, 10, 2}, {72, 168, 408, 912}, all(24), false};
constexpr Variant x_3_2gf{{2, 6, 15, 2}, {96, 192, 432, 1008}, all(48), false};
constexpr Variant x_8gf{{2, 5, 15, 1}, {80, 240, 720, 1920}, {80, 120, 120, 120}, false};
constexpr Variant x_16gf{{2, 6, 13, 1}, {256, 512, 896, 2048}, all(128), false};
constexpr Variant x_32gf{{2, 7, 13, 1}, {336, 672, 1344, 2520}, all(168), false};

constexpr Architecture regnet(std::string_view name, const Variant& variant) {
  return {name, &features, &classifier, "fc.weight", &variant};
}

constexpr Architecture architectures[] = {
    regnet("regnet_x_400mf", x_400mf), regnet("regnet_x_800mf", x_800mf), regnet("regnet_x_1_6gf", x_1_6gf),
    regnet("regnet_x_3_2gf", x_3_2gf), regnet("regnet_x_8gf", x_8gf),     regnet("regnet_x_16gf", x_16gf),
    regnet("regnet_x_32gf", x_32gf),   regnet("regnet_y_400mf", y_400mf), regnet("regnet_y_800mf", y_800mf),
    regnet("regnet_y_1_6gf", y_1_6gf), regnet("regnet_y_3_2gf", y_3_2gf), regnet("regnet_y_8gf", y_8gf),
    regnet("regnet_y_16gf", y_16gf),   regnet("regnet_y_32gf", y_32gf),   regnet("regnet_y_128gf", y_128gf),
};

}  // namespace

std::span<const Architecture> regnet_architectures() {
  return architectures;
}

}  // namespace calib8
