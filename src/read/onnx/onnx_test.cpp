#include "read/onnx/onnx.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <random>

#include "base/test_folder.h"
#include "calib8/error.h"
#include "read/onnx/onnx_test_model.h"

namespace calib8 {
namespace {

using namespace onnx_test;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

OnnxGraph read(const Model& model) {
  return read_onnx(data_of(model.bytes()), "m.onnx");
}

/// What reading says; the error's code is checked too.
std::string refusal(const Bytes& bytes, const std::filesystem::path& folder = {}) {
  try {
    read_onnx(data_of(bytes), "m.onnx", folder);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::model);
    return error.what();
  }
  return "(none)";
}
std::string refusal(const Model& model) {
  return refusal(model.bytes());
}

const OnnxNode& node_at(const OnnxGraph& graph, std::size_t position) {
  return graph[graph.nodes().at(position)];
}

/// x -> op -> y
Model around(Node node, std::int64_t opset = 20) {
  Model model;
  model.opset = opset;
  node.inputs.insert(node.inputs.begin(), "x");
  if (node.outputs.empty()) node.outputs = {"y"};
  model.nodes = {std::move(node)};
  model.inputs = {value_info("x", {1, 3, 4, 4})};
  model.outputs = {value_info("y", {1, 3, 4, 4})};
  return model;
}

TEST(ReadOnnx, ReadsNodesTypesAndConstants) {
  Model model = around({"Conv", {"w", "", "unused"}, {}, {{"pads", integers({1, 1, 1, 1})}}, "stem"});
  model.nodes[0].inputs.pop_back();
  model.initializers = {raw_tensor<float>("w", 1, {1, 3, 1, 1}, {1, 2, 3})};
  model.inputs = {value_info("x", {-2, 3, -1, 4})};
  const OnnxGraph graph = read(model);
  ASSERT_EQ(graph.node_count(), 1u);
  const OnnxNode& conv = node_at(graph, 0);
  EXPECT_EQ(conv.op_type, "Conv");
  EXPECT_EQ(conv.name, "stem");
  EXPECT_THAT(conv.get_ints("pads", {}), ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(to_float(*graph.constant_input(conv, 1)), ElementsAre(1, 2, 3));
  EXPECT_FALSE(conv.inputs[2].exists());
  const OnnxType& type = *graph[graph.inputs()[0]].type;
  EXPECT_EQ(*type.shape, (std::vector<Dimension>{{-1, "n"}, {3, {}}, {-1, {}}, {4, {}}}));
  EXPECT_EQ(graph[graph.outputs()[0]].name, "y");
}

TEST(ReadOnnx, ReadsEveryKindOfTensorData) {
  const auto list = [](int data_type, auto fill) {
    Bytes bytes = tensor_head("t", data_type, {2});
    protozero::pbf_builder<proto::Tensor> builder(bytes);
    fill(builder);
    return bytes;
  };
  const auto int32_data = [](std::initializer_list<std::int32_t> values) {
    return [values = std::vector<std::int32_t>(values)](auto& builder) {
      builder.add_packed_int32(proto::Tensor::int32_data, values.begin(), values.end());
    };
  };
  const std::vector<float> floats{1.5f, -2};
  const std::vector<double> doubles{1.5, -2};
  const std::vector<std::int64_t> longs{3, -4};
  const struct {
    Bytes bytes;
    DType dtype;
    std::vector<float> values;
  } cases[] = {
      {list(1, [&](auto& b) { b.add_packed_float(proto::Tensor::float_data, floats.begin(), floats.end()); }),
       DType::float32,
       {1.5f, -2}},
      {list(
           11,
           [&](auto& b) { b.add_packed_double(proto::Tensor::double_data, doubles.begin(), doubles.end()); }),
       DType::float64,
       {1.5f, -2}},
      {list(7, [&](auto& b) { b.add_packed_int64(proto::Tensor::int64_data, longs.begin(), longs.end()); }),
       DType::int64,
       {3, -4}},
      {list(7,
            [&](auto& b) {
              for (const auto value : longs) b.add_int64(proto::Tensor::int64_data, value);
            }),
       DType::int64,
       {3, -4}},
      {list(6, int32_data({3, -4})), DType::int32, {3, -4}},
      {list(3, int32_data({3, -4})), DType::int8, {3, -4}},
      {list(2, int32_data({3, 200})), DType::uint8, {3, 200}},
      {list(5, int32_data({3, -4})), DType::int16, {3, -4}},
      {list(9, int32_data({1, 0})), DType::boolean, {1, 0}},
      {list(10, int32_data({0x3e00, 0xc000})), DType::float16, {1.5f, -2}},
      {list(16, int32_data({0x3fc0, 0xc000})), DType::bfloat16, {1.5f, -2}},
      {raw_tensor<std::uint8_t>("t", 9, {2}, {255, 0}), DType::boolean, {1, 0}},
  };
  for (const auto& each : cases) {
    Model model = around({"Add", {"t"}});
    model.initializers = {each.bytes};
    const OnnxGraph graph = read(model);
    const Tensor& tensor = *graph.constant_input(node_at(graph, 0), 1);
    EXPECT_EQ(tensor.dtype, each.dtype);
    EXPECT_EQ(to_float(tensor), each.values) << name_of(each.dtype);
  }
}

TEST(ReadOnnx, ReadsConstantNodes) {
  const std::pair<std::string, Value> kinds[] = {{"value", tensor_value(raw_tensor<float>("", 1, {1}, {2}))},
                                                 {"value_float", real(2)},
                                                 {"value_floats", reals({2})},
                                                 {"value_int", integer(2)},
                                                 {"value_ints", integers({2})}};
  for (const auto& kind : kinds) {
    Model model = around({"Add", {"two"}});
    model.nodes.push_back({"Constant", {}, {"two"}, {kind}});  // behind its reader: the order doesn't matter
    const OnnxGraph graph = read(model);
    EXPECT_EQ(graph.node_count(), 1u);
    EXPECT_THAT(to_float(*graph.constant_input(node_at(graph, 0), 1)), ElementsAre(2)) << kind.first;
  }
}

TEST(ReadOnnx, TakesInitializersAmongTheInputsAsConstants) {
  Model model = around({"Add", {"w"}});
  model.initializers = {raw_tensor<float>("w", 1, {1}, {1})};
  model.inputs.push_back(value_info("w", {1}));
  EXPECT_EQ(read(model).inputs().size(), 1u);
}

TEST(ReadOnnx, SortsNodes) {
  Model model = around({"Relu", {}, {"a"}});
  model.nodes = {{"Tanh", {"b"}, {"y"}}, {"Relu", {"x"}, {"a"}}, {"Sigmoid", {"a"}, {"b"}}};
  const OnnxGraph graph = read(model);
  EXPECT_EQ(node_at(graph, 0).op_type, "Relu");
  EXPECT_EQ(node_at(graph, 2).op_type, "Tanh");
}

TEST(ReadOnnx, DropsOutputsThatNobodyReads) {
  const OnnxGraph graph = read(around({"Dropout", {}, {"y", "mask"}}));
  EXPECT_EQ(node_at(graph, 0).outputs.size(), 1u);
}

TEST(ReadOnnx, RefusesContradictions) {
  Model cycle = around({"Add", {"b"}});
  cycle.nodes.push_back({"Relu", {"y"}, {"b"}});
  EXPECT_THAT(refusal(cycle), HasSubstr("Add (node 0) depends on its own output"));

  EXPECT_THAT(refusal(around({"Add", {"nothing"}})), HasSubstr("reads 'nothing', which nothing computes"));

  Model twice = around({"Relu"});
  twice.nodes.push_back(twice.nodes[0]);
  EXPECT_THAT(refusal(twice), HasSubstr("'y' is defined twice"));

  Model onto_itself = around({"Relu"});
  onto_itself.nodes.push_back({"Identity", {"x"}, {"x"}});
  EXPECT_THAT(refusal(onto_itself), HasSubstr("output 'x' is the input 'x' under the same name"));

  Model lost = around({"Relu"});
  lost.outputs = {value_info("z", {1})};
  EXPECT_THAT(refusal(lost), HasSubstr("output 'z' is never computed"));

  Model repeated = around({"Relu"});
  repeated.outputs.push_back(repeated.outputs[0]);
  EXPECT_THAT(refusal(repeated), HasSubstr("listed twice"));

  Model old = around({"Relu"}, 6);
  EXPECT_THAT(refusal(old), HasSubstr("uses opset 6; calib8 reads 7 to 25"));
  EXPECT_THAT(refusal(around({"Relu"}, 26)), HasSubstr("opset 26"));
}

TEST(ReadOnnx, NamesAllThatIsNotSupportedAtOnce) {
  Model model = around({"Scan", {}, {"a"}, {{"body", subgraph()}}, "each"});
  model.nodes.push_back({"Attention", {"a"}, {"b"}, {}, "fused", "com.microsoft"});
  model.nodes.push_back({"NoSuchOperator", {"b"}, {"c"}});
  model.nodes.push_back({"NoSuchOperator", {"c"}, {"y"}});
  model.initializers = {tensor_head("words", 8, {1})};
  model.sparse = true;
  EXPECT_THAT(refusal(model),
              AllOf(HasSubstr("m.onnx: not supported: "), HasSubstr("Scan 'each' (node 0) runs a subgraph"),
                    HasSubstr("Attention 'fused' (node 1) is of the domain 'com.microsoft'"),
                    HasSubstr("NoSuchOperator (node 2) is an unknown operator (2 times)"),
                    HasSubstr("initializer 'words' holds strings"), HasSubstr("sparse initializers")));
}

TEST(ReadOnnx, RefusesTrainingMode) {
  Model model = around({"BatchNormalization", {"p", "p", "p", "p"}, {}, {{"training_mode", integer(1)}}});
  model.initializers = {raw_tensor<float>("p", 1, {3}, {1, 1, 1})};
  EXPECT_THAT(refusal(model), HasSubstr("model.eval()"));
}

TEST(ReadOnnx, RefusesTensorsThatLie) {
  const auto with = [](Bytes initializer) {
    Model model = around({"Add", {"w"}});
    model.initializers = {std::move(initializer)};
    return model;
  };
  EXPECT_THAT(refusal(with(raw_tensor<float>("w", 1, {4}, {1, 2, 3}))), HasSubstr("has 12 bytes of data"));
  EXPECT_THAT(refusal(with(raw_tensor<float>("w", 1, {1 << 30, 1 << 30, 1 << 30}, {1}))),
              HasSubstr("impossible"));
  EXPECT_THAT(refusal(with(raw_tensor<float>("w", 1, {-1}, {1}))), HasSubstr("impossible"));
  EXPECT_THAT(refusal(with(tensor_head("w", 1, {1000000000}))), HasSubstr("has 0 bytes"));
  EXPECT_THAT(refusal(with(external_tensor("w", {1}, {{"location", "w.bin"}}))), HasSubstr("no folder"));
}

TEST(ReadOnnx, RefusesMoreDimensionsThanAnyTensorHas) {
  Model model = around({"Relu"});
  model.inputs = {value_info("x", std::vector<std::int64_t>(65, 1))};
  EXPECT_THAT(refusal(model), HasSubstr("has 65 dimensions"));
  model = around({"Relu"});
  model.initializers = {raw_tensor<float>("w", 1, std::vector<std::int64_t>(100000, 1), {1})};
  EXPECT_THAT(refusal(model), AllOf(HasSubstr("has 100000 dimensions"), testing::SizeIs(testing::Lt(200))));
}

TEST(ReadOnnx, RefusesNamesThatAreNoText) {
  for (const std::string& name : {std::string("a\nb"), std::string("\xff"), std::string(5000, 'a')}) {
    Model model = around({"Relu", {}, {name}});
    model.outputs = {value_info(name, {1})};
    EXPECT_THAT(refusal(model), HasSubstr("is damaged: it holds the name"));
  }
}

TEST(ReadOnnx, RefusesEveryTruncation) {
  Model model = around({"Conv", {"w"}, {}, {{"pads", integers({1, 1, 1, 1})}}});
  model.initializers = {raw_tensor<float>("w", 1, {1, 3, 1, 1}, {1, 2, 3})};
  const Bytes bytes = model.bytes();
  EXPECT_EQ(refusal(bytes), "(none)");
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_NE(refusal(bytes.substr(0, size)), "(none)") << size;
  }
}

TEST(ReadOnnx, SurvivesDamage) {
  Model model = around({"Conv", {"w"}, {"a"}, {{"pads", integers({1, 1, 1, 1})}}});
  model.nodes.push_back({"Clip", {"a"}, {"y"}, {{"max", real(6)}}});
  model.initializers = {raw_tensor<float>("w", 1, {1, 3, 1, 1}, {1, 2, 3})};
  model.opset = 9;
  const Bytes bytes = model.bytes();
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 3000; ++round) {
    Bytes damaged = bytes;
    for (int flips = 0; flips < 3; ++flips)
      damaged[random() % damaged.size()] ^= static_cast<char>(1 << random() % 8);
    refusal(damaged);  // any answer but a crash
  }
}

