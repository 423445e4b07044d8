#include "read/wrapper_prefix.h"

#include <algorithm>
#include <span>
#include <string_view>
#include <unordered_set>

namespace calib8 {
namespace {

constexpr std::string_view outer_wrappers[] = {"module.", "model."};
// Names that no model gives to a module of its own: wherever they stand, a wrapper stands.
constexpr std::string_view inner_wrappers[] = {"_orig_mod.", "_fsdp_wrapped_module.",
                                               "_checkpoint_wrapped_module."};

bool all_begin_with(const std::vector<std::string>& names, std::string_view prefix) {
  return !names.empty() && std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return name.size() > prefix.size() && name.starts_with(prefix);
  });
}

std::string without_inner_wrappers(std::string name) {
  for (const std::string_view wrapper : inner_wrappers) {
    for (std::size_t at = 0; (at = name.find(wrapper, at)) != std::string::npos;) {
      // A whole component, and not the end of a longer name.
      if (at == 0 || name[at - 1] == '.') {
        name.erase(at, wrapper.size());
      } else {
        at += wrapper.size();
      }
    }
  }
  return name;
}

}  // namespace

std::string strip_wrapper_prefixes(std::vector<std::string>& names) {
  std::vector<std::string> stripped = names;
  std::string prefix;
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& wrappers : {std::span<const std::string_view>(outer_wrappers),
                                 std::span<const std::string_view>(inner_wrappers)}) {
      for (const std::string_view wrapper : wrappers) {
        if (!all_begin_with(stripped, wrapper)) continue;
        for (std::string& name : stripped) name.erase(0, wrapper.size());
        prefix += wrapper;
        changed = true;
      }
    }
  }
  for (std::string& name : stripped) name = without_inner_wrappers(std::move(name));
  const std::unordered_set<std::string> distinct(stripped.begin(), stripped.end());
  if (distinct.size() != names.size()) return {};
  names = std::move(stripped);
  return prefix;
}

}  // namespace calib8
