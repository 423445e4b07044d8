#include "report/inspect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "report/table.h"
#include "report/xnnpack_partitions.h"

namespace calib8 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// x -> LOGISTIC -> y, with HARD_SWISH, which XNNPACK does not take in int8, where asked for.
TfliteGraph chain(const std::vector<tflite::Options>& operators) {
  TfliteGraph graph;
  TensorId current = graph.add_value({"x", DType::int8, {1, 4}, per_tensor(0.1f, 0), {}});
  graph.set_inputs({current});
  for (const tflite::Options& options : operators) {
    current = graph.emit(options, {current}, "t" + std::to_string(graph.node_count()), {1, 4}, DType::int8);
    graph[current].quantization = per_tensor(1.0f / 256, -128);
  }
  graph.set_outputs({current});
  graph.input_names = {"image"};
  graph.output_names = {"logits"};
  return graph;
}

TEST(XnnpackPartitions, ChainsAreCutByOtherOperators) {
  const auto partitions =
      predict_xnnpack_partitions(chain({tflite::Logistic{}, tflite::HardSwish{}, tflite::Logistic{}}));
  EXPECT_THAT(partitions.partition_of_operator, ElementsAre(0, -1, 1));
  EXPECT_EQ(partitions.partitions, 2);
  EXPECT_EQ(partitions.delegated_operators, 2);
  EXPECT_EQ(predict_xnnpack_partitions(chain({tflite::Logistic{}, tflite::Logistic{}})).partitions, 1);
  EXPECT_EQ(predict_xnnpack_partitions(chain({tflite::HardSwish{}})).partitions, 0);
}

TEST(XnnpackPartitions, IndependentBranchesDoNotCut) {
  TfliteGraph graph = chain({tflite::Logistic{}, tflite::HardSwish{}});
  // In execution order behind HARD_SWISH, but it reads the input: it belongs to the first partition.
  const TensorId side = graph.emit(tflite::Logistic{}, {graph.inputs()[0]}, "side", {1, 4}, DType::int8);
  graph[side].quantization = per_tensor(1.0f / 256, -128);
  const auto partitions = predict_xnnpack_partitions(graph);
  EXPECT_THAT(partitions.partition_of_operator, ElementsAre(0, -1, 0));
  EXPECT_EQ(partitions.partitions, 1);
}

TEST(InspectTflite, ShowsTheModel) {
  TfliteGraph graph = chain({tflite::Logistic{}, tflite::HardSwish{}});
  const std::string text = inspect_text(graph);
  EXPECT_THAT(text, HasSubstr("TFLite model: 2 operators, 3 tensors, 0 B of constants"));
  EXPECT_THAT(text, HasSubstr("image   int8[1, 4]  scale 0.1, zero point 0"));
  EXPECT_THAT(text, HasSubstr("XNNPACK runs 1 of 2 operators in 1 partition\n"));
  const auto json = inspect_json(graph);
  EXPECT_EQ(json["operator_counts"]["LOGISTIC"], 1);
  EXPECT_EQ(json["operators"][0]["xnnpack_partition"], 0);
  EXPECT_TRUE(json["operators"][1]["xnnpack_partition"].is_null());
  EXPECT_EQ(json["operators"][1]["inputs"][0], 1);
  EXPECT_EQ(json["tensors"][1]["quantization"]["zero_points"][0], -128);
  EXPECT_EQ(json["outputs"][0]["tensor"], 2);
}

TEST(InspectTflite, CountsSharedConstantsOnce) {
  TfliteGraph graph;
  const TensorId x = graph.add_value({"x", DType::float32, {2}, {}, {}});
  const Tensor values = make_tensor<float>({2}, {1, 2});
  const TensorId sum = graph.emit(tflite::Add{}, {x, graph.add_constant("a", values)}, "s", {2});
  graph.set_inputs({x});
  graph.set_outputs({graph.emit(tflite::Add{}, {sum, graph.add_constant("b", values)}, "y", {2})});
  EXPECT_EQ(inspect_json(graph)["constant_bytes"], 8);
}

