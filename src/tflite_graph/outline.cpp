#include "tflite_graph/outline.h"

#include <algorithm>

namespace calib8 {

bool TfliteOutline::is_supported() const {
  return subgraphs == 1 &&
         std::ranges::all_of(operators, [](const auto& entry) { return entry.second.is_supported; });
}

}  // namespace calib8
