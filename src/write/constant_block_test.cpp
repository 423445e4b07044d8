#include "write/constant_block.h"

#include <gtest/gtest.h>

#include "base/pages.h"
#include "calib8/error.h"

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

TEST(ConstantBlock, LetsOneFileAtATimeUseThePlace) {
  TfliteGraph graph = example();
  const ConstantBlock block(graph);
  {
    const Data file = block.file_of(graph);
    EXPECT_THROW(block.file_of(graph), Error);
  }
  EXPECT_NO_THROW(block.file_of(graph));
}

TEST(ConstantBlock, WritesTablesTooLargeForTheRoomElsewhere) {
  TfliteGraph graph = example();
  const ConstantBlock block(graph);
  TfliteGraph larger = graph;
  const std::vector<float> values(std::size_t{1} << 20, 2.0f);
  const TensorId added = larger.add_constant("d", make_tensor<float>({1 << 20}, values));
  larger.set_outputs({larger.emit(tflite::Add{}, {larger.outputs()[0], added}, "sum", {1, 1 << 20})});
  const Data file = block.file_of(larger);
  EXPECT_EQ(file.size(), serialize_tflite(larger).size());
  EXPECT_NO_THROW(block.file_of(graph));
}

TEST(Pages, AreZeroedAndGoWithTheirLastOwner) {
  const auto pages = allocate_pages(std::size_t{5} << 20);
  for (std::size_t i = 0; i < (std::size_t{5} << 20); i += 4096) ASSERT_EQ(pages.get()[i], std::byte{0});
  pages.get()[12345] = std::byte{7};
  EXPECT_EQ(pages.get()[12345], std::byte{7});
}

}  // namespace
}  // namespace calib8
