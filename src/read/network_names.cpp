#include "read/network_names.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <set>
#include <string_view>

#include "base/text.h"

namespace calib8 {
namespace {

/// Words in the names of modules that inference doesn't run.
constexpr std::array<std::string_view, 26> kTrainingWords = {
    "criterion", "criteria", "loss",      "losses", "lossfn",   "metric", "metrics", "acc", "accuracy",
    "auroc",     "auc",      "f1",        "fbeta",  "recall",   "mse",    "mae",     "iou", "confmat",
    "confusion", "kappa",    "precision", "meter",  "averaged", "meters", "top1",    "top5"};
/// Those of networks that follow another, and of those that are followed.
constexpr std::array<std::string_view, 9> kFollowing = {"teacher", "ema", "momentum", "target",  "shadow",
                                                        "key",     "k",   "swa",      "averaged"};
constexpr std::array<std::string_view, 6> kLeading = {"student", "online", "model", "query", "q", "net"};
constexpr std::array<std::string_view, 3> kWrappers = {"module", "model", "_orig_mod"};

template <std::size_t count>
bool is_one_of(std::string_view word, const std::array<std::string_view, count>& words) {
  return std::ranges::find(words, word) != words.end();
}

/// "valLoss_fn" -> "val", "loss", "fn"
std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words(1);
  char before = 0;
  for (const char c : name) {
    const bool hump =
        std::isupper(static_cast<unsigned char>(c)) && std::islower(static_cast<unsigned char>(before));
    if (c == '_' || hump) words.emplace_back();
    if (c != '_') words.back() += c;
    before = c;
  }
  for (std::string& word : words) word = lower_case(word);
  return words;
}

template <std::size_t count>
bool has_word(std::string_view name, const std::array<std::string_view, count>& words) {
  return std::ranges::any_of(words_of(name), [&](const std::string& word) { return is_one_of(word, words); });
}

/// The first part that is no wrapper's; all but the last part stand for modules.
std::string_view first_module(std::string_view name) {
  while (true) {
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos || !is_one_of(name.substr(0, dot), kWrappers))
      return name.substr(0, std::min(dot, name.size()));
    name.remove_prefix(dot + 1);
  }
}

struct Group {
  std::string name;
  std::set<std::string_view> rests;
};

/// Tensors by the first part of their names, in order.
std::vector<Group> groups_of(const std::vector<std::string>& names, const std::vector<std::size_t>& kept) {
  std::vector<Group> groups;
  std::map<std::string_view, std::size_t> places;
  for (const std::size_t index : kept) {
    const std::string_view name = names[index];
    const std::size_t dot = std::min(name.find('.'), name.size());
    const auto [place, added] = places.emplace(name.substr(0, dot), groups.size());
    if (added) groups.push_back({std::string(name.substr(0, dot)), {}});
    groups[place->second].rests.insert(name.substr(dot));
  }
  return groups;
}

/// Two networks of the same tensors, one of which by its name follows the other; "" where there aren't.
void choose_leading(const std::vector<Group>& groups, NetworkNames& found) {
  constexpr std::size_t fewest_tensors = 4;
  for (const Group& group : groups) {
    if (group.rests.size() < fewest_tensors || has_word(group.name, kFollowing)) continue;
    for (const Group& other : groups) {
      const bool follows = &other != &group && other.rests == group.rests &&
                           (has_word(other.name, kFollowing) || has_word(group.name, kLeading));
      if (follows) found.twins.push_back(other.name);
    }
    if (found.twins.empty()) continue;
    found.prefix = group.name + ".";
    return;
  }
}

void keep_beginning(const std::vector<std::string>& names, const std::string& prefix, NetworkNames& found) {
  found.prefix = prefix;
  std::erase_if(found.kept, [&](std::size_t index) {
    return names[index].size() <= prefix.size() || !names[index].starts_with(prefix);
  });
}

}  // namespace

NetworkNames choose_network(const std::vector<std::string>& names, const std::string& wanted) {
  NetworkNames found;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string_view module = first_module(names[i]);
    if (has_word(module, kTrainingWords)) {
      // AveragedModel's own counter, beside "module.", is nothing that anyone would miss.
      const bool is_counter = names[i] == "n_averaged";
      if (!is_counter && std::ranges::find(found.left_out, names[i]) == found.left_out.end())
        found.left_out.push_back(names[i]);
    } else {
      found.kept.push_back(i);
    }
  }
  if (!wanted.empty()) {
    keep_beginning(names, wanted.ends_with('.') ? wanted : wanted + ".", found);
  } else if (choose_leading(groups_of(names, found.kept), found); !found.prefix.empty()) {
    keep_beginning(names, std::string(found.prefix), found);
  }
  if (found.kept.empty() && wanted.empty()) {  // a loss saved alone is still what the file holds
    found = {};
    for (std::size_t i = 0; i < names.size(); ++i) found.kept.push_back(i);
  }
  return found;
}

}  // namespace calib8
