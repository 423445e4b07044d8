#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "read/state_dict.h"

namespace calib8 {

/// The tensors of a state_dict that are the network's, and what they are called without wrappers' prefixes.
struct ChosenTensors {
  std::vector<std::size_t> indices;  ///< In order.
  std::vector<std::string> names;    ///< One for each index.
  std::string prefix;                ///< What was taken off all of them; see Checkpoint::prefix.
  std::vector<std::string> notes;    ///< What was chosen and what was left out, one sentence each.
};

/// Chooses by names alone (read/network_names.h, read/wrapper_prefix.h). `beginning` asks for the tensors
/// whose names begin with it; none are chosen where no name does.
ChosenTensors choose_tensors(const std::vector<std::string>& names, const std::string& beginning);

/// "a, b, c, d, e and 7 more"
std::string listed(const std::vector<std::string>& names);

/// A checkpoint of tensors that are all there already. Fails with ErrorCode::model where `beginning` is no
/// name's, or where a name occurs twice; `where` names the file.
Checkpoint checkpoint_of(std::vector<NamedTensor> tensors, const std::string& where,
                         const std::string& beginning);

}  // namespace calib8
