#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/small_folds.h"

namespace calib8 {
namespace {

using ::testing::ElementsAre;

using Sizes = std::vector<Dimension>;
OnnxType real(Sizes sizes) {
  return {DType::float32, std::move(sizes)};
}

TEST(Reshape, InfersKnownSizes) {
  EXPECT_EQ(inferred(SingleNode("Reshape", {real({sized(2), sized(3), sized(4)}), ints({0, -1})})),
            (Sizes{sized(2), sized(12)}));
  EXPECT_EQ(inferred(SingleNode("Reshape", {real({sized(2), sized(3)}), ints({6})})), Sizes{sized(6)});
  const Attributes allow_zero = {{"allowzero", std::int64_t{1}}};
  EXPECT_EQ(inferred(SingleNode("Reshape", {real({sized(0), sized(3)}), ints({3, 0})}, allow_zero)),
            (Sizes{sized(3), sized(0)}));
  EXPECT_THROW(SingleNode("Reshape", {real({sized(2), sized(3)}), ints({4, -1})}).infer(), Error);
  EXPECT_THROW(SingleNode("Reshape", {real({sized(2), sized(3)}), ints({5})}).infer(), Error);
  EXPECT_THROW(SingleNode("Reshape", {real({sized(2)}), ints({2, 0})}).infer(), Error);
}

TEST(Reshape, CarriesSymbolsAsFarAsProvable) {
  const OnnxType x = real({named("batch"), sized(4), sized(7), sized(7)});
  EXPECT_EQ(inferred(SingleNode("Reshape", {x, ints({0, -1})})), (Sizes{named("batch"), sized(196)}));
  EXPECT_EQ(inferred(SingleNode("Reshape", {x, ints({-1, 196})})), (Sizes{named("batch"), sized(196)}));
  EXPECT_EQ(inferred(SingleNode("Reshape", {x, ints({0, 2, 2, -1})})),
            (Sizes{named("batch"), sized(2), sized(2), sized(49)}));
  EXPECT_EQ(inferred(SingleNode("Reshape", {x, ints({-1, 98})})), (Sizes{unknown_size, sized(98)}));
  const OnnxType two = real({unknown_size, unknown_size, sized(3)});
  EXPECT_EQ(inferred(SingleNode("Reshape", {two, ints({0, -1})})), (Sizes{unknown_size, unknown_size}));
  EXPECT_EQ(inferred(SingleNode("Reshape", {two, ints({0, 0, -1})})),
            (Sizes{unknown_size, unknown_size, sized(3)}));
  const OnnxType unranked{DType::float32, std::nullopt};
  EXPECT_EQ(inferred(SingleNode("Reshape", {unranked, ints({0, 5, -1})})),
            (Sizes{unknown_size, sized(5), unknown_size}));
}

TEST(Flatten, Infers) {
  const OnnxType x = real({named("batch"), sized(4), sized(7), sized(7)});
  EXPECT_EQ(inferred(SingleNode("Flatten", {x})), (Sizes{named("batch"), sized(196)}));
  EXPECT_EQ(inferred(SingleNode("Flatten", {x}, {{"axis", std::int64_t{0}}})),
            (Sizes{sized(1), unknown_size}));
  EXPECT_EQ(inferred(SingleNode("Flatten", {x}, {{"axis", std::int64_t{-1}}})),
            (Sizes{unknown_size, sized(7)}));
  EXPECT_EQ(inferred(SingleNode("Flatten", {real({sized(3)})}, {{"axis", std::int64_t{1}}})),
            (Sizes{sized(3), sized(1)}));
  EXPECT_THROW(SingleNode("Flatten", {x}, {{"axis", std::int64_t{5}}}).infer(), Error);
}

TEST(Squeeze, Infers) {
  const OnnxType x = real({named("batch"), sized(4), sized(1), sized(1)});
  EXPECT_EQ(inferred(SingleNode("Squeeze", {x, ints({-1, 2})})), (Sizes{named("batch"), sized(4)}));
  EXPECT_EQ(inferred(SingleNode("Squeeze", {real({sized(1), sized(4)})})), Sizes{sized(4)});
  EXPECT_FALSE(SingleNode("Squeeze", {x}).infer()[0].has_rank());  // the batch might be 1
  EXPECT_THROW(SingleNode("Squeeze", {x, ints({1})}).infer(), Error);
}

TEST(Unsqueeze, Infers) {
  EXPECT_EQ(inferred(SingleNode("Unsqueeze", {real({named("batch"), sized(4)}), ints({-1, 0})})),
            (Sizes{sized(1), named("batch"), sized(4), sized(1)}));
  EXPECT_THROW(SingleNode("Unsqueeze", {real({sized(4)}), ints({0, -3})}).infer(), Error);
  EXPECT_THROW(SingleNode("Unsqueeze", {real({sized(4)}), ints({2})}).infer(), Error);
}

TEST(Reshape, FoldsWithoutCopying) {
  const Tensor x = counting_tensor({2, 3});
  const Tensor y = folded(SingleNode("Reshape", {x, ints({3, -1})}));
  EXPECT_EQ(y.shape, (Shape{3, 2}));
  EXPECT_EQ(y.data.bytes().data(), x.data.bytes().data());
  EXPECT_EQ(folded(SingleNode("Unsqueeze", {ints(Shape{}, {7}), ints({0})})).shape, Shape{1});
  EXPECT_EQ(folded(SingleNode("Squeeze", {x, ints(Ints{})})).shape, (Shape{2, 3}));
  EXPECT_EQ(folded(SingleNode("Flatten", {counting_tensor({2, 3, 4})})).shape, (Shape{2, 12}));
  EXPECT_THAT(folded_floats(SingleNode("Identity", {floats({4, 5})})), ElementsAre(4, 5));
}

TEST(Reshape, LowersToReshape) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 8, 1, 1});
  const auto axes = model.graph.add_constant("axes", ints({0}));
  const auto flat = model.node("Flatten", "flat", {x});
  const auto more = model.node("Unsqueeze", "more", {flat, axes});
  const auto y = model.node("Squeeze", "less", {more, axes});
  const TfliteGraph graph = model.lower(y);
  EXPECT_THAT(operators_of(graph), ElementsAre("RESHAPE", "RESHAPE", "RESHAPE"));
  const TfliteOperator& reshape = first<tflite::Reshape>(graph);
  EXPECT_THAT(reshape.get_if<tflite::Reshape>()->new_shape, ElementsAre(1, 8));
  EXPECT_THAT(graph.constant_integers(reshape.inputs[1]), ElementsAre(1, 8));
}

