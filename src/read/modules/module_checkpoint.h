#pragma once

#include "read/modules/find_module.h"
#include "read/modules/module_tree.h"
#include "read/state_dict.h"

namespace calib8 {

/// What a file with a pickled module says beside its weights: its config as a checkpoint has it, and the
/// plain attributes of the module ("names", "yaml", "task") where the config has none of that name. No
/// tensors.
Checkpoint describe_module(const CheckpointSource& source, const FoundModule& found, const ModuleTree& tree);

}  // namespace calib8
