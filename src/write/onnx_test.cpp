#include "write/onnx.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <protozero/pbf_message.hpp>

#include "calib8/error.h"
#include "container/protobuf_onnx.h"

namespace calib8 {
namespace {

namespace proto = onnx_proto;
using testing::ElementsAre;

OnnxGraph small_graph() {
  OnnxGraph graph;
  graph.name = "small";
  const OnnxValueId x = graph.add_value(
      {"image", OnnxType{DType::float32, std::vector<Dimension>{{-1, "batch"}, {3, {}}, {-1, {}}}},
       std::nullopt});
  graph.set_inputs({x});
  graph.add_constant("unused", make_tensor<float>({1}, {9}));
  const OnnxValueId w = graph.add_constant("w", make_tensor<float>({3, 1}, {1, 2, 3}));
  const OnnxValueId y = graph.emit("Op", "y", {w, OnnxValueId{}, x, w},
                                   {{"f", 1.5f},
                                    {"i", std::int64_t{-1}},
                                    {"is", std::vector<std::int64_t>{1, 2}},
                                    {"s", std::string("text")},
                                    {"t", make_tensor<std::int64_t>({1}, {7})}});
  graph[y].type = OnnxType{DType::float32, std::nullopt};
  graph.set_outputs({y});
  return graph;
}

std::string bytes_of(const OnnxGraph& graph) {
  std::string bytes;
  write_onnx(graph,
             [&](ByteView part) { bytes.append(reinterpret_cast<const char*>(part.data()), part.size()); });
  return bytes;
}

/// All values of a field: varints as their number, all else as bytes.
template <class Field>
std::vector<std::string> all(const std::string& message, Field field) {
  std::vector<std::string> values;
  protozero::pbf_message<Field> reader(message);
  while (reader.next()) {
    if (reader.tag() != field) {
      reader.skip();
    } else if (reader.wire_type() == protozero::pbf_wire_type::varint) {
      values.push_back(std::to_string(reader.get_int64()));
    } else if (reader.wire_type() == protozero::pbf_wire_type::fixed32) {
      values.push_back(std::to_string(reader.get_float()));
    } else {
      values.push_back(reader.get_string());
    }
  }
  return values;
}

TEST(WriteOnnx, WritesTheModel) {
  const std::string model = bytes_of(small_graph());
  EXPECT_THAT(all(model, proto::Model::ir_version), ElementsAre("9"));
  EXPECT_THAT(all(model, proto::Model::producer_name), ElementsAre("calib8"));
  const auto opsets = all(model, proto::Model::opset_import);
  ASSERT_EQ(opsets.size(), 1u);
  EXPECT_THAT(all(opsets[0], proto::OperatorSet::version), ElementsAre("20"));
}

TEST(WriteOnnx, WritesUsedConstantsOnce) {
  const std::string graph = all(bytes_of(small_graph()), proto::Model::graph).at(0);
  EXPECT_THAT(all(graph, proto::Graph::name), ElementsAre("small"));
  const auto initializers = all(graph, proto::Graph::initializer);
  ASSERT_EQ(initializers.size(), 1u);
  EXPECT_THAT(all(initializers[0], proto::Tensor::name), ElementsAre("w"));
  EXPECT_THAT(all(initializers[0], proto::Tensor::dims), ElementsAre("3", "1"));
  EXPECT_THAT(all(initializers[0], proto::Tensor::data_type), ElementsAre("1"));
  const float values[] = {1, 2, 3};
  EXPECT_THAT(all(initializers[0], proto::Tensor::raw_data),
              ElementsAre(std::string(reinterpret_cast<const char*>(values), sizeof values)));
}

TEST(WriteOnnx, WritesNodesWithTheirAttributes) {
  const std::string graph = all(bytes_of(small_graph()), proto::Model::graph).at(0);
  const std::string node = all(graph, proto::Graph::node).at(0);
  EXPECT_THAT(all(node, proto::Node::input), ElementsAre("w", "", "image", "w"));
  EXPECT_THAT(all(node, proto::Node::output), ElementsAre("y"));
  EXPECT_THAT(all(node, proto::Node::op_type), ElementsAre("Op"));
  const auto attributes = all(node, proto::Node::attribute);
  ASSERT_EQ(attributes.size(), 5u);
  EXPECT_THAT(all(attributes[0], proto::Attribute::float_value), ElementsAre("1.500000"));
  EXPECT_THAT(all(attributes[1], proto::Attribute::int_value), ElementsAre("-1"));
  EXPECT_THAT(all(attributes[2], proto::Attribute::ints), ElementsAre("1", "2"));
  EXPECT_THAT(all(attributes[3], proto::Attribute::string_value), ElementsAre("text"));
  const std::string tensor = all(attributes[4], proto::Attribute::tensor_value).at(0);
  EXPECT_THAT(all(tensor, proto::Tensor::raw_data), ElementsAre(std::string("\7\0\0\0\0\0\0\0", 8)));
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_THAT(all(attributes[i], proto::Attribute::type),
                ElementsAre(std::vector{"1", "2", "7", "3", "4"}[i]));
  }
}

TEST(WriteOnnx, WritesKnownSymbolicAndOpenDimensions) {
  const std::string graph = all(bytes_of(small_graph()), proto::Model::graph).at(0);
  const auto tensor_type = [&](proto::Graph field) {
    const std::string type = all(all(graph, field).at(0), proto::ValueInfo::type).at(0);
    return all(type, proto::Type::tensor_type).at(0);
  };
  const std::string shape = all(tensor_type(proto::Graph::input), proto::TensorType::shape).at(0);
  const auto dimensions = all(shape, proto::TensorShape::dimension);
  ASSERT_EQ(dimensions.size(), 3u);
  EXPECT_THAT(all(dimensions[0], proto::Dimension::symbol), ElementsAre("batch"));
  EXPECT_THAT(all(dimensions[1], proto::Dimension::size), ElementsAre("3"));
  EXPECT_EQ(dimensions[2], "");
  EXPECT_THAT(all(tensor_type(proto::Graph::output), proto::TensorType::shape), ElementsAre());
}

TEST(WriteOnnx, WritesEachNameOnce) {
  OnnxGraph graph = small_graph();
  const OnnxValueId output = graph.outputs()[0];
  for (const char* name : {"first", "second"}) {
    graph.append({"Op", "y", {output}, {graph.add_value({name, std::nullopt, std::nullopt})}, {}});
  }
  const std::string message = all(bytes_of(graph), proto::Model::graph).at(0);
  std::vector<std::string> names;
  for (const std::string& node : all(message, proto::Graph::node))
    names.push_back(all(node, proto::Node::name).at(0));
  EXPECT_THAT(names, ElementsAre("y", "y_1", "y_2"));
}

TEST(WriteOnnx, GivesTheSameBytesTwice) {
  EXPECT_EQ(bytes_of(small_graph()), bytes_of(small_graph()));
}

TEST(WriteOnnx, PassesConstantsOnWithoutACopy) {
  const OnnxGraph graph = small_graph();
  const std::byte* constant = nullptr;
  for (std::size_t i = 0; i < graph.value_count(); ++i) {
    const OnnxValue& value = graph[graph.value_at(i)];
    if (value.name == "w") constant = value.constant->data.bytes().data();
  }
  bool seen = false;
  write_onnx(graph, [&](ByteView part) { seen = seen || part.data() == constant; });
  EXPECT_TRUE(seen);
}

TEST(WriteOnnx, RefusesWhatProtobufCannotHold) {
  OnnxGraph graph = small_graph();
  static std::byte first{};
  // No byte of this is read: it only says that it is large.
  const Tensor large{DType::uint8, {3'000'000'000}, Data(nullptr, ByteView(&first, 3'000'000'000))};
  graph.set_outputs({graph.outputs()[0], graph.add_constant("large", large)});
  bool written = false;
  try {
    write_onnx(graph, [&](ByteView) { written = true; });
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::model);
    EXPECT_THAT(error.what(), testing::HasSubstr("2 GB"));
  }
  EXPECT_FALSE(written);
}

TEST(WriteOnnx, NeedsTypesOfInputsAndOutputs) {
  OnnxGraph graph = small_graph();
  graph[graph.outputs()[0]].type.reset();
  EXPECT_THROW(bytes_of(graph), Error);
}

}  // namespace
}  // namespace calib8
