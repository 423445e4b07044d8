#pragma once

#include <string>

#include "read/architectures/architecture.h"

namespace calib8 {

/// The blocks that EfficientNet and EfficientNetV2 share, with torchvision's module names; activations are
/// SiLU.

/// Convolution, BatchNorm and, where asked, SiLU: modules <name>.0, .1, .2
OnnxValueId convolution_norm(ModuleBuilder& build, OnnxValueId x, const std::string& name,
                             const ModuleBuilder::Convolution& shape, float epsilon, bool with_silu);

/// One stage of equal blocks; the first takes the stride.
struct EfficientNetStage {
  bool fused;  ///< Expansion and depthwise convolution fused into one 3x3 convolution, no
               ///< squeeze-and-excitation.
  std::int64_t expansion, kernel, stride, in_channels, out_channels;
  int blocks;
};

/// Runs "features.<index>".
OnnxValueId efficientnet_stage(ModuleBuilder& build, OnnxValueId x, int index, const EfficientNetStage& stage,
                               float epsilon);

/// Dropout and one linear layer, "classifier.1".
OnnxValueId efficientnet_classifier(ModuleBuilder& build, Features features, std::int64_t num_classes);

}  // namespace calib8
