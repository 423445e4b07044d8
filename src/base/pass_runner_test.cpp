#include "base/pass_runner.h"

#include <gtest/gtest.h>

#include "base/dataflow.h"

namespace calib8 {
namespace {

struct CountedValue {};
struct CountedNode {
  int count = 0;
  std::vector<Id<CountedValue>> inputs, outputs;
};
struct CountedGraph : Dataflow<CountedValue, CountedNode> {
  std::vector<std::string> verified;
};

void verify(CountedGraph& graph, std::string_view stage) {
  graph.verified.emplace_back(stage);
}

bool count_down(CountedGraph& graph, CountedGraph::NodeId node) {
  return graph[node].count > 0 && graph[node].count-- > 0;
}
bool remove_zero(CountedGraph& graph, CountedGraph::NodeId node) {
  if (graph[node].count != 0) return false;
  graph.remove(node);
  return true;
}
bool always(CountedGraph&) {
  return true;
}

constexpr Pass<CountedGraph> passes[] = {{"count_down", count_down}, {"remove_zero", remove_zero}};

CountedGraph graph_of(std::initializer_list<int> counts) {
  CountedGraph graph;
  for (const int count : counts) graph.append({count, {}, {}});
  return graph;
}

TEST(PassRunner, RunsToTheFixpointAndVerifiesAfterEachChange) {
  CountedGraph graph = graph_of({1, 3});
  const PassReport report = run_passes<CountedGraph>(graph, passes, {});
  EXPECT_EQ(graph.node_count(), 0u);
  EXPECT_FALSE(report.stopped);
  ASSERT_EQ(report.passes.size(), 2u);
  EXPECT_EQ(report.passes[0].changes, 4u);
  EXPECT_EQ(report.passes[1].changes, 2u);
  EXPECT_EQ(graph.verified, (std::vector<std::string>{"count_down", "remove_zero", "count_down", "count_down",
                                                      "remove_zero"}));
}

TEST(PassRunner, LeavesOutWhatIsDisabled) {
  CountedGraph graph = graph_of({1, 0});
  const PassReport report = run_passes<CountedGraph>(graph, passes, {.disabled = {"count_down"}});
  EXPECT_EQ(graph.node_count(), 1u);
  EXPECT_EQ(report.passes.size(), 1u);
}

TEST(PassRunner, StopsBehindTheNamedPass) {
  CountedGraph graph = graph_of({2});
  EXPECT_TRUE(run_passes<CountedGraph>(graph, passes, {.stop_after = "count_down"}).stopped);
  EXPECT_EQ(graph[graph.nodes().front()].count, 1);
}

bool remove_last(CountedGraph& graph) {
  if (graph.node_count() == 0) return false;
  graph.remove(graph.nodes().back());
  return true;
}

TEST(PassRunner, TakesAsManyRoundsAsTheGraphHasNodes) {
  CountedGraph graph;
  for (int i = 0; i < 300; ++i) graph.append({});
  const Pass<CountedGraph> slow[] = {{.name = "remove_last", .sweep = remove_last}};
  EXPECT_EQ(run_passes<CountedGraph>(graph, slow, {}).passes[0].changes, 300u);
}

TEST(PassRunner, RunsNoPassTwiceOverAnUnchangedGraph) {
  static int runs = 0;
  CountedGraph graph;
  graph.append({});
  const Pass<CountedGraph> counted[] = {
      {.name = "counted", .sweep = [](CountedGraph&) { return ++runs < 0; }},
      {.name = "remove_last", .sweep = remove_last},
      {.name = "idle", .sweep = [](CountedGraph&) { return false; }}};
  run_passes<CountedGraph>(graph, counted, {});
  EXPECT_EQ(runs, 2);  // at the start, and behind the removal
}

TEST(PassRunner, StopsWhenTheUserWantsTo) {
  const auto run = [] {  // in a process of its own: nobody takes a request back
    CountedGraph graph = graph_of({1});
    request_interrupt();
    EXPECT_THROW(run_passes<CountedGraph>(graph, passes, {}), Error);
    return graph[graph.nodes().front()].count;
  };
  EXPECT_EXIT(std::exit(run() == 1 && !::testing::Test::HasFailure() ? 0 : 1), ::testing::ExitedWithCode(0),
              "");
}

TEST(PassRunner, SaysWhenPassesNeverSettle) {
  CountedGraph graph;
  const Pass<CountedGraph> endless[] = {{.name = "always", .sweep = always}};
  EXPECT_THROW(run_passes<CountedGraph>(graph, endless, {}), Error);
}

TEST(PassRunner, RefusesUnknownNames) {
  const std::string_view known[] = {"count_down", "remove_zero"};
  EXPECT_NO_THROW(check_pass_names({.disabled = {"remove_zero"}, .stop_after = "count_down"}, known));
  EXPECT_THROW(check_pass_names({.disabled = {"removezero"}}, known), Error);
  EXPECT_THROW(check_pass_names({.stop_after = "nothing"}, known), Error);
}

}  // namespace
}  // namespace calib8
