#pragma once

#include <string>
#include <vector>

#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// What tells two models apart, one line each; nothing where they are the same network. Both should have come
/// out of optimize(), which brings operators and operands into one order; operators are then compared one by
/// one: kind, options, which results and constants they read, shapes and types. Names don't count, except the
/// signature's.
///
/// Float constants are equal where no two elements differ by more than `tolerance` times the largest
/// magnitude in either; all others where they are identical. At most 20 lines, then how many more there are.
std::vector<std::string> differences(const TfliteGraph& a, const TfliteGraph& b, double tolerance);

}  // namespace calib8