TEST(LooksLikeOnnx, TellsItFromOtherFiles) {
  const Bytes model = around({"Relu"}).bytes();
  const auto looks = [](const Bytes& bytes) { return looks_like_onnx(std::as_bytes(std::span(bytes))); };
  EXPECT_TRUE(looks(model));
  EXPECT_TRUE(looks(model.substr(0, 20))) << "cut off, but ONNX";
  EXPECT_FALSE(looks("PK\3\4 a zip file, as torch writes them"));
  EXPECT_FALSE(looks(Bytes("\x80\2}q\1(X\3\0\0\0", 12)));
  EXPECT_FALSE(looks(Bytes("\x1c\0\0\0TFL3\x14\0\x20\0", 12)));
  EXPECT_FALSE(looks(""));
}

class ExternalData : public testing::Test {
 protected:
  void SetUp() override {
    const float values[] = {1, 2, 3, 4};
    std::ofstream(folder_ / "w.bin", std::ios::binary)
        .write(reinterpret_cast<const char*>(values), sizeof values);
  }
  static Bytes model_with(std::vector<std::pair<std::string, std::string>> entries) {
    Model model = around({"Add", {"w"}});
    model.initializers = {external_tensor("w", {2}, std::move(entries))};
    return model.bytes();
  }
  test::TemporaryFolder temporary_;
  std::filesystem::path folder_ = temporary_.path();
};