TEST(InspectOnnx, ShowsTheModel) {
  OnnxGraph graph;
  OnnxType type = static_type(DType::float32, {1, 2});
  type.shape->front() = {-1, "batch"};
  const OnnxValueId x = graph.add_value({"x", type, {}});
  const OnnxValueId weight = graph.add_constant("weight", make_tensor<float>({2, 1}, {1, 2}));
  graph.set_inputs({x});
  graph.set_outputs(
      {graph.emit("Gemm", "/fc", {x, weight}, {{"alpha", 0.5f}, {"mode", std::string("\x1b[31m")}})});
  const std::string text = inspect_text(graph, {});
  EXPECT_THAT(text, HasSubstr("float32[batch, 2]"));
  EXPECT_THAT(text, HasSubstr("weight    float32[2, 1]   8 B"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  const auto json = inspect_json(graph, {});
  EXPECT_EQ(json["nodes"][0]["op"], "Gemm");
  EXPECT_EQ(json["nodes"][0]["attributes"]["alpha"], 0.5);
  EXPECT_EQ(json["inputs"][0]["shape"][0], "batch");
  EXPECT_EQ(json["constant_bytes"], 8);
}

TEST(Table, AlignsColumns) {
  const Table table{{{"name"}, {"count", true}}, {{"a", "7"}, {"gr\xc3\xbc\xc3\x9f", "12345678"}, {"b"}}};
  EXPECT_EQ(to_text(table), "  name     count\n  a            7\n  gr\xc3\xbc\xc3\x9f  12345678\n  b\n");
}

TEST(Table, MakesTextPrintable) {
  EXPECT_EQ(escaped("layer.0/weight"), "layer.0/weight");
  EXPECT_EQ(escaped("\xe5\x8d\xb7"), "\xe5\x8d\xb7");
  EXPECT_EQ(escaped("a\x1b[0m\n"), "a\\x1b[0m\\x0a");
  EXPECT_EQ(escaped("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(escaped("\xc0\xaf"), "\\xc0\\xaf");           // an overlong slash
  EXPECT_EQ(escaped("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(escaped("\xc2\x9b"), "\\xc2\\x9b");           // a control character of terminals
}

TEST(Table, SizesHaveThreeDigits) {
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(999), "999 B");
  EXPECT_EQ(bytes_text(1000), "1.00 kB");
  EXPECT_EQ(bytes_text(5'288'548), "5.29 MB");
  EXPECT_EQ(bytes_text(21'000'000), "21.0 MB");
  EXPECT_EQ(bytes_text(999'900), "1.00 MB");
}

TEST(InspectOnnx, MarksWhatIsNotSupported) {
  OnnxGraph graph;
  const OnnxValueId x = graph.add_value({"x", static_type(DType::float32, {1, 2}), {}});
  graph.set_inputs({x});
  graph.set_outputs({graph.emit("my.ops.Frobnicate", "/odd", {graph.emit("Relu", "/relu", {x}, {})}, {})});
  const std::vector<std::string> refusals = {"Frobnicate '/odd' (node 1) is of the domain 'my.ops'"};
  const std::string text = inspect_text(graph, refusals);
  EXPECT_THAT(text, HasSubstr("can't be converted: Frobnicate '/odd' (node 1)"));
  EXPECT_THAT(text, HasSubstr("my.ops.Frobnicate      1  not supported\n"));
  const auto json = inspect_json(graph, refusals);
  EXPECT_FALSE(json["is_convertible"]);
  EXPECT_TRUE(json["nodes"][0]["is_supported"]);
  EXPECT_FALSE(json["nodes"][1]["is_supported"]);
}

TEST(InspectTflite, OutlinesWhatIsNotSupported) {
  TfliteOutline outline{.subgraphs = 1};
  outline.inputs.push_back({"image", {"image", DType::uint8, {1, 8, 8, 3}, per_tensor(0.5f, 128), {}}});
  outline.operators = {{"CONV_2D", {2, true}}, {"CUSTOM Odd", {1, false}}};
  const std::string text = inspect_text(outline);
  EXPECT_THAT(text, HasSubstr("uint8[1, 8, 8, 3]  scale 0.5, zero point 128"));
  EXPECT_THAT(text, HasSubstr("CUSTOM Odd      1  not supported\n"));
  const auto json = inspect_json(outline);
  EXPECT_EQ(json["unsupported_operators"], nlohmann::ordered_json({"CUSTOM Odd"}));
  EXPECT_EQ(json["operator_counts"]["CONV_2D"], 2);
  EXPECT_FALSE(json["is_convertible"]);
}

}  // namespace
}  // namespace calib8
