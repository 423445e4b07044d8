#include <array>

#include "read/architectures/architecture.h"

// Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition" (2014), table
// 1: A, B, D and E, with BatchNorm behind each convolution or without.

namespace calib8 {
namespace {

constexpr float epsilon = 1e-5f;
constexpr std::int64_t pooled_side = 7, last_channels = 512;

struct Variant {
  std::array<int, 5> convolutions;  ///< Of each stage, before its max-pooling.
  bool batch_norm;
};
constexpr std::array<std::int64_t, 5> stage_channels = {64, 128, 256, 512, 512};

Features features(ModuleBuilder& build, OnnxValueId image, const Architecture& self) {
  const Variant& variant = *static_cast<const Variant*>(self.variant);
  OnnxValueId x = image;
  std::int64_t channels = build.image_channels();
  int index = 0;  // of the module within "features"
  const auto next = [&] { return "features." + std::to_string(index++); };
  for (std::size_t stage = 0; stage < stage_channels.size(); ++stage) {
    for (int i = 0; i < variant.convolutions[stage]; ++i) {
      x = build.convolution(
          x, next(),
          {.in_channels = channels, .out_channels = stage_channels[stage], .kernel = 3, .bias = true});
      channels = stage_channels[stage];
      if (variant.batch_norm) x = build.batch_norm(x, next(), channels, epsilon);
      x = build.relu(x, next());
    }
    x = build.max_pool(x, next(), OnnxWindow::square(2, 2, 0));
  }
  const auto [height, width] = build.image_size();
  x = build.adaptive_average_pool(x, "avgpool", {height / 32, width / 32}, {pooled_side, pooled_side});
  return {build.flatten(x, "flatten"), last_channels * pooled_side * pooled_side};
}

OnnxValueId classifier(ModuleBuilder& build, Features input, std::int64_t num_classes) {
  constexpr std::int64_t hidden = 4096;
  OnnxValueId x = build.linear(input.value, "classifier.0", input.channels, hidden);
  x = build.relu(x, "classifier.1");
  x = build.linear(x, "classifier.3", hidden, hidden);
  x = build.relu(x, "classifier.4");
  return build.linear(x, "classifier.6", hidden, num_classes);
}

constexpr Variant a{{1, 1, 2, 2, 2}, false}, b{{2, 2, 2, 2, 2}, false}, d{{2, 2, 3, 3, 3}, false},
    e{{2, 2, 4, 4, 4}, false};
constexpr Variant a_bn{{1, 1, 2, 2, 2}, true}, b_bn{{2, 2, 2, 2, 2}, true}, d_bn{{2, 2, 3, 3, 3}, true},
    e_bn{{2, 2, 4, 4, 4}, true};

constexpr Architecture vgg(std::string_view name, const Variant& variant) {
  return {name, &features, &classifier, "classifier.6.weight", &variant};
}

constexpr Architecture architectures[] = {
    vgg("vgg11", a), vgg("vgg11_bn", a_bn), vgg("vgg13", b), vgg("vgg13_bn", b_bn),
    vgg("vgg16", d), vgg("vgg16_bn", d_bn), vgg("vgg19", e), vgg("vgg19_bn", e_bn),
};

}  // namespace

std::span<const Architecture> vgg_architectures() {
  return architectures;
}

}  // namespace calib8
