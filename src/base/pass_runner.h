#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/interrupt.h"
#include "calib8/error.h"

namespace calib8 {

/// What `--disable-pass NAME` (repeatable) and `--stop-after NAME` say. Names are those of any list of
/// passes; a list ignores names that aren't its own, so whoever knows all lists calls check_pass_names first.
struct PassOptions {
  std::vector<std::string> disabled;
  std::string stop_after;  ///< Empty: run to the end.
};

/// One entry of an ordered list of passes: exactly one of the two functions is set. Both say whether they
/// changed the graph. `rewrite` looks at one node and what surrounds it; it may remove that node and any
/// others, and what it adds is seen in the next sweep. `sweep` looks at the whole graph.
template <class Graph>
struct Pass {
  std::string_view name;  ///< The function's own name, verb first ("fold_constants"): no other list may have
                          ///< another function of that name.
  bool (*rewrite)(Graph& graph, typename Graph::NodeId node) = nullptr;
  bool (*sweep)(Graph& graph) = nullptr;
};

/// What one pass did, over all its sweeps.
struct PassRecord {
  std::string_view name;
  std::size_t changes = 0;  ///< Calls that changed the graph.
  double milliseconds = 0;
};

struct PassReport {
  std::vector<PassRecord> passes;  ///< In the list's order, without the disabled ones.
  bool stopped = false;            ///< `stop_after` was reached: later stages should not run either.
};

/// Fails with ErrorCode::usage where the options name a pass that is in none of the lists.
inline void check_pass_names(const PassOptions& options, std::span<const std::string_view> known) {
  const auto check = [&](std::string_view name, const char* flag) {
    if (std::find(known.begin(), known.end(), name) != known.end()) return;
    std::string list;
    for (const std::string_view each : known) list += (list.empty() ? "" : ", ") + std::string(each);
    throw Error(ErrorCode::usage, "no pass is named '" + std::string(name) + "'; there are " + list, flag);
  };
  for (const std::string& name : options.disabled) check(name, "--disable-pass");
  if (!options.stop_after.empty()) check(options.stop_after, "--stop-after");
}

/// Calls the pass once for the whole graph or once for each living node; returns how many calls changed
/// something.
template <class Graph>
std::size_t run_once(Graph& graph, const Pass<Graph>& pass) {
  if (pass.sweep) return pass.sweep(graph) ? 1 : 0;
  std::size_t changes = 0;
  for (const auto node : graph.nodes()) {
    throw_if_interrupted();
    if (graph.is_alive(node) && pass.rewrite(graph, node)) ++changes;
  }
  return changes;
}

/// Runs the passes in order, again and again until none of them changes the graph any more (a fixpoint). A
/// pass that changed nothing isn't run again before another has changed something. `verify(graph, pass's
/// name)` is called, found by the graph's type, after each pass that changed it. A round settles what one
/// node's change allows the nodes behind it, so real graphs take three or four; a change that travels the
/// other way settles a node a round, and so the bound follows the number of nodes. Fails with
/// ErrorCode::internal where passes undo each other and no fixpoint comes, with ErrorCode::interrupted where
/// the user stopped it.
template <class Graph>
PassReport run_passes(Graph& graph, std::span<const Pass<Graph>> passes, const PassOptions& options) {
  const std::size_t most_rounds = 64 + graph.node_count();
  PassReport report;
  std::vector<const Pass<Graph>*> enabled;
  for (const Pass<Graph>& pass : passes) {
    if (std::find(options.disabled.begin(), options.disabled.end(), pass.name) != options.disabled.end())
      continue;
    enabled.push_back(&pass);
    report.passes.push_back({pass.name});
  }
  std::size_t change = 1;  // Number of the graph's state: each change makes a new one.
  std::vector<std::size_t> settled(enabled.size(), 0);  // The last state that the pass left as it was.
  std::string_view last_change;
  for (std::size_t round = 0; round < most_rounds; ++round) {
    const std::size_t before = change;
    for (std::size_t i = 0; i < enabled.size(); ++i) {
      if (settled[i] == change) continue;
      throw_if_interrupted();
      const auto start = std::chrono::steady_clock::now();
      const std::size_t changes = run_once(graph, *enabled[i]);
      if (changes > 0) {
        verify(graph, enabled[i]->name);
        ++change;
        last_change = enabled[i]->name;
      } else {
        settled[i] = change;
      }
      report.passes[i].changes += changes;
      report.passes[i].milliseconds +=
          std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
      if (enabled[i]->name == options.stop_after) {
        report.stopped = true;
        return report;
      }
    }
    if (change == before) return report;
  }
  throw Error(ErrorCode::internal,
              "the passes don't settle; the last change came from " + std::string(last_change));
}

}  // namespace calib8
