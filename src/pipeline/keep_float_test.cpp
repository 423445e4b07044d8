#include "pipeline/keep_float.h"

#include <gtest/gtest.h>

#include <set>

#include "calib8/error.h"
#include "optimize/targets/targets.h"

namespace calib8 {
namespace {

TEST(KeepFloat, PatternsMatchNames) {
  for (const auto& [pattern, name] : std::initializer_list<std::pair<const char*, const char*>>{
           {"head", "head"},
           {"*", ""},
           {"*", "a"},
           {"head*", "head"},
           {"head*", "head.conv"},
           {"*.conv", "head.conv"},
           {"h?ad", "head"},
           {"*a*b*", "xaxxbx"},
           {"*ab", "aab"},
           {"a**b", "ab"},
           {"model.*.cv2.*.weight", "model.22.cv2.0.1.weight"}})
    EXPECT_TRUE(matches(pattern, name)) << pattern << " " << name;
  for (const auto& [pattern, name] :
       std::initializer_list<std::pair<const char*, const char*>>{{"head", "header"},
                                                                  {"head", "a.head"},
                                                                  {"", "a"},
                                                                  {"?", ""},
                                                                  {"h?d", "head"},
                                                                  {"*ab", "aba"},
                                                                  {"a*b*c", "ab"},
                                                                  {"Head", "head"}})
    EXPECT_FALSE(matches(pattern, name)) << pattern << " " << name;
}

/// x -> RELU "body.relu" -> FULLY_CONNECTED "head", of "head.weight".
struct TwoLayers {
  TfliteGraph graph;
  OperatorId body, head;

  TwoLayers() {
    const TensorId x = graph.add_value({"x", DType::float32, {1, 2}, std::nullopt, std::nullopt});
    graph.set_inputs({x});
    const TensorId a = graph.emit(tflite::Relu{}, {x}, "body.relu", {1, 2});
    const TensorId w = graph.add_constant("head.weight", make_tensor(Shape{1, 2}, std::vector{1.0f, 2.0f}));
    const TensorId y = graph.emit(tflite::FullyConnected{}, {a, w, {}}, "head", {1, 1});
    graph.set_outputs({y});
    body = graph.producer(a), head = graph.producer(y);
  }
  std::map<OperatorId, std::string> kept(const std::vector<std::string>& patterns) const {
    return operators_to_keep(graph, litert_cpu(), patterns);
  }
};

TEST(KeepFloat, NamesOperatorsByWhatTheyWriteAndByTheirWeights) {
  const TwoLayers layers;
  EXPECT_TRUE(layers.kept({}).empty());
  for (const char* pattern : {"head", "head.w*", "he*"}) {
    const auto kept = layers.kept({pattern});
    ASSERT_EQ(kept.size(), 1u) << pattern;
    EXPECT_TRUE(kept.contains(layers.head));
    EXPECT_NE(kept.at(layers.head).find(pattern), std::string::npos) << "the reason says which pattern";
  }
  EXPECT_EQ(layers.kept({"body*", "head"}).size(), 2u);
}

TEST(KeepFloat, TakesNamesAsOnnxHasThem) {
  TfliteGraph graph;
  const TensorId x = graph.add_value({"x", DType::float32, {1, 2}, std::nullopt, std::nullopt});
  const TensorId w =
      graph.add_constant("net.3.conv.weight", make_tensor(Shape{1, 2}, std::vector{1.0f, 2.0f}));
  const TensorId fused = graph.emit(tflite::FullyConnected{}, {x, w, {}}, "net.3.act", {1, 1});
  const TensorId sum = graph.emit(tflite::Add{}, {fused, fused}, "net.3/Add_1", {1, 1});
  const TensorId y = graph.emit(tflite::Add{}, {sum, sum}, "net.30", {1, 1});
  graph.set_outputs({y});
  const auto kept = [&](const std::string& pattern) {
    std::set<TensorId> outputs;
    for (const auto& [id, reason] : operators_to_keep(graph, litert_cpu(), {pattern}))
      outputs.insert(graph[id].outputs[0]);
    return outputs;
  };
  EXPECT_EQ(kept("/net/net.3/conv/Conv"), std::set{fused}) << "a node's name, fused with what is behind it";
  EXPECT_EQ(kept("/net/net.3/act/Relu"), std::set{fused});
  EXPECT_EQ(kept("/net/net.3/act/Relu_output_0"), std::set{fused}) << "a tensor's name";
  EXPECT_EQ(kept("/net/net.3/Add_1"), std::set{sum});
  EXPECT_EQ(kept("/net/net.3/*"), (std::set{fused, sum})) << "and not net.30";
  EXPECT_EQ(kept("/net/net.30/Add"), std::set{y});
}

TEST(KeepFloat, RefusesAPatternThatNamesNothing) {
  const TwoLayers layers;
  try {
    layers.kept({"head", "tail"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    EXPECT_NE(error.message().find("'tail'"), std::string::npos);
    EXPECT_EQ(error.where(), "--keep-float");
  }
}

}  // namespace
}  // namespace calib8
