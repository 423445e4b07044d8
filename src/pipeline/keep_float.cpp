#include "pipeline/keep_float.h"

#include <algorithm>

#include "calib8/error.h"
#include "ops/module_name.h"
#include "ops/tflite_op.h"

namespace calib8 {
namespace {

/// The pattern, and what calib8 calls that which torch's exporter names by scopes: for
/// "/model.22/cv3.0/conv/Conv" "model.22.cv3.0.conv" and its weights, for "/model.22/*" all of "model.22".
std::vector<std::string> spellings(const std::string& pattern) {
  if (!pattern.starts_with('/')) return {pattern};
  const std::string last = pattern.substr(pattern.rfind('/') + 1);
  const std::string operation = last.substr(0, last.find('_'));
  const std::string module = module_name(pattern.substr(0, pattern.rfind('/') + 1) + operation, operation);
  if (last == "*") return {pattern, module, module + ".*", module + "/*"};
  return {pattern, module_name(pattern, ""), module, module + ".weight"};
}

bool names(const std::vector<std::string>& patterns, const TfliteGraph& graph, const TfliteOperator& op) {
  const auto is_named = [&](TensorId tensor) {
    return tensor.exists() && std::ranges::any_of(patterns, [&](const std::string& pattern) {
             return matches(pattern, graph[tensor].name);
           });
  };
  if (std::ranges::any_of(op.outputs, is_named)) return true;
  return std::ranges::any_of(op.inputs, [&](TensorId input) {
    return input.exists() && graph.is_constant(input) && is_named(input);
  });
}

}  // namespace

bool matches(std::string_view pattern, std::string_view name) {
  std::size_t in_pattern = 0, in_name = 0;
  std::size_t star = std::string_view::npos, behind_star = 0;  // the last one, and what it doesn't take
  while (in_name < name.size()) {
    if (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
      star = in_pattern++, behind_star = in_name;
    } else if (in_pattern < pattern.size() &&
               (pattern[in_pattern] == '?' || pattern[in_pattern] == name[in_name])) {
      ++in_pattern, ++in_name;
    } else if (star != std::string_view::npos) {
      in_pattern = star + 1, in_name = ++behind_star;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', in_pattern) == std::string_view::npos;
}

std::map<OperatorId, std::string> operators_to_keep(const TfliteGraph& graph, const TargetTraits& target,
                                                    const std::vector<std::string>& patterns) {
  std::map<OperatorId, std::string> kept;
  for (const std::string& pattern : patterns) {
    const std::vector<std::string> spelled = spellings(pattern);
    bool is_found = false;
    for (const OperatorId id : graph.nodes()) {
      if (quantization_rule(graph, graph[id], target).output == OutputRange::no_range) continue;
      if (!names(spelled, graph, graph[id])) continue;
      is_found = true;
      kept.emplace(id, "asked for: --keep-float " + pattern);
    }
    if (!is_found)
      throw Error(ErrorCode::usage,
                  "no layer is called '" + pattern +
                      "': names are those that the plan (--plan-out) and `calib8 inspect` show, and * stands "
                      "for any characters",
                  "--keep-float");
  }
  return kept;
}

}  // namespace calib8
