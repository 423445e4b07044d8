#pragma once

#include <string>
#include <vector>

#include "ops/target.h"

namespace calib8 {

/// Everything about the model that the target would refuse at load, or worse, run to wrong results without a
/// word: one line per finding, which names the operator and its output; none where the model is right. Holds
/// for float, mixed and int8 models. What the rules are and what breaking each does: docs/tflite-int8.md.
std::vector<std::string> validate(const TfliteGraph& graph, const TargetTraits& target);
std::vector<std::string> validate(const TfliteGraph& graph);  ///< For LiteRT's CPU.

/// Fails with ErrorCode::internal, listing all findings of validate(): calib8 must not write such a model.
void require_valid(const TfliteGraph& graph, const TargetTraits& target);
void require_valid(const TfliteGraph& graph);  ///< For LiteRT's CPU.

}  // namespace calib8
