#include "base/dataflow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "calib8/error.h"

namespace calib8 {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

struct AnyValue {};
struct AnyNode {
  std::vector<Id<AnyValue>> inputs, outputs;
};
using AnyGraph = Dataflow<AnyValue, AnyNode>;

struct Chain {
  AnyGraph graph;
  Id<AnyValue> x = graph.add_value({}), y = graph.add_value({}), z = graph.add_value({});
  Id<AnyNode> first = graph.append({{x, {}, x}, {y}});
  Id<AnyNode> second = graph.append({{x, y}, {z}});
  Chain() {
    graph.set_inputs({x});
    graph.set_outputs({z, y, z});
  }
};

TEST(Dataflow, KnowsWhoReadsWhatThroughEveryChange) {
  Chain chain;
  AnyGraph& graph = chain.graph;
  EXPECT_THAT(graph.users(chain.x), UnorderedElementsAre(chain.first, chain.first, chain.second));
  graph.set_input(chain.first, 0, chain.x);
  graph.set_inputs_of(chain.second, {chain.y, chain.x, chain.y});
  EXPECT_THAT(graph.users(chain.y), ElementsAre(chain.second, chain.second));

  const Id<AnyValue> other = graph.add_value({});
  graph.replace_uses(chain.x, other);
  EXPECT_THAT(graph.users(chain.x), IsEmpty());
  EXPECT_THAT(graph.users(other), UnorderedElementsAre(chain.first, chain.first, chain.second));
  EXPECT_THAT(graph[chain.first].inputs, ElementsAre(other, Id<AnyValue>{}, other));
  EXPECT_THAT(graph[chain.second].inputs, ElementsAre(chain.y, other, chain.y));

  graph.remove(chain.second);
  EXPECT_THAT(graph.users(other), ElementsAre(chain.first, chain.first));
  EXPECT_THAT(graph.users(chain.y), IsEmpty());
  EXPECT_FALSE(graph.producer(chain.z).exists());
}

TEST(Dataflow, KnowsItsInputsAndOutputs) {
  Chain chain;
  AnyGraph& graph = chain.graph;
  EXPECT_TRUE(graph.is_input(chain.x) && graph.is_output(chain.y) && graph.is_output(chain.z));
  EXPECT_FALSE(graph.is_output(chain.x) || graph.is_input(chain.y));
  const Id<AnyValue> other = graph.add_value({});
  graph.replace_uses(chain.z, other);
  EXPECT_THAT(graph.outputs(), ElementsAre(other, chain.y, other));
  EXPECT_TRUE(graph.is_output(other) && !graph.is_output(chain.z));
  graph.set_outputs({chain.z});
  graph.set_inputs({});
  EXPECT_TRUE(graph.is_output(chain.z));
  EXPECT_FALSE(graph.is_output(other) || graph.is_output(chain.y) || graph.is_input(chain.x));
}

TEST(Dataflow, FailsWhereItIsMisusedInAllBuilds) {
  Chain chain;
  AnyGraph& graph = chain.graph;
  const Id<AnyValue> nothing, beyond{17};
  graph.remove(graph.append({{chain.x}, {}}));
  const Id<AnyNode> removed{2};
  const std::function<void()> misuses[] = {
      [&] { graph[nothing]; },
      [&] { graph.producer(beyond); },
      [&] { graph.users(beyond); },
      [&] { graph[removed]; },
      [&] { graph.remove(removed); },
      [&] { graph.set_outputs({beyond}); },
      [&] {
        graph.append(AnyNode{{}, {chain.y}});
      },
      [&] { graph.set_output(chain.first, 0, chain.z); },
  };
  for (std::size_t i = 0; i < std::size(misuses); ++i) EXPECT_THROW(misuses[i](), Error) << i;
}

// Each of these is quadratic where a list is searched: minutes at this size.
TEST(Dataflow, TakesAnyNumberOfReadersAndOutputs) {
  constexpr std::size_t many = 300000;
  AnyGraph graph;
  const Id<AnyValue> x = graph.add_value({}), y = graph.add_value({});
  std::vector<Id<AnyValue>> outputs;
  std::vector<Id<AnyNode>> readers;
  for (std::size_t i = 0; i < many; ++i) {
    outputs.push_back(graph.add_value({}));
    readers.push_back(graph.append({{x}, {outputs.back()}}));
  }
  graph.set_outputs(outputs);
  for (std::size_t i = 0; i < many; ++i) {
    ASSERT_TRUE(graph.is_output(outputs[i]));
    graph.set_input(readers[i], 0, y);
    graph.replace_uses(outputs[i], x);
  }
  graph.append({std::vector<Id<AnyValue>>(many, y), {}});
  graph.replace_uses(y, x);
  EXPECT_EQ(graph.users(x).size(), 2 * many);
  for (const Id<AnyNode> node : graph.nodes()) graph.remove(node);
  EXPECT_THAT(graph.users(x), IsEmpty());
}

}  // namespace
}  // namespace calib8
