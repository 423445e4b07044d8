#include "optimize/validate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "calib8/error.h"
#include "ops/verify.h"
#include "optimize/quantization_checks.h"

namespace calib8 {
namespace {

using Check = void (*)(const OperatorCheck&);

/// The rules of every operator. Today's one target is the strictest part of LiteRT on a CPU: what XNNPACK
/// refuses, or TFLite's own kernels get wrong.
constexpr Check litert_cpu_checks[] = {
    check_one_type,     check_shared_quantization, check_fixed_output, check_kept_float,
    check_scale_ratios, check_hybrid_depthwise,    check_weights,      check_bias,
};

std::span<const Check> checks_for(Target target) {
  switch (target) {
    case Target::litert_cpu:
      return litert_cpu_checks;
  }
  return {};
}

}  // namespace

std::vector<std::string> validate(const TfliteGraph& graph, Target target) {
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
    const OperatorCheck operator_check{graph, op, tflite_op(op.options), findings};
    for (const Check check : checks_for(target)) check(operator_check);
  }
  return findings;
}

void require_valid(const TfliteGraph& graph, Target target) {
  const std::vector<std::string> findings = validate(graph, target);
  if (findings.empty()) return;
  throw Error(ErrorCode::internal, fmt::format("the model breaks {} of LiteRT's rules: {}", findings.size(),
                                               fmt::join(findings, "; ")));
}

}  // namespace calib8
