#include "pipeline/keep_float.h"

#include "calib8/error.h"
#include "ops/tflite_op.h"

namespace calib8 {
namespace {

bool names(const std::string& pattern, const TfliteGraph& graph, const TfliteOperator& op) {
  for (const TensorId output : op.outputs) {
    if (output.exists() && matches(pattern, graph[output].name)) return true;
  }
  for (const TensorId input : op.inputs) {
    if (input.exists() && graph.is_constant(input) && matches(pattern, graph[input].name)) return true;
  }
  return false;
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
    bool is_found = false;
    for (const OperatorId id : graph.nodes()) {
      if (quantization_rule(graph, graph[id], target).output == OutputRange::no_range) continue;
      if (!names(pattern, graph, graph[id])) continue;
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
