#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "container/pickle.h"

namespace calib8 {

/// A dict whose values are tensors, and the keys that lead to it.
struct FoundStateDict {
  PickleId dict{};
  std::string path;                 ///< "model", "checkpoint.model_state_dict"; empty for the outermost dict.
  std::vector<std::string> others;  ///< Paths of other dicts that may be a model's: its average, a teacher.
  bool is_wanted = false;           ///< It is the one that was asked for.
};

/// Finds the model's state_dict among the (nested) dicts of a checkpoint: the one that `wanted` names by its
/// path, the last key of it or a word of that ("ema" for "state_dict_ema"), where there is one; else that
/// under a name that is usual for it
/// ("model_state_dict", "state_dict", "model", ...), the most usual first, otherwise the one with the most
/// tensors. An optimizer's state is not looked into. Nothing where no dict has a tensor under a str key, or
/// where an object that is no dict (a whole module) stands under a more usual name.
std::optional<FoundStateDict> find_state_dict(const Pickle& pickle, const std::string& wanted = {});

/// The plain values of the checkpoint: what is under "config", "hyper_parameters", "hparams", "args", "cfg"
/// or "opt" in the outermost dict or in one on the way to the state_dict; otherwise the numbers, texts and
/// lists of them that stand in the outermost dict.
nlohmann::json find_config(const Pickle& pickle, const FoundStateDict& found, const std::string& where);

/// The plain values of the outermost dict, also the dicts among them: names of the architecture and of
/// classes often stand there, beside a config.
nlohmann::json find_outermost_values(const Pickle& pickle, const std::string& where);

}  // namespace calib8
