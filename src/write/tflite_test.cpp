#include "write/tflite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <set>

#include "calib8/error.h"
#include "container/tflite_schema_generated.h"

namespace calib8 {
namespace {

using testing::ElementsAre;

/// image -> CONV_2D -> GELU -> ADD with itself -> CONV_2D with weights equal to the first's -> logits
TfliteGraph example() {
  TfliteGraph graph;
  const TensorId image = graph.add_value({"image", DType::int8, {1, 2, 2, 2}, per_tensor(0.5f, 3), {}});
  const auto convolve = [&](TensorId input, const std::string& name) {
    const TensorId weights =
        graph.add_constant(name + "/weight", make_tensor<std::int8_t>({2, 1, 1, 2}, {1, 2, 3, 4}));
    const TensorId bias = graph.add_constant(name + "/bias", make_tensor<std::int32_t>({2}, {5, 6}));
    graph[weights].quantization = Quantization{{0.5f, 0.25f}, {0, 0}, 0};
    graph[bias].quantization = Quantization{{0.25f, 0.125f}, {0, 0}, 0};
    const TensorId output =
        graph.emit(tflite::Conv2D{}, {input, weights, bias}, name, {1, 2, 2, 2}, DType::int8);
    graph[output].quantization = per_tensor(0.5f, 3);
    return output;
  };
  TensorId hidden = convolve(image, "first");
  graph.add_constant("unused", {1, 2, 3});
  hidden = graph.emit(tflite::Gelu{}, {hidden}, "hidden", {1, 2, 2, 2}, DType::int8);
  graph[hidden].quantization = per_tensor(0.5f, 3);
  hidden = graph.emit(tflite::Add{}, {hidden, hidden}, "hidden", {1, 2, 2, 2}, DType::int8);
  graph[hidden].quantization = per_tensor(0.5f, 3);
  const TensorId logits = convolve(hidden, "second");
  graph.set_inputs({image});
  graph.set_outputs({logits});
  graph.input_names = {"image"};
  graph.output_names = {"logits"};
  return graph;
}

const schema::Model& model_of(const Data& file) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(file.bytes().data());
  flatbuffers::Verifier verifier(bytes, file.size());
  if (!schema::VerifyModelBuffer(verifier)) throw std::runtime_error("not a valid FlatBuffer");
  return *schema::GetModel(bytes);
}

std::vector<std::string> tensor_names(const schema::Model& model) {
  std::vector<std::string> names;
  for (const auto* tensor : *model.subgraphs()->Get(0)->tensors()) names.push_back(tensor->name()->str());
  return names;
}

std::string metadata(const schema::Model& model, std::string_view name) {
  for (const auto* entry : *model.metadata()) {
    if (entry->name()->string_view() != name) continue;
    const auto* data = model.buffers()->Get(entry->buffer())->data();
    return {data->begin(), data->end()};
  }
  return "absent";
}

TEST(WriteTflite, NumbersUsedTensorsInOrderAndNamesThemApart) {
  const Data file = serialize_tflite(example());
  EXPECT_THAT(tensor_names(model_of(file)),
              ElementsAre("image", "first/weight", "first/bias", "first", "hidden", "hidden_1",
                          "second/weight", "second/bias", "second"));
}

TEST(WriteTflite, SharesConstantsAndVectors) {
  const Data file = serialize_tflite(example());
  const schema::Model& model = model_of(file);
  const auto& tensors = *model.subgraphs()->Get(0)->tensors();
  EXPECT_EQ(tensors[1]->buffer(), tensors[6]->buffer());
  EXPECT_EQ(tensors[2]->buffer(), tensors[7]->buffer());
  EXPECT_NE(tensors[1]->buffer(), tensors[2]->buffer());
  EXPECT_EQ(model.buffers()->size(), 4u);  // the empty one, weights, bias, metadata
  EXPECT_EQ(tensors[0]->shape(), tensors[8]->shape());
  EXPECT_EQ(tensors[0]->quantization(), tensors[8]->quantization());
  EXPECT_EQ(tensors[1]->quantization()->zero_point(), tensors[2]->quantization()->zero_point());
  EXPECT_NE(tensors[1]->quantization()->scale(), tensors[2]->quantization()->scale());
  const auto& operators = *model.subgraphs()->Get(0)->operators();
  EXPECT_EQ(operators[0]->builtin_options(), operators[3]->builtin_options());
  EXPECT_EQ(operators[0]->opcode_index(), operators[3]->opcode_index());
}

TEST(WriteTflite, AReshapeToAScalarHasNoShapeInput) {
  TfliteGraph graph;
  const TensorId x = graph.add_value({"x", DType::float32, {1}, {}, {}});
  const TensorId shape = graph.add_constant("shape", std::vector<std::int32_t>{});
  graph.set_inputs({x});
  graph.set_outputs({graph.emit(tflite::Reshape{}, {x, shape}, "y", {})});
  const Data file = serialize_tflite(graph);
  EXPECT_EQ(model_of(file).subgraphs()->Get(0)->operators()->Get(0)->inputs()->size(), 1u);
}

TEST(WriteTflite, EmptyBufferIsFirstAndActivationsUseIt) {
  const Data file = serialize_tflite(example());
  const schema::Model& model = model_of(file);
  EXPECT_EQ(model.version(), 3u);
  EXPECT_EQ(model.buffers()->Get(0)->data(), nullptr);
  EXPECT_EQ(model.subgraphs()->Get(0)->tensors()->Get(0)->buffer(), 0u);
  EXPECT_EQ(model.subgraphs()->Get(0)->tensors()->Get(3)->buffer(), 0u);
}

TEST(WriteTflite, AlignsConstantsAndTheFile) {
  const Data file = serialize_tflite(example());
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(file.bytes().data()) % 64, 0u);
  for (const auto* buffer : *model_of(file).buffers()) {
    if (!buffer->data()) continue;
    EXPECT_EQ((reinterpret_cast<std::uintptr_t>(buffer->data()->data())) % 16, 0u);
  }
}