TEST_F(ExternalData, IsReadFromTheModelsFolder) {
  const Bytes bytes = model_with({{"location", "w.bin"}, {"offset", "4"}, {"length", "8"}});
  std::ofstream(folder_ / "m.onnx", std::ios::binary) << bytes;
  const OnnxGraph graph = read_onnx(folder_ / "m.onnx");
  EXPECT_THAT(to_float(*graph.constant_input(node_at(graph, 0), 1)), ElementsAre(2, 3));
}

TEST_F(ExternalData, StaysWithinItsFileAndFolder) {
  const auto said = [&](std::vector<std::pair<std::string, std::string>> entries) {
    return refusal(model_with(std::move(entries)), folder_);
  };
  EXPECT_EQ(said({{"location", "w.bin"}}), "(none)");
  EXPECT_THAT(said({{"location", "w.bin"}, {"offset", "12"}}), HasSubstr("ends behind the end of 'w.bin'"));
  EXPECT_THAT(said({{"location", "w.bin"}, {"offset", "18446744073709551615"}}), HasSubstr("ends behind"));
  EXPECT_THAT(said({{"location", "w.bin"}, {"offset", "-4"}}), HasSubstr("no valid offset"));
  EXPECT_THAT(said({{"location", "w.bin"}, {"length", "4"}}),
              HasSubstr("has 4 bytes, its dimensions need 8"));
  EXPECT_THAT(said({{"location", "../w.bin"}}), HasSubstr("leads out of the model's folder"));
  EXPECT_THAT(said({{"location", "/etc/passwd"}}), HasSubstr("absolute"));
  EXPECT_THAT(said({}), HasSubstr("no location"));
}

}  // namespace
}  // namespace calib8
