#include "quantize/float_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quantize/small_plans.h"

namespace calib8 {
namespace {

using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::vector<std::string> names_of(const TfliteGraph& graph, const std::vector<OperatorId>& operators) {
  std::vector<std::string> names;
  for (const OperatorId id : operators) names.emplace_back(name_of(graph[id].options));
  return names;
}

struct Normalized : SmallGraph {
  TensorId x, y;

  /// A layer normalization, with `root` and how it meets the difference.
  explicit Normalized(tflite::Options root, tflite::Options quotient) {
    const Shape whole{2, 4}, line{2, 1};
    x = input(whole, {-2, 2});
    const TensorId axes = graph.add_constant("axes", std::vector<std::int32_t>{1});
    const TensorId mean = emit(tflite::Mean{{true}}, {x, axes}, line, Range{-1, 1});
    const TensorId difference = emit(tflite::Sub{}, {x, mean}, whole, Range{-2, 2});
    const TensorId squares = emit(tflite::Mul{}, {difference, difference}, whole, Range{0, 4});
    const TensorId variance = emit(tflite::Mean{{true}}, {squares, axes}, line, Range{0, 4});
    const TensorId sum = emit(tflite::Add{}, {variance, constant({1, 1}, {1e-5f})}, line, Range{0, 4});
    const TensorId factor = emit(std::move(root), {sum}, line, Range{0, 300});
    y = emit(std::move(quotient), {difference, factor}, whole, Range{-2, 2});
    const TensorId scaled = emit(tflite::Mul{}, {y, constant({1, 4}, {1, 2, 3, 4})}, whole, Range{-8, 8});
    const TensorId relu = emit(tflite::Relu{}, {scaled}, whole, Range{0, 8});
    graph.set_outputs({relu});
  }
};

TEST(FloatParts, NormalizationInItsSpellings) {
  const Normalized by_reciprocal(tflite::Rsqrt{}, tflite::Mul{});
  EXPECT_THAT(names_of(by_reciprocal.graph, operators_of_normalizations(by_reciprocal.graph)),
              UnorderedElementsAre("MEAN", "SUB", "MUL", "MEAN", "ADD", "RSQRT", "MUL", "MUL"));
  const Normalized by_quotient(tflite::Sqrt{}, tflite::Div{});
  EXPECT_THAT(names_of(by_quotient.graph, operators_of_normalizations(by_quotient.graph)),
              UnorderedElementsAre("MEAN", "SUB", "MUL", "MEAN", "ADD", "SQRT", "DIV", "MUL"));
}

TEST(FloatParts, ARootOfSomethingElseIsNoNormalization) {
  SmallGraph small;
  const TensorId x = small.input({2, 4}, {0, 2});
  const TensorId sum = small.emit(tflite::Add{}, {x, small.constant({1, 1}, {1})}, {2, 4}, Range{1, 3});
  small.graph.set_outputs({small.emit(tflite::Sqrt{}, {sum}, {2, 4}, Range{1, 2})});
  EXPECT_THAT(operators_of_normalizations(small.graph), IsEmpty());
}

TEST(FloatParts, AFunctionIsWhatDependsOnOneTensor) {
  SmallGraph small;
  const TensorId x = small.input({2, 4}, {-2, 2}), z = small.input({2, 4}, {-2, 2});
  const TensorId power = small.emit(tflite::Exp{}, {x}, {2, 4}, Range{0, 8});
  const TensorId more = small.emit(tflite::Add{}, {power, small.constant({1, 1}, {1})}, {2, 4}, Range{1, 9});
  const TensorId gated = small.emit(tflite::Mul{}, {more, x}, {2, 4}, Range{-9, 9});
  const TensorId both = small.emit(tflite::Mul{}, {gated, z}, {2, 4}, Range{-9, 9});
  small.graph.set_outputs({both});
  const auto is_exp = [&](OperatorId id) { return small.graph[id].is<tflite::Exp>(); };
  EXPECT_THAT(names_of(small.graph, operators_of_functions(small.graph, is_exp)),
              UnorderedElementsAre("EXP", "ADD", "MUL"));
  EXPECT_THAT(operators_of_functions(small.graph, [](OperatorId) { return false; }), IsEmpty());
}

}  // namespace
}  // namespace calib8
