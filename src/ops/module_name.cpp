#include "ops/module_name.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace calib8 {
namespace {

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (end > 0) parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

}  // namespace

std::string module_name(const std::string& value_name, const std::string& op_type) {
  std::vector<std::string> scopes = split(value_name, '/');
  if (scopes.empty()) return value_name;
  std::string last = std::move(scopes.back());
  scopes.pop_back();
  if (const std::size_t suffix = last.rfind("_output_"); suffix != std::string::npos) last.resize(suffix);
  std::string name, previous;
  for (const std::string& scope : scopes) {
    if (!previous.empty() && scope.starts_with(previous + ".")) {
      name += scope.substr(previous.size());
    } else {
      if (!name.empty()) name += '.';
      name += scope;
    }
    previous = scope;
  }
  if (name.empty()) return last;
  return last == op_type ? name : name + "/" + last;
}

}  // namespace calib8
