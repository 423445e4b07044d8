#include "write/constant_block.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "container/tflite_schema_generated.h"

namespace calib8 {
namespace {

/// y = x + many, z = y * few: a constant of some size, a small one, and one that equals the first.
TfliteGraph example() {
  TfliteGraph graph;
  const Shape shape = {1, 100};
  const TensorId x = graph.add_value({"x", DType::float32, shape, std::nullopt, std::nullopt});
  graph.set_inputs({x});
  std::vector<float> many(100);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = static_cast<float>(i);
  const TensorId a = graph.add_constant("a", make_tensor<float>({1, 100}, many));
  const TensorId b = graph.add_constant("b", make_tensor<float>({1}, {3}));
  const TensorId c = graph.add_constant("c", make_tensor<float>({1, 100}, many));
  const TensorId y = graph.emit(tflite::Add{}, {x, a}, "y", shape);
  const TensorId z = graph.emit(tflite::Mul{}, {y, b}, "z", shape);
  graph.set_outputs({graph.emit(tflite::Sub{}, {z, c}, "result", shape)});
  graph.input_names = {"x"};
  graph.output_names = {"result"};
  return graph;
}

std::vector<float> constant(const TfliteGraph& graph, std::string_view name) {
  for (std::size_t i = 0; i < graph.value_count(); ++i) {
    const TfliteTensor& tensor = graph[graph.value_at(i)];
    if (tensor.name == name) return to_float(tensor.as_tensor());
  }
  ADD_FAILURE() << "no constant " << name;
  return {};
}

TEST(ConstantBlock, KeepsConstantsAndSharesEqualOnes) {
  const TfliteGraph before = example();
  TfliteGraph graph = example();
  const ConstantBlock block(graph);
  for (const char* name : {"a", "b", "c"}) EXPECT_EQ(constant(graph, name), constant(before, name));
  EXPECT_EQ(to_text(graph), to_text(before));
  EXPECT_EQ(graph[graph.value_at(1)].constant->bytes().data(),
            graph[graph.value_at(3)].constant->bytes().data());
  EXPECT_NEAR(static_cast<double>(block.file_size()), static_cast<double>(serialize_tflite(graph).size()),
              200);
}

/// The parts of a file, one behind the other.
std::vector<std::byte> bytes_of(const SharedFile& file) {
  std::vector<std::byte> bytes;
  for (const SharedFile::Part& part : file.parts) {
    const auto part_bytes = part.memory->bytes();
    bytes.insert(bytes.end(), part_bytes.begin(),
                 part_bytes.begin() + static_cast<std::ptrdiff_t>(part.size));
  }
  return bytes;
}

/// The constants of a .tflite file by their tensors' names, as LiteRT finds them.
std::map<std::string, std::vector<float>> constants_of(const SharedFile& file) {
  const std::vector<std::byte> bytes = bytes_of(file);
  const schema::Model* const model = schema::GetModel(bytes.data());
  std::map<std::string, std::vector<float>> constants;
  for (const schema::Tensor* tensor : *model->subgraphs()->Get(0)->tensors()) {
    const schema::Buffer* const buffer = model->buffers()->Get(tensor->buffer());
    const std::byte* data =
        buffer->data() ? reinterpret_cast<const std::byte*>(buffer->data()->data()) : nullptr;
    std::size_t size = buffer->data() ? buffer->data()->size() : 0;
    if (buffer->offset() > 1) {
      data = bytes.data() + buffer->offset();
      size = buffer->size();
      EXPECT_LE(buffer->offset() + size, bytes.size());
    }
    if (size == 0) continue;
    std::vector<float>& values = constants[tensor->name()->str()];
    values.resize(size / sizeof(float));
    std::memcpy(values.data(), data, size);
  }
  return constants;
}

TEST(ConstantBlock, HasManyFilesAtATime) {
  TfliteGraph graph = example();
  const ConstantBlock block(graph);
  const SharedFile first = block.file_of(graph);
  TfliteFileOptions options;
  options.outputs = {{graph.outputs()[0], "a very long name of an output " + std::string(10000, 'x')}};
  const SharedFile second = block.file_of(graph, options);
  EXPECT_EQ(first.parts.back().memory, second.parts.back().memory) << "one copy of the constants";
  EXPECT_NE(first.parts.front().size, second.parts.front().size);
  for (const SharedFile& file : {first, second}) {
    const auto constants = constants_of(file);
    for (const char* name : {"a", "b", "c"}) EXPECT_EQ(constants.at(name), constant(graph, name));
  }
}

TEST(ConstantBlock, WritesOtherConstantsAmongTheTables) {
  TfliteGraph graph = example();
  const ConstantBlock block(graph);
  TfliteGraph larger = graph;
  const std::vector<float> values(std::size_t{1} << 20, 2.0f);
  const TensorId added = larger.add_constant("d", make_tensor<float>({1 << 20}, values));
  larger.set_outputs({larger.emit(tflite::Add{}, {larger.outputs()[0], added}, "sum", {1, 1 << 20})});
  const auto constants = constants_of(block.file_of(larger));
  EXPECT_EQ(constants.at("d"), values);
  EXPECT_EQ(constants.at("a"), constant(graph, "a"));
}

}  // namespace
}  // namespace calib8
