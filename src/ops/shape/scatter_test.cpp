#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/small_folds.h"

namespace calib8 {
namespace {

using ::testing::ElementsAre;
using Sizes = std::vector<Dimension>;

TEST(GatherElements, TakesAnElementForEachIndex) {
  const Tensor x = ints({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_THAT(folded_ints(SingleNode("GatherElements", {x, ints({2, 2}, {2, 0, -1, 1})},
                                     {{"axis", std::int64_t{1}}})),
              ElementsAre(3, 1, 6, 5));
  EXPECT_THAT(folded_ints(SingleNode("GatherElements", {x, ints({1, 3}, {1, 0, 1})})), ElementsAre(4, 2, 6));
}

TEST(GatherND, InfersWhatTheIndicesLeave) {
  const OnnxType x{DType::float32, Sizes{named("n"), sized(3), sized(4)}},
      indices{DType::int64, Sizes{sized(5), sized(2)}};
  EXPECT_EQ(inferred(SingleNode("GatherND", {x, indices})), (Sizes{sized(5), sized(4)}));
  const OnnxType deep{DType::int64, Sizes{sized(5), sized(4)}};
  EXPECT_THROW(SingleNode("GatherND", {x, deep}).infer(), Error);
}

TEST(ScatterElements, PutsUpdatesWhereTheIndicesSay) {
  const Tensor x = ints({2, 3}, {0, 0, 0, 0, 0, 0}), indices = ints({2, 2}, {2, 0, 1, -1}),
               updates = ints({2, 2}, {1, 2, 3, 4});
  EXPECT_THAT(folded_ints(SingleNode("ScatterElements", {x, indices, updates}, {{"axis", std::int64_t{1}}})),
              ElementsAre(2, 0, 1, 0, 3, 4));
}

TEST(ScatterND, PutsBlocksWhereTheIndicesSay) {
  const Tensor x = ints({3, 2}, {1, 2, 3, 4, 5, 6}), indices = ints({2, 1}, {2, 0}),
               updates = ints({2, 2}, {7, 8, 9, 10});
  EXPECT_THAT(folded_ints(SingleNode("ScatterND", {x, indices, updates})), ElementsAre(9, 10, 3, 4, 7, 8));
}

TEST(Scatter, RefusesOtherReductions) {
  SmallModel model;
  const auto x = model.input("x", Shape{2, 3}), updates = model.input("u", Shape{2, 3});
  const auto indices = model.graph.add_constant("i", ints({2, 3}, {0, 1, 0, 1, 0, 1}));
  EXPECT_THROW(model.lower(model.node("ScatterElements", "y", {x, indices, updates},
                                      {{"reduction", std::string("mul")}})),
               Error);
}

}  // namespace
}  // namespace calib8
