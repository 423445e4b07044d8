#include "read/modules/find_module.h"

#include <algorithm>

#include "base/text.h"
#include "read/checkpoint_search.h"
#include "read/modules/module_tree.h"
#include "read/pickled_objects.h"

namespace calib8 {
namespace {

constexpr std::size_t deepest = 3;  // dicts within dicts that are looked into
constexpr std::size_t most_entries = 1000;

// The most telling first: Ultralytics and others save the average of the weights that they judge by.
constexpr std::string_view usual_keys[] = {"ema", "model_ema", "ema_model", "model",
                                           "net", "network",   "module"};

struct Candidate {
  PickleId module{};
  std::string path;
  std::size_t rank = 0;
};

std::size_t rank_of(std::string_view key) {
  return static_cast<std::size_t>(std::ranges::find(usual_keys, key) - std::begin(usual_keys));
}

/// A loss stands beside the network that it trained.
bool is_loss(const Pickle& pickle, PickleId id) {
  const PickleGlobal* maker = maker_of(pickle, id);
  return maker && maker->module == "torch.nn.modules.loss";
}

/// All modules in dicts, those of one dict side by side.
void collect(const Pickle& pickle, PickleId id, const std::string& path, std::size_t depth,
             std::vector<Candidate>& found) {
  const auto entries = entries_in(pickle, id);
  if (!entries || depth > deepest || entries->size() > most_entries) return;
  for (const auto& [key, value] : *entries) {
    const auto name = string_in(pickle, key);
    if (!name || found.size() >= most_entries) continue;
    const std::string text = valid_utf8(name->substr(0, 200));
    const std::string whole = path.empty() ? text : path + "." + text;
    if (is_pickled_module(pickle, value) && !is_loss(pickle, value))
      found.push_back({value, whole, rank_of(*name)});
    else
      collect(pickle, value, whole, depth + 1, found);
  }
}

}  // namespace

std::optional<FoundModule> find_module(const Pickle& pickle, const std::string& wanted) {
  if (is_pickled_module(pickle, pickle.root)) return FoundModule{pickle.root, "", {}, false};
  std::vector<Candidate> candidates;
  collect(pickle, pickle.root, "", 0, candidates);
  const auto named = std::ranges::find_if(candidates, [&](const Candidate& candidate) {
    return !wanted.empty() && (candidate.path == wanted || candidate.path.ends_with("." + wanted));
  });
  if (named == candidates.end() && find_state_dict(pickle, wanted)) return std::nullopt;
  const auto best =
      named != candidates.end() ? named : std::ranges::min_element(candidates, {}, &Candidate::rank);
  if (best == candidates.end()) return std::nullopt;
  FoundModule chosen{best->module, best->path, {}, named != candidates.end()};
  for (const Candidate& candidate : candidates) {
    if (candidate.path != best->path) chosen.others.push_back(candidate.path);
  }
  return chosen;
}

}  // namespace calib8
