#pragma once

#include <optional>
#include <string>
#include <vector>

#include "read/checkpoint_source.h"

namespace calib8 {

/// A pickled module in a checkpoint, and the keys that lead to it.
struct FoundModule {
  PickleId module{};
  std::string path;                 ///< "ema", "checkpoint.model"; empty where the file is the module.
  std::vector<std::string> others;  ///< Paths of other modules in the file.
  bool is_wanted = false;           ///< It is the one that was asked for.
};

/// Finds the module of what torch.save(model) or torch.save({"model": model, ...}) wrote: the one that
/// `wanted` names by its path or the last key of it; else an average of the weights ("ema") before the model
/// itself. Nothing where the file has none, or a state_dict that find_state_dict() prefers.
std::optional<FoundModule> find_module(const Pickle& pickle, const std::string& wanted = {});

}  // namespace calib8
