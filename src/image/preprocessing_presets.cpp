#include "image/preprocessing_presets.h"

#include <array>

namespace calib8 {
namespace {

/// How torchvision 0.28 evaluates a set of weights: resize the shortest side, crop the center.
struct Weights {
  std::string_view architecture;
  std::string_view family;   ///< Of its enumeration, before "_Weights".
  std::string_view version;  ///< The default is the last of an architecture.
  int resize;
  int crop;
  Interpolation interpolation;
  bool half = false;  ///< mean and std are 0.5 and not ImageNet's
};

constexpr std::string_view kFirst = "IMAGENET1K_V1", kSecond = "IMAGENET1K_V2";
constexpr auto kBilinear = Interpolation::bilinear;
constexpr auto kBicubic = Interpolation::bicubic;

constexpr auto kWeights = std::to_array<Weights>({
    {"resnet18", "ResNet18", kFirst, 256, 224, kBilinear},
    {"resnet34", "ResNet34", kFirst, 256, 224, kBilinear},
    {"resnet50", "ResNet50", kFirst, 256, 224, kBilinear},
    {"resnet50", "ResNet50", kSecond, 232, 224, kBilinear},
    {"resnet101", "ResNet101", kFirst, 256, 224, kBilinear},
    {"resnet101", "ResNet101", kSecond, 232, 224, kBilinear},
    {"resnet152", "ResNet152", kFirst, 256, 224, kBilinear},
    {"resnet152", "ResNet152", kSecond, 232, 224, kBilinear},
    {"resnext50_32x4d", "ResNeXt50_32X4D", kFirst, 256, 224, kBilinear},
    {"resnext50_32x4d", "ResNeXt50_32X4D", kSecond, 232, 224, kBilinear},
    {"resnext101_32x8d", "ResNeXt101_32X8D", kFirst, 256, 224, kBilinear},
    {"resnext101_32x8d", "ResNeXt101_32X8D", kSecond, 232, 224, kBilinear},
    {"resnext101_64x4d", "ResNeXt101_64X4D", kFirst, 232, 224, kBilinear},
    {"wide_resnet50_2", "Wide_ResNet50_2", kFirst, 256, 224, kBilinear},
    {"wide_resnet50_2", "Wide_ResNet50_2", kSecond, 232, 224, kBilinear},
    {"wide_resnet101_2", "Wide_ResNet101_2", kFirst, 256, 224, kBilinear},
    {"wide_resnet101_2", "Wide_ResNet101_2", kSecond, 232, 224, kBilinear},
    {"mobilenet_v2", "MobileNet_V2", kFirst, 256, 224, kBilinear},
    {"mobilenet_v2", "MobileNet_V2", kSecond, 232, 224, kBilinear},
    {"mobilenet_v3_small", "MobileNet_V3_Small", kFirst, 256, 224, kBilinear},
    {"mobilenet_v3_large", "MobileNet_V3_Large", kFirst, 256, 224, kBilinear},
    {"mobilenet_v3_large", "MobileNet_V3_Large", kSecond, 232, 224, kBilinear},
    {"efficientnet_b0", "EfficientNet_B0", kFirst, 256, 224, kBicubic},
    {"efficientnet_b1", "EfficientNet_B1", kFirst, 256, 240, kBicubic},
    {"efficientnet_b1", "EfficientNet_B1", kSecond, 255, 240, kBilinear},
    {"efficientnet_b2", "EfficientNet_B2", kFirst, 288, 288, kBicubic},
    {"efficientnet_b3", "EfficientNet_B3", kFirst, 320, 300, kBicubic},
    {"efficientnet_b4", "EfficientNet_B4", kFirst, 384, 380, kBicubic},
    {"efficientnet_b5", "EfficientNet_B5", kFirst, 456, 456, kBicubic},
    {"efficientnet_b6", "EfficientNet_B6", kFirst, 528, 528, kBicubic},
    {"efficientnet_b7", "EfficientNet_B7", kFirst, 600, 600, kBicubic},
    {"efficientnet_v2_s", "EfficientNet_V2_S", kFirst, 384, 384, kBilinear},
    {"efficientnet_v2_m", "EfficientNet_V2_M", kFirst, 480, 480, kBilinear},
    {"efficientnet_v2_l", "EfficientNet_V2_L", kFirst, 480, 480, kBicubic, true},
});

constexpr std::string_view kTorchvision = "torchvision:";

std::string full_name(const Weights& weights, std::string_view version) {
  return std::string(weights.family) + "_Weights." + std::string(version);
}

/// The last one that fits, which is the default where a name has several.
const Weights* find_weights(std::string_view name) {
  const Weights* found = nullptr;
  for (const Weights& weights : kWeights) {
    if (name == weights.architecture || name == full_name(weights, weights.version) ||
        name == full_name(weights, "DEFAULT"))
      found = &weights;
  }
  return found;
}

std::optional<Preprocessing> torchvision_preset(std::string_view name) {
  const Weights* weights = find_weights(name);
  if (!weights) return std::nullopt;
  Preprocessing p;
  p.name = std::string(kTorchvision) + full_name(*weights, weights->version);
  p.height = p.width = weights->crop;
  p.resize_mode = ResizeMode::shortest_side;
  p.resize_height = weights->resize;
  p.interpolation = weights->interpolation;
  if (weights->half) p.mean = p.deviation = {0.5f, 0.5f, 0.5f};
  return p;
}

/// 224x224 bilinear, pixels divided, less the mean, over 1.
Preprocessing scaled(std::string_view name, double divisor, float mean) {
  Preprocessing p;
  p.name = std::string(name);
  p.divisor = divisor;
  p.mean = {mean, mean, mean};
  p.deviation = {1, 1, 1};
  return p;
}

}  // namespace

std::optional<Preprocessing> find_preset(std::string_view name) {
  if (name.starts_with(kTorchvision)) return torchvision_preset(name.substr(kTorchvision.size()));
  if (name == "imagenet") return Preprocessing{};
  if (name == "tf") return scaled(name, 127.5, 1);
  if (name == "raw") return scaled(name, 1, 0);
  if (name == "ultralytics") {
    Preprocessing p = scaled(name, 255, 0);
    p.resize_mode = ResizeMode::letterbox;
    p.library = ResizeLibrary::opencv;
    p.exif_orientation = true;
    return p;
  }
  return std::nullopt;
}

bool has_own_size(std::string_view preset) {
  return preset.starts_with(kTorchvision);
}

std::string_view preset_words() {
  return "imagenet, torchvision:NAME, timm, ultralytics, tf, raw";
}

}  // namespace calib8