TEST(Reshape, OfTheSameShapeIsTheInput) {
  SmallModel model;
  const auto x = model.input("x", Shape{1, 8});
  const auto flat = model.node("Flatten", "flat", {x});
  const auto same = model.node("Identity", "same", {flat});
  const TfliteGraph graph = model.lower(model.node("Dropout", "y", {same}));
  EXPECT_EQ(graph.node_count(), 0u);
  EXPECT_EQ(graph.outputs()[0], graph.inputs()[0]);
}

TEST(Dropout, IsInferenceOnly) {
  const Tensor ratio = floats(Shape{}, {0.5f}), training = booleans({}, {1}), evaluation = booleans({}, {0});
  EXPECT_EQ(SingleNode("Dropout", {real({sized(2)}), ratio, evaluation}, {}, 2).infer()[1].dtype,
            DType::boolean);
  EXPECT_THROW(SingleNode("Dropout", {real({sized(2)}), ratio, training}).infer(), Error);
  EXPECT_THAT(folded_floats(SingleNode("Dropout", {floats({3})})), ElementsAre(3));
}

TEST(ShapeOp, FoldsFromTheTypeAlone) {
  const OnnxType x = real({named("batch"), sized(4), sized(7)});
  const auto part = [](std::int64_t start, std::int64_t end) {
    return Attributes{{"start", start}, {"end", end}};
  };
  EXPECT_EQ(inferred(SingleNode("Shape", {x})), Sizes{sized(3)});
  EXPECT_TRUE(SingleNode("Shape", {x}).fold().empty());
  EXPECT_THAT(folded_ints(SingleNode("Shape", {x}, part(1, 9))), ElementsAre(4, 7));
  EXPECT_THAT(folded_ints(SingleNode("Shape", {x}, part(-2, -1))), ElementsAre(4));
  EXPECT_THAT(folded_ints(SingleNode("Shape", {x}, part(2, 1))), ElementsAre());
  EXPECT_THAT(folded_ints(SingleNode("Shape", {static_type(DType::float32, {2, 0})})), ElementsAre(2, 0));
  EXPECT_THAT(folded_ints(SingleNode("Size", {static_type(DType::float32, {2, 5})})), ElementsAre(10));
  EXPECT_TRUE(SingleNode("Size", {x}).fold().empty());
}

TEST(Reshape, OnXnnpack) {
  const auto takes = [](const Shape& in, const Shape& out, float a, float b) {
    return SingleOperator(tflite::Reshape{{4}}, {in}, out, {a, b}).with({4}).on_xnnpack();
  };
  EXPECT_TRUE(takes({2, 2}, {4}, 0, 0));
  EXPECT_TRUE(takes({2, 2}, {4}, 1, 1));
  EXPECT_FALSE(takes({2, 2}, {4}, 1, 2));
  EXPECT_FALSE(takes({1, 1, 1, 1, 1, 2, 2}, {4}, 1, 1));
  EXPECT_EQ(rule_of(tflite::Reshape{}).output, OutputRange::same_as_input);
}

}  // namespace
}  // namespace calib8
