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

TEST(FloatParts, NormalizationWithReshapesInBetween) {
  SmallGraph small;
  const Shape whole{2, 4}, line{2, 1}, other{1, 2, 4}, other_line{1, 2, 1};
  const auto reshape = [&](TensorId tensor, const Shape& shape, Range range) {
    const std::vector<std::int32_t> sizes(shape.begin(), shape.end());
    return small.emit(tflite::Reshape{sizes}, {tensor, small.graph.add_constant("shape", sizes)}, shape,
                      range);
  };
  const TensorId axes = small.graph.add_constant("axes", std::vector<std::int32_t>{2});
  const TensorId x = small.input(whole, {-2, 2});
  const TensorId mean =
      small.emit(tflite::Mean{{true}}, {reshape(x, other, {-2, 2}), axes}, other_line, Range{-1, 1});
  const TensorId difference =
      small.emit(tflite::Sub{}, {x, reshape(mean, line, {-1, 1})}, whole, Range{-2, 2});
  const TensorId squares = small.emit(tflite::Mul{}, {difference, difference}, whole, Range{0, 4});
  const TensorId variance =
      small.emit(tflite::Mean{{true}}, {reshape(squares, other, {0, 4}), axes}, other_line, Range{0, 4});
  const TensorId factor = small.emit(tflite::Rsqrt{}, {variance}, other_line, Range{0, 300});
  small.graph.set_outputs(
      {small.emit(tflite::Mul{}, {difference, reshape(factor, line, {0, 300})}, whole, Range{-2, 2})});
  EXPECT_THAT(
      names_of(small.graph, operators_of_normalizations(small.graph)),
      UnorderedElementsAre("MEAN", "RESHAPE", "SUB", "MUL", "RESHAPE", "MEAN", "RSQRT", "RESHAPE", "MUL"));
}

/// As JAX and TensorFlow write it: the mean of squares less the square of the mean.
TEST(FloatParts, NormalizationByTheMeanOfSquares) {
  SmallGraph small;
  const Shape whole{2, 4}, line{2, 1};
  const TensorId x = small.input(whole, {-2, 2});
  const TensorId axes = small.graph.add_constant("axes", std::vector<std::int32_t>{1});
  const auto mean_of = [&](TensorId of, Range range) {
    const TensorId sum = small.emit(tflite::Sum{{true}}, {of, axes}, line, range);
    return small.emit(tflite::Mul{}, {sum, small.constant({1, 1}, {0.25f})}, line, range);
  };
  const TensorId mean = mean_of(x, {-1, 1});
  const TensorId difference = small.emit(tflite::Sub{}, {x, mean}, whole, Range{-2, 2});
  const TensorId squares = mean_of(small.emit(tflite::Mul{}, {x, x}, whole, Range{0, 4}), {0, 4});
  const TensorId square = small.emit(tflite::Mul{}, {mean, mean}, line, Range{0, 1});
  const TensorId variance = small.emit(tflite::Sub{}, {squares, square}, line, Range{0, 3});
  const TensorId bounded =
      small.emit(tflite::Maximum{}, {variance, small.constant({1, 1}, {0})}, line, Range{0, 3});
  const TensorId root = small.emit(tflite::Sqrt{}, {bounded}, line, Range{0, 2});
  const TensorId reciprocal =
      small.emit(tflite::Div{}, {small.constant({1, 1}, {1}), root}, line, Range{0, 9});
  const TensorId factor =
      small.emit(tflite::Mul{}, {reciprocal, small.constant({1, 4}, {1, 2, 3, 4})}, whole, Range{0, 9});
  const TensorId y = small.emit(tflite::Mul{}, {difference, factor}, whole, Range{-8, 8});
  small.graph.set_outputs({small.emit(tflite::Relu{}, {y}, whole, Range{0, 8})});
  EXPECT_THAT(names_of(small.graph, operators_of_normalizations(small.graph)),
              UnorderedElementsAre("SUM", "MUL", "SUB", "MUL", "SUM", "MUL", "MUL", "SUB", "MAXIMUM", "SQRT",
                                   "DIV", "MUL", "MUL"));
}

TEST(FloatParts, AQuotientOfPartsOfOneProduct) {
  const auto found = [](bool of_one) {
    SmallGraph small;
    const TensorId a = small.input({4, 8}, {-2, 2}), b = small.input({8, 3}, {-2, 2});
    const auto product = [&] { return small.emit(tflite::BatchMatMul{}, {a, b}, {4, 3}, Range{-50, 50}); };
    const TensorId first = product(), second = of_one ? first : product();
    const auto part = [&](TensorId of, std::int32_t begin, std::int32_t count) {
      return small.emit(tflite::Slice{},
                        {of, small.graph.add_constant("begin", std::vector<std::int32_t>{0, begin}),
                         small.graph.add_constant("size", std::vector<std::int32_t>{4, count})},
                        {4, count}, Range{-50, 50});
    };
    const TensorId sum = small.emit(tflite::Add{}, {part(second, 2, 1), small.constant({1, 1}, {1e-3f})},
                                    {4, 1}, Range{-50, 50});
    small.graph.set_outputs({small.emit(tflite::Div{}, {part(first, 0, 2), sum}, {4, 2}, Range{-2, 2})});
    return names_of(small.graph, operators_of_quotients(small.graph));
  };
  EXPECT_THAT(found(true), UnorderedElementsAre("BATCH_MATMUL", "SLICE", "SLICE", "ADD", "DIV"));
  EXPECT_THAT(found(false), IsEmpty());
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
