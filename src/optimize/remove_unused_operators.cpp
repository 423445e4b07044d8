#include <ranges>

#include "optimize/passes.h"
#include "optimize/rewrite.h"

// Operators whose results nobody reads go, and with them those that only they read.

namespace calib8 {

bool remove_unused_operators(TfliteGraph& graph) {
  bool changed = false;
  const std::vector<OperatorId> order = graph.nodes();
  for (const OperatorId id : std::views::reverse(order)) changed |= remove_if_unused(graph, id);
  return changed;
}

}  // namespace calib8
