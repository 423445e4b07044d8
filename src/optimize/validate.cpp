#include "optimize/validate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "calib8/error.h"
#include "ops/verify.h"
#include "optimize/quantization_checks.h"
#include "optimize/targets/targets.h"

namespace calib8 {

std::vector<std::string> validate(const TfliteGraph& graph) {
  return validate(graph, litert_cpu());
}

std::vector<std::string> validate(const TfliteGraph& graph, const TargetTraits& target) {
  // Order of execution, shapes, lengths of scale vectors and their axes; the other checks rely on these.
  if (const auto fault = first_fault(graph)) return {*fault};

  std::vector<std::string> findings;
  std::vector<bool> seen(graph.value_count(), false);
  const auto check_tensor = [&](TensorId id) {
    if (!id.exists() || seen[id.index]) return;
    seen[id.index] = true;
    check_quantization(graph[id], findings);
  };
  for (const TensorId id : graph.inputs()) check_tensor(id);
  for (const OperatorId id : graph.nodes()) {
    const TfliteOperator& op = graph[id];
    for (const TensorId input : op.inputs) check_tensor(input);
    for (const TensorId output : op.outputs) check_tensor(output);
    const OperatorCheck operator_check{graph, op, tflite_op(op.options), target, findings};
    for (const auto check : target.checks) check(operator_check);
  }
  return findings;
}

void require_valid(const TfliteGraph& graph) {
  require_valid(graph, litert_cpu());
}

void require_valid(const TfliteGraph& graph, const TargetTraits& target) {
  const std::vector<std::string> findings = validate(graph, target);
  if (findings.empty()) return;
  throw Error(ErrorCode::internal, fmt::format("the model breaks {} of {}'s rules: {}", findings.size(),
                                               target.name, fmt::join(findings, "; ")));
}

}  // namespace calib8
