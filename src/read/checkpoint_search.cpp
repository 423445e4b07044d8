#include "read/checkpoint_search.h"

#include <algorithm>
#include <deque>
#include <unordered_set>

#include "base/text.h"
#include "read/checkpoint_tensors.h"
#include "read/pickled_objects.h"
#include "read/plain_values.h"

namespace calib8 {
namespace {

constexpr std::size_t deepest = 8;  // dicts within dicts that are looked into

// The most telling first.
constexpr std::string_view usual_keys[] = {
    "model_state_dict", "state_dict",     "model_state", "model",  "net_state_dict", "net",
    "network",          "module",         "weights",     "params", "student",        "model_ema",
    "state_dict_ema",   "ema_state_dict", "ema",         "teacher"};
constexpr std::string_view config_keys[] = {"config", "model_config", "hyper_parameters", "hparams", "args",
                                            "cfg",    "opt"};

struct Candidate {
  FoundStateDict found;
  std::size_t tensors = 0;
  std::size_t rank = std::size(usual_keys);  // of the last usual key on the way, lower is better
};

struct Pending {
  PickleId dict{};
  std::string path;
  std::size_t depth = 0;
  std::size_t rank = std::size(usual_keys);
};

std::size_t rank_of(std::string_view key, std::size_t inherited) {
  const auto found = std::find(std::begin(usual_keys), std::end(usual_keys), key);
  return found == std::end(usual_keys) ? inherited : static_cast<std::size_t>(found - std::begin(usual_keys));
}

bool is_training_state(std::string_view key) {
  return key.find("optim") != std::string_view::npos || key.find("sched") != std::string_view::npos ||
         key.find("scaler") != std::string_view::npos || key == "_metadata";
}

/// A number, a text, None or a list of them: what describes a model when it stands beside a state_dict.
bool is_plain(const Pickle& pickle, PickleId id) {
  const PickleValue& value = pickle[id];
  return std::holds_alternative<std::monostate>(value) || std::holds_alternative<bool>(value) ||
         std::holds_alternative<std::int64_t>(value) || std::holds_alternative<double>(value) ||
         std::holds_alternative<PickleString>(value);
}

bool is_plain_or_list(const Pickle& pickle, PickleId id) {
  if (is_plain(pickle, id)) return true;
  const auto* items = items_in(pickle, id);
  constexpr std::size_t longest = 100000;
  return items && items->size() <= longest &&
         std::all_of(items->begin(), items->end(), [&](PickleId item) { return is_plain(pickle, item); });
}

std::optional<nlohmann::json> config_among(const Pickle& pickle, const PickleEntries& entries,
                                           const std::string& where) {
  for (const std::string_view key : config_keys) {
    const auto value = value_under(pickle, entries, key);
    if (!value || is_pickled_tensor(pickle, *value)) continue;
    if (auto config = PlainValueReader(pickle, where).read(*value)) return config;
  }
  return std::nullopt;
}

/// All dicts with tensors, in the order of their depth, and the rank of the most usual name under which an
/// object stands that is no dict.
struct Candidates {
  std::vector<Candidate> dicts;
  std::size_t object_rank = std::size(usual_keys);
};

Candidates find_candidates(const Pickle& pickle) {
  Candidates found;
  std::unordered_set<std::uint32_t> seen;
  std::deque<Pending> queue;
  queue.push_back({pickle.root, {}, 0, std::size(usual_keys)});
  for (; !queue.empty(); queue.pop_front()) {
    const Pending dict = queue.front();
    const auto entries = entries_in(pickle, dict.dict);
    if (!entries) {
      if (pickle.get_if<PickleObject>(dict.dict)) found.object_rank = std::min(found.object_rank, dict.rank);
      continue;
    }
    if (!seen.insert(static_cast<std::uint32_t>(dict.dict)).second) continue;
    Candidate candidate{{dict.dict, dict.path, {}, false}, 0, dict.rank};
    for (const auto& [key, value] : *entries) {
      const auto name = string_in(pickle, key);
      if (!name) continue;
      if (is_pickled_tensor(pickle, value)) {
        ++candidate.tensors;
      } else if (dict.depth < deepest && !is_training_state(*name)) {
        const std::string text = valid_utf8(name->substr(0, 200));
        queue.push_back({value, dict.path.empty() ? text : dict.path + "." + text, dict.depth + 1,
                         rank_of(*name, dict.rank)});
      }
    }
    if (candidate.tensors > 0) found.dicts.push_back(std::move(candidate));
  }
  return found;
}

/// Whether `path` is `wanted`, or ends with it.
bool is_named(const std::string& path, const std::string& wanted) {
  return path == wanted || path.ends_with("." + wanted);
}

/// Whether the last key of the path has it as one of its words: "ema" in "state_dict_ema".
bool has_word(const std::string& path, const std::string& wanted) {
  const std::string key = "_" + path.substr(path.rfind('.') + 1) + "_";
  return key.find("_" + wanted + "_") != std::string::npos;
}

/// The dict that `wanted` names by its path, the last key of it, or where no other does by a word of that
/// key.
const Candidate* candidate_named(const std::vector<Candidate>& dicts, const std::string& wanted) {
  if (wanted.empty()) return nullptr;
  const Candidate* by_word = nullptr;
  std::size_t count = 0;
  for (const Candidate& candidate : dicts) {
    if (is_named(candidate.found.path, wanted)) return &candidate;
    if (!has_word(candidate.found.path, wanted)) continue;
    by_word = &candidate;
    ++count;
  }
  return count == 1 ? by_word : nullptr;
}

}  // namespace

std::optional<FoundStateDict> find_state_dict(const Pickle& pickle, const std::string& wanted) {
  const Candidates found = find_candidates(pickle);
  const Candidate* best = nullptr;
  for (const Candidate& candidate : found.dicts) {
    if (!best || candidate.rank < best->rank ||
        (candidate.rank == best->rank && candidate.tensors > best->tensors))
      best = &candidate;
  }
  const Candidate* asked_for = candidate_named(found.dicts, wanted);
  const bool is_wanted = asked_for != nullptr;
  if (is_wanted) best = asked_for;
  if (!best || (!is_wanted && found.object_rank < best->rank)) return std::nullopt;
  FoundStateDict chosen = best->found;
  chosen.is_wanted = is_wanted;
  for (const Candidate& candidate : found.dicts) {
    // What has far fewer tensors is no model: weights of classes, running statistics.
    if (&candidate != best && candidate.tensors * 2 >= best->tensors)
      chosen.others.push_back(candidate.found.path);
  }
  return chosen;
}

nlohmann::json find_outermost_values(const Pickle& pickle, const std::string& where) {
  nlohmann::json values = nlohmann::json::object();
  const auto outermost = entries_in(pickle, pickle.root);
  if (!outermost) return values;
  PlainValueReader reader(pickle, where);
  for (const auto& [key, value] : *outermost) {
    const auto name = string_in(pickle, key);
    if (!name || is_pickled_tensor(pickle, value) || is_training_state(*name)) continue;
    const auto dict = entries_in(pickle, value);
    const bool is_state_dict = dict && std::ranges::any_of(*dict, [&](const auto& entry) {
                                 return !is_plain(pickle, entry.second);
                               });
    if (is_state_dict || (!dict && !is_plain_or_list(pickle, value))) continue;
    if (auto plain = reader.read(value)) values[valid_utf8(*name)] = *std::move(plain);
  }
  return values;
}

nlohmann::json find_config(const Pickle& pickle, const FoundStateDict& found, const std::string& where) {
  const auto outermost = entries_in(pickle, pickle.root);
  if (!outermost) return nlohmann::json::object();
  std::string_view rest = found.path;
  for (auto entries = outermost; entries;) {
    if (auto config = config_among(pickle, *entries, where)) return *config;
    // A key may itself hold a dot, so the path is followed by the longest key that fits.
    std::optional<PickleId> next;
    std::size_t taken = 0;
    for (const auto& [key, value] : *entries) {
      const auto name = string_in(pickle, key);
      const bool fits = name && !name->empty() && rest.starts_with(*name) &&
                        (rest.size() == name->size() || rest[name->size()] == '.');
      if (!fits || name->size() < taken) continue;
      next = value;
      taken = name->size();
    }
    if (!next || rest.size() == taken) break;
    rest.remove_prefix(taken + 1);
    entries = entries_in(pickle, *next);
  }
  nlohmann::json config = nlohmann::json::object();
  PlainValueReader reader(pickle, where);
  for (const auto& [key, value] : *outermost) {
    const auto name = string_in(pickle, key);
    if (name && is_plain_or_list(pickle, value))
      config[valid_utf8(*name)] = reader.read(value).value_or(nullptr);
  }
  return config;
}

}  // namespace calib8
