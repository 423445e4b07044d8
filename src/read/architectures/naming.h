#pragma once

#include <optional>
#include <string>
#include <vector>

#include "read/architectures/architecture.h"
#include "read/state_dict.h"

namespace calib8 {

/// What a checkpoint says that its network is.
struct NamedArchitecture {
  const Architecture* architecture = nullptr;
  std::vector<std::string> notes;  ///< Where the name holds more than the architecture's.
};

/// Finds the architecture's name in the config or beside the state_dict ("arch", "model_name", "backbone",
/// "model",
/// ...): exactly, with a tag behind a dot ("resnet50.a1_in1k"), or as one of its words ("my-resnet18-run3",
/// which is noted). A network whose name holds that of a known family but is none of it ("resnetblur18") may
/// share all tensors with a known one and compute something else, so it is refused. Nothing where nothing is
/// named. Fails with ErrorCode::model.
NamedArchitecture find_named_architecture(const Checkpoint& checkpoint);

/// The architecture of that name, in any spelling ("EfficientNet-B0"); nullptr where it isn't known.
const Architecture* find_architecture(const std::string& name);

/// All that can be rebuilt.
std::vector<const Architecture*> all_architectures();

/// The library whose names the tensors have, where it isn't torchvision, and what to do: "these are timm's
/// names of tensors (conv_stem): ..."; empty where none is known.
std::string describe_foreign_names(const StateDict& tensors);

}  // namespace calib8
