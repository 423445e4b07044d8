#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "read/architectures/module_builder.h"

namespace calib8 {

/// A backbone's result: pooled features [N, channels], before the classifier.
struct Features {
  OnnxValueId value;
  std::int64_t channels;
};

/// One of torchvision's classification models: how forward() runs, with the names that its state_dict has.
/// What no state_dict tells (strides, BatchNorm's epsilon) is in here.
struct Architecture {
  std::string_view name;  ///< As torchvision.models names it.
  Features (*features)(ModuleBuilder& build, OnnxValueId image, const Architecture& self);
  /// The model's own classifier; module names are inside the builder's prefix.
  OnnxValueId (*classifier)(ModuleBuilder& build, Features features, std::int64_t num_classes);
  /// The tensor whose first size is the number of classes, e.g. "fc.weight".
  std::string_view last_weight;
  const void* variant;  ///< The family's own description of this member.
};

std::span<const Architecture> resnet_architectures();
std::span<const Architecture> mobilenet_v2_architectures();
std::span<const Architecture> mobilenet_v3_architectures();
std::span<const Architecture> efficientnet_architectures();
std::span<const Architecture> efficientnet_v2_architectures();
std::span<const Architecture> vgg_architectures();
std::span<const Architecture> regnet_architectures();
std::span<const Architecture> convnext_architectures();
std::span<const Architecture> vision_transformer_architectures();

/// torchvision's rule for scaled channel counts: the nearest multiple of `divisor`, never more than 10 %
/// below.
std::int64_t make_divisible(double channels, std::int64_t divisor = 8);

}  // namespace calib8
