#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "image/preprocess.h"

namespace calib8 {

/// A preset by its name; nothing where there is none of that name.
///
/// - imagenet: 224x224, bilinear, ImageNet's mean and std (the default)
/// - torchvision:NAME: as torchvision's weights were evaluated; NAME is that of the weights
///   ("ResNet50_Weights.IMAGENET1K_V1", "ResNet50_Weights.DEFAULT") or of the architecture ("resnet50", its
///   default weights)
/// - ultralytics: letterbox by OpenCV, EXIF orientation, 0..1
/// - tf: -1..1 (Keras's "tf" mode)
/// - raw: 0..255
std::optional<Preprocessing> find_preset(std::string_view name);

/// Whether the preset says the size of the input itself, as torchvision's do.
bool has_own_size(std::string_view preset);

/// "imagenet, torchvision:NAME, timm, ultralytics, tf, raw"
std::string_view preset_words();

}  // namespace calib8
