#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "optimize/graph_builder.h"
#include "optimize/passes.h"

namespace calib8::testing {
namespace {

using ::testing::ElementsAre;

struct MaskedScores : GraphBuilder {
  OperatorId select;

  MaskedScores(float value, bool where_true, bool has_softmax = true) {
    const TensorId x = input({1, 3}), number = filled({}, value);
    const TensorId condition = graph.add_constant(
        "condition", {DType::boolean, {1, 3}, Data::from_vector(std::vector<std::uint8_t>{1, 0, 1})});
    const TensorId scores =
        emit(tflite::SelectV2{},
             where_true ? std::vector{condition, number, x} : std::vector{condition, x, number}, {1, 3});
    select = graph.producer(scores);
    output(has_softmax ? emit(tflite::Softmax{}, {scores}, {1, 3}) : emit(tflite::Exp{}, {scores}, {1, 3}));
  }
  std::vector<float> mask() const {
    const TfliteOperator& add = graph[graph.nodes().front()];
    if (!add.is<tflite::Add>()) return {};
    const Tensor tensor = graph[add.inputs[1]].as_tensor();
    return {tensor.as<float>().begin(), tensor.as<float>().end()};
  }
};

TEST(ReplaceMaskingSelectWithAdd, AddsTheMaskWhereItIsChosen) {
  MaskedScores where_true(-1e9f, true), where_false(-1e9f, false);
  EXPECT_TRUE(replace_masking_select_with_add(where_true.graph, where_true.select));
  EXPECT_THAT(where_true.mask(), ElementsAre(-1e9f, 0, -1e9f));
  EXPECT_TRUE(replace_masking_select_with_add(where_false.graph, where_false.select));
  EXPECT_THAT(where_false.mask(), ElementsAre(0, -1e9f, 0));
}

TEST(ReplaceMaskingSelectWithAdd, TakesInfinity) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  MaskedScores scores(-infinity, true);
  EXPECT_TRUE(replace_masking_select_with_add(scores.graph, scores.select));
  EXPECT_THAT(scores.mask(), ElementsAre(-infinity, 0, -infinity));
}

TEST(ReplaceMaskingSelectWithAdd, LeavesNumbersThatCountAndOtherReaders) {
  MaskedScores number(-9, true), reader(-1e9f, true, false);
  EXPECT_FALSE(replace_masking_select_with_add(number.graph, number.select));
  EXPECT_FALSE(replace_masking_select_with_add(reader.graph, reader.select));
}

}  // namespace
}  // namespace calib8::testing
