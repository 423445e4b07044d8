#include "read/chosen_tensors.h"

#include <algorithm>

#include "base/text.h"
#include "calib8/error.h"
#include "read/network_names.h"
#include "read/wrapper_prefix.h"

namespace calib8 {

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t most = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i) text += (i == 0 ? "" : ", ") + names[i];
  return names.size() > most ? text + " and " + std::to_string(names.size() - most) + " more" : text;
}

ChosenTensors choose_tensors(const std::vector<std::string>& names, const std::string& beginning) {
  const NetworkNames network = choose_network(names, beginning);
  ChosenTensors chosen{network.kept, {}, {}, {}};
  if (!network.twins.empty()) {
    chosen.notes.push_back("the state_dict holds several networks: '" +
                           network.prefix.substr(0, network.prefix.size() - 1) + "' is used, not " +
                           listed(network.twins) + "; choose with --state-dict");
  }
  if (!network.left_out.empty())
    chosen.notes.push_back("tensors of losses and metrics are left out: " + listed(network.left_out));
  for (const std::size_t index : network.kept)
    chosen.names.push_back(names[index].substr(network.prefix.size()));
  chosen.prefix = network.prefix + strip_wrapper_prefixes(chosen.names);
  return chosen;
}

Checkpoint checkpoint_of(std::vector<NamedTensor> tensors, const std::string& where,
                         const std::string& beginning) {
  std::vector<std::string> names;
  for (const NamedTensor& entry : tensors) names.push_back(entry.name);
  ChosenTensors chosen = choose_tensors(names, beginning);
  if (chosen.indices.empty())
    throw Error(ErrorCode::model,
                "--state-dict names " + printable(beginning) +
                    ", which no tensor's name begins with (the first is " + printable(names.front()) + ")",
                where);
  Checkpoint checkpoint;
  checkpoint.prefix = std::move(chosen.prefix);
  checkpoint.notes = std::move(chosen.notes);
  for (std::size_t i = 0; i < chosen.indices.size(); ++i) {
    NamedTensor& tensor = tensors[chosen.indices[i]];
    if (!checkpoint.tensors.add(chosen.names[i], std::move(tensor.tensor)))
      throw Error(ErrorCode::model, "tensor " + printable(tensor.name) + " occurs twice: get the file anew",
                  where);
  }
  return checkpoint;
}

}  // namespace calib8
