#pragma once

#include <string>
#include <vector>

#include "ops/tflite_op.h"

namespace calib8 {

/// Everything about the model that LiteRT would refuse at load, or worse, run to wrong results without a
/// word: one line per finding, which names the operator and its output; none where the model is right. Holds
/// for float, mixed and int8 models. What the rules are and what breaking each does: docs/tflite-int8.md.
std::vector<std::string> validate(const TfliteGraph& graph, Target target = Target::litert_cpu);

/// Fails with ErrorCode::internal, listing all findings of validate(): calib8 must not write such a model.
void require_valid(const TfliteGraph& graph, Target target = Target::litert_cpu);

}  // namespace calib8
