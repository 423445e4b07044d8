#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ops/target.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// Whether a name is what a pattern says: * stands for any characters or none, ? for one.
bool matches(std::string_view pattern, std::string_view name);

/// The operators that the patterns of --keep-float name, by what they write or by their weights, each with
/// its reason. Fails with ErrorCode::usage where a pattern names none.
std::map<OperatorId, std::string> operators_to_keep(const TfliteGraph& graph, const TargetTraits& target,
                                                    const std::vector<std::string>& patterns);

}  // namespace calib8
