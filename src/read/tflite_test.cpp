#include "read/tflite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <random>

#include "base/text.h"
#include "calib8/error.h"
#include "container/tflite_schema_generated.h"
#include "ops/verify.h"
#include "write/tflite.h"

namespace calib8 {
namespace {

using testing::HasSubstr;

/// image int8 -> DEPTHWISE_CONV_2D -> RESHAPE -> FULLY_CONNECTED without bias -> DEQUANTIZE -> logits
TfliteGraph int8_example() {
  TfliteGraph graph;
  const TensorId image = graph.add_value({"image", DType::int8, {1, 2, 2, 2}, per_tensor(0.5f, 3), {}});
  const TensorId filter = graph.add_constant("dw/weight", make_tensor<std::int8_t>({1, 1, 1, 2}, {7, -127}));
  const TensorId bias = graph.add_constant("dw/bias", make_tensor<std::int32_t>({2}, {5, 1 << 20}));
  graph[filter].quantization = Quantization{{0.5f, 0.25f}, {0, 0}, 3};
  graph[bias].quantization = Quantization{{0.25f, 0.125f}, {0, 0}, 0};
  tflite::DepthwiseConv2D depthwise;
  depthwise.padding = tflite::Padding::same;
  depthwise.stride_width = 2;
  depthwise.dilation_height = 3;
  depthwise.activation = tflite::Activation::relu6;
  const TensorId features = graph.emit(depthwise, {image, filter, bias}, "dw", {1, 2, 1, 2}, DType::int8);
  graph[features].quantization = per_tensor(0.1f, -128);
  const TensorId flat = graph.emit(tflite::Reshape{{1, 4}}, {features, graph.add_constant("shape", {1, 4})},
                                   "flat", {1, 4}, DType::int8);
  graph[flat].quantization = per_tensor(0.1f, -128);
  const TensorId weights = graph.add_constant("fc/weight", make_tensor<std::int8_t>({1, 4}, {1, 2, 3, 4}));
  graph[weights].quantization = per_tensor(0.01f, 0);
  const TensorId sum =
      graph.emit(tflite::FullyConnected{}, {flat, weights, TensorId{}}, "fc", {1, 1}, DType::int8);
  graph[sum].quantization = per_tensor(0.3f, 0);
  graph.set_inputs({image});
  graph.set_outputs({graph.emit(tflite::Dequantize{}, {sum}, "logits", {1, 1})});
  graph.input_names = {"the image"};
  graph.output_names = {"the logits"};
  return graph;
}

std::vector<std::uint8_t> bytes_of(const Data& file) {
  const auto* begin = reinterpret_cast<const std::uint8_t*>(file.bytes().data());
  return {begin, begin + file.size()};
}

std::string message_of(const std::function<void()>& run) {
  try {
    run();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::model);
    return error.what();
  }
  return "no error";
}

/// Reads what `change` made of a file; a table's scalar can be changed in place where it is not a default.
std::string message_after(const std::function<void(schema::Model&)>& change) {
  const Data written = serialize_tflite(int8_example());
  std::vector<std::uint8_t> bytes = bytes_of(written);
  change(*flatbuffers::GetMutableRoot<schema::Model>(bytes.data()));
  return message_of([&] { read_tflite(Data::from_vector(bytes), "model.tflite"); });
}

template <class T>
void overwrite(const flatbuffers::Vector<T>* vector, std::size_t index, T value) {
  std::memcpy(const_cast<std::uint8_t*>(vector->Data()) + index * sizeof(T), &value, sizeof(T));
}

void set_operator_code(schema::Model& model, unsigned index, schema::BuiltinOperator code) {
  const auto* table = reinterpret_cast<const flatbuffers::Table*>(model.operator_codes()->Get(index));
  auto* field = const_cast<std::uint8_t*>(table->GetAddressOf(schema::OperatorCode::VT_BUILTIN_CODE));
  std::memcpy(field, &code, sizeof(code));
}

TEST(ReadTflite, RoundTripKeepsEverything) {
  const TfliteGraph graph = int8_example();
  const TfliteGraph back = read_tflite(serialize_tflite(graph), "model.tflite");
  EXPECT_EQ(to_text(back), to_text(graph));
  EXPECT_EQ(back.input_names, graph.input_names);
}

TEST(ReadTflite, NamesBecomeUtf8) {
  TfliteGraph graph = int8_example();
  graph[graph.outputs()[0]].name = "log\xffits";
  graph.input_names = {"the \x80image"};
  const TfliteGraph back = read_tflite(serialize_tflite(graph), "model.tflite");
  EXPECT_EQ(back[back.outputs()[0]].name, valid_utf8("log\xffits"));
  EXPECT_EQ(back.input_names, std::vector<std::string>{valid_utf8("the \x80image")});
  EXPECT_NE(back.input_names, graph.input_names);
}

TEST(ReadTflite, ConstantsAreViewsIntoTheFile) {
  const Data file = serialize_tflite(int8_example());
  const TfliteGraph graph = read_tflite(file, "model.tflite");
  const ByteView weights = graph[graph[graph.nodes()[0]].inputs[1]].constant->bytes();
  EXPECT_GE(weights.data(), file.bytes().data());
  EXPECT_LE(weights.data() + weights.size(), file.bytes().data() + file.size());
}

TEST(ReadTflite, ReadsFromAnyAddress) {
  const Data file = serialize_tflite(int8_example());
  for (const std::size_t shift : {1, 2, 4, 8}) {
    std::vector<std::byte> shifted(shift);
    shifted.insert(shifted.end(), file.bytes().begin(), file.bytes().end());
    const Data moved = Data::from_vector(shifted).part(shift, file.size());
    EXPECT_EQ(to_text(read_tflite(moved, "model.tflite")), to_text(int8_example()));
  }
}

TEST(ReadTflite, ConstantsMayStandBehindTheFlatBuffer) {
  flatbuffers::FlatBufferBuilder builder;
  const float values[] = {1.5f, -2.5f};
  const auto build = [&](std::uint64_t offset) {
    builder.Clear();
    std::vector<flatbuffers::Offset<schema::Tensor>> tensors;
    const std::vector<std::int32_t> shape{2};
    for (const std::uint32_t buffer : {0u, 1u, 0u}) {
      const std::string name(1, static_cast<char>('a' + tensors.size()));
      tensors.push_back(
          schema::CreateTensorDirect(builder, &shape, schema::TensorType::FLOAT32, buffer, name.c_str()));
    }
    const std::vector<std::int32_t> inputs{0}, outputs{2}, operands{0, 1};
    const std::vector operators{schema::CreateOperatorDirect(builder, 0, &operands, &outputs)};
    const std::vector subgraphs{
        schema::CreateSubGraphDirect(builder, &tensors, &inputs, &outputs, &operators)};
    const std::vector codes{schema::CreateOperatorCode(builder, 55, 0, 1, schema::BuiltinOperator::MAXIMUM)};
    const std::vector buffers{schema::CreateBuffer(builder),
                              schema::CreateBuffer(builder, 0, offset, sizeof(values))};
    schema::FinishModelBuffer(builder,
                              schema::CreateModelDirect(builder, 3, &codes, &subgraphs, nullptr, &buffers));
    std::vector<std::uint8_t> bytes(builder.GetBufferPointer(),
                                    builder.GetBufferPointer() + builder.GetSize());
    bytes.resize((bytes.size() + 15) / 16 * 16);
    return bytes;
  };
  const std::size_t offset = build(1'000'000).size();
  std::vector<std::uint8_t> bytes = build(offset);
  bytes.resize(offset + sizeof(values));
  std::memcpy(bytes.data() + offset, values, sizeof(values));
  const TfliteGraph graph = read_tflite(Data::from_vector(bytes), "model.tflite");
  const TensorId constant = graph[graph.nodes()[0]].inputs[1];
  EXPECT_THAT(to_float(graph[constant].as_tensor()), testing::ElementsAre(1.5f, -2.5f));
  EXPECT_EQ(graph.input_names, std::vector<std::string>{"a"});

  bytes.pop_back();
  EXPECT_THAT(message_of([&] { read_tflite(Data::from_vector(bytes), "model.tflite"); }),
              HasSubstr("tensor 'b': its elements lie behind the end of the file"));
}

TEST(ReadTflite, RefusesOtherFiles) {
  const Data text = Data::from_vector(std::vector<char>{'h', 'e', 'l', 'l', 'o', ' ', 'y', 'o', 'u'});
  EXPECT_FALSE(looks_like_tflite(text.bytes()));
  EXPECT_FALSE(looks_like_tflite({}));
  EXPECT_TRUE(looks_like_tflite(serialize_tflite(int8_example()).bytes()));
  EXPECT_THAT(message_of([&] { read_tflite(text, "notes.txt"); }), HasSubstr("notes.txt: not a TFLite file"));
}

TEST(ReadTflite, NamesAllUnknownOperatorsAtOnce) {
  const std::string message = message_after([](schema::Model& model) {
    set_operator_code(model, 0, schema::BuiltinOperator::WHILE);
    set_operator_code(model, 1, static_cast<schema::BuiltinOperator>(999));
  });
  EXPECT_THAT(message, HasSubstr("operators that calib8 does not support: WHILE (1x), operator 999 (1x)"));
}

TEST(ReadTflite, OutlineOfAnyModel) {
  std::vector<std::uint8_t> bytes = bytes_of(serialize_tflite(int8_example()));
  auto& model = *flatbuffers::GetMutableRoot<schema::Model>(bytes.data());
  set_operator_code(model, 0, schema::BuiltinOperator::WHILE);
  EXPECT_THROW(read_tflite(Data::from_vector(bytes), "model.tflite"), Error);
  const TfliteOutline outline = read_tflite_outline(Data::from_vector(bytes), "model.tflite");
  EXPECT_FALSE(outline.is_supported());
  ASSERT_TRUE(outline.operators.contains("WHILE"));
  EXPECT_EQ(outline.operators.at("WHILE").count, 1u);
  EXPECT_FALSE(outline.operators.at("WHILE").is_supported);
  EXPECT_EQ(outline.outputs.size(),
            read_tflite(serialize_tflite(int8_example()), "model.tflite").outputs().size());
  const std::vector<TfliteEndpoint>& inputs = outline.inputs;
  ASSERT_EQ(inputs.size(), 1u);
  EXPECT_EQ(inputs[0].name, "the image");
  EXPECT_EQ(inputs[0].tensor.dtype, DType::int8);
  EXPECT_EQ(inputs[0].tensor.shape, (Shape{1, 2, 2, 2}));
  EXPECT_EQ(inputs[0].tensor.quantization, per_tensor(0.5f, 3));
  const auto change_input = [&](std::int32_t index) {
    overwrite(model.subgraphs()->Get(0)->inputs(), 0, index);
    return message_of([&] { read_tflite_outline(Data::from_vector(bytes), "model.tflite"); });
  };
  EXPECT_THAT(change_input(999), HasSubstr("model.tflite: tensor 999 does not exist"));
  EXPECT_THAT(change_input(-1), HasSubstr("tensor -1 does not exist"));
}

TEST(ReadTflite, RefusesIndicesOutsideOfTheFile) {
  EXPECT_THAT(message_after([](schema::Model& model) {
                overwrite(model.subgraphs()->Get(0)->operators()->Get(0)->inputs(), 0, 77);
              }),
              HasSubstr("tensor 77 does not exist"));
  EXPECT_THAT(
      message_after([](schema::Model& model) { overwrite(model.subgraphs()->Get(0)->outputs(), 0, -1); }),
      HasSubstr("tensor -1 does not exist"));
  EXPECT_THAT(message_after([](schema::Model& model) {
                overwrite(model.subgraphs()->Get(0)->operators()->Get(0)->inputs(), 0,
                          model.subgraphs()->Get(0)->outputs()->Get(0));
              }),
              HasSubstr("before it is written"));
  EXPECT_THAT(message_after([](schema::Model& model) {
                overwrite(model.subgraphs()->Get(0)->operators()->Get(0)->outputs(), 0, 0);
              }),
              HasSubstr("tensor 'image' is written twice"));
}

TEST(ReadTflite, RefusesShapesThatDisagreeWithTheBytes) {
  EXPECT_THAT(message_after([](schema::Model& model) {
                overwrite(model.subgraphs()->Get(0)->tensors()->Get(1)->shape(), 3, 3);
              }),
              HasSubstr("tensor 'dw/weight': the file holds 2 bytes for int8[1, 1, 1, 3]"));
  EXPECT_THAT(message_after([](schema::Model& model) {
                overwrite(model.subgraphs()->Get(0)->tensors()->Get(1)->shape(), 3, -2);
              }),
              HasSubstr("impossible shape"));
}

TEST(ReadTflite, EveryPrefixIsRefused) {
  const Data file = serialize_tflite(int8_example());
  for (std::size_t size = 0; size < file.size(); size += 3) {
    const std::vector<std::byte> prefix(file.bytes().begin(),
                                        file.bytes().begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_NE(message_of([&] { read_tflite(Data::from_vector(prefix), "model.tflite"); }), "no error")
        << size;
  }
}

TEST(ReadTflite, FlippedBitsGiveAnErrorOrAGraph) {
  const std::vector<std::uint8_t> good = bytes_of(serialize_tflite(int8_example()));
  const unsigned seed = std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  int read = 0;
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::uint8_t> bytes = good;
    for (int flips = 1 + static_cast<int>(random() % 3); flips > 0; --flips) {
      bytes[random() % bytes.size()] ^= static_cast<std::uint8_t>(1u << (random() % 8));
    }
    ASSERT_FALSE(message_of([&] { read_tflite_outline(Data::from_vector(bytes), "model.tflite"); }).empty());
    const std::string message = message_of([&] {
      verify(read_tflite(Data::from_vector(bytes), "model.tflite"), "reading");
      ++read;
    });
    ASSERT_FALSE(message.empty());
  }
  EXPECT_GT(read, 0);
}

}  // namespace
}  // namespace calib8
