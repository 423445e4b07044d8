#pragma once

#include "read/state_dict.h"

namespace calib8 {

/// Gives the tensors of transformers' ResNet ("resnet.encoder.stages.0.layers.1.layer.0.convolution.weight")
/// the names that torchvision has for the same network ("layer1.1.conv1.weight"); other checkpoints stay as
/// they are. Fails with ErrorCode::model where the config says that it is another network: strides in the
/// first convolution of a bottleneck, another activation.
void take_transformers_names(Checkpoint& checkpoint);

}  // namespace calib8