TEST(WriteTflite, WritesCodesAbove127InBothFields) {
  const Data file = serialize_tflite(example());
  const auto& codes = *model_of(file).operator_codes();
  ASSERT_EQ(codes.size(), 3u);
  EXPECT_EQ(codes[0]->builtin_code(), schema::BuiltinOperator::CONV_2D);
  EXPECT_EQ(codes[0]->deprecated_builtin_code(), 3);
  EXPECT_EQ(codes[0]->version(), 3);
  EXPECT_EQ(codes[1]->builtin_code(), schema::BuiltinOperator::GELU);
  EXPECT_EQ(codes[1]->deprecated_builtin_code(), 127);
}

TEST(WriteTflite, SignatureFollowsTheGraph) {
  const Data file = serialize_tflite(example());
  const auto& signature = *model_of(file).signature_defs()->Get(0);
  EXPECT_EQ(signature.signature_key()->str(), "serving_default");
  EXPECT_EQ(signature.inputs()->Get(0)->name()->str(), "image");
  EXPECT_EQ(signature.outputs()->Get(0)->name()->str(), "logits");
  EXPECT_EQ(signature.outputs()->Get(0)->tensor_index(), 8u);
}

TEST(WriteTflite, ExtraOutputsReplaceTheGraphs) {
  const TfliteGraph graph = example();
  const TensorId first = graph[graph.nodes()[0]].outputs[0];
  TfliteFileOptions options;
  options.outputs = {{graph.outputs()[0], "t0"}, {first, "t1"}};
  const Data file = serialize_tflite(graph, options);
  const schema::Model& model = model_of(file);
  const auto& outputs = *model.subgraphs()->Get(0)->outputs();
  ASSERT_EQ(outputs.size(), 2u);
  EXPECT_EQ(outputs[0], 8);
  EXPECT_EQ(outputs[1], 3);
  ASSERT_EQ(model.signature_defs()->Get(0)->outputs()->size(), 2u);
  EXPECT_EQ(model.signature_defs()->Get(0)->outputs()->Get(1)->name()->str(), "t1");

  options.outputs = {{first, "t0"}, {graph.outputs()[0], "t0"}};
  EXPECT_THROW(serialize_tflite(graph, options), Error);
  options.outputs = {{first, "t0"}, {first, "t1"}};
  EXPECT_THROW(serialize_tflite(graph, options), Error);
}

TEST(WriteTflite, MetadataNamesTheRuntime) {
  const Data file = serialize_tflite(example());
  const std::string release = "2.9.0";  // GELU's
  EXPECT_EQ(metadata(model_of(file), "min_runtime_version"),
            release + std::string(16 - release.size(), '\0'));
}

TEST(WriteTflite, SameGraphSameBytes) {
  EXPECT_EQ(sha256(serialize_tflite(example()).bytes()), sha256(serialize_tflite(example()).bytes()));
}

TEST(WriteTflite, FlippedBitInAConstantIsSeen) {
  TfliteGraph graph = example();
  graph[graph[graph.nodes()[0]].inputs[1]].constant = Data::from_vector<std::int8_t>({1, 2, 3, 5});
  EXPECT_EQ(model_of(serialize_tflite(graph)).buffers()->size(), 5u);
}

TEST(WriteTflite, RefusesMoreThanTheFormatHolds) {
  // Pages that are never written cost no memory.
  constexpr std::size_t size = 2'200'000'000;
  void* const pages = mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  const std::shared_ptr<const void> owner(pages, [](void* memory) { munmap(memory, size); });
  const Data constant(owner, {static_cast<const std::byte*>(pages), size});

  TfliteGraph graph;
  const Shape shape{static_cast<std::int64_t>(size)};
  const TensorId x = graph.add_value({"x", DType::int8, shape, per_tensor(1, 0), {}});
  const TensorId y = graph.add_value({"y", DType::int8, shape, per_tensor(1, 0), constant});
  graph.set_inputs({x});
  graph.set_outputs({graph.emit(tflite::Maximum{}, {x, y}, "z", shape, DType::int8)});
  try {
    serialize_tflite(graph);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::model);
    EXPECT_THAT(error.what(), testing::HasSubstr("2.20 GB of constants"));
  }
}

}  // namespace
}  // namespace calib8
