#include "ops/strided.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/small_folds.h"

namespace calib8 {
namespace {

using ::testing::ElementsAre;

TEST(Strided, CopiesEveryElementSize) {
  const Tensor bytes = booleans({2, 3}, {0, 1, 1, 0, 0, 1});
  const Tensor turned = copy_strided(bytes, {3, 2}, {1, 3});
  EXPECT_THAT(to_int64(turned), ElementsAre(0, 0, 1, 0, 1, 1));
  const Tensor halves{DType::uint16, {3}, Data::from_vector(std::vector<std::uint16_t>{7, 8, 9})};
  EXPECT_THAT(to_int64(copy_strided(halves, {3}, {-1}, 2)), ElementsAre(9, 8, 7));
  EXPECT_THAT(to_float(copy_strided(floats({5, 6}), {2}, {1})), ElementsAre(5, 6));
  EXPECT_THAT(to_int64(copy_strided(ints({5, 6, 7}), {2}, {2})), ElementsAre(5, 7));
}

TEST(Strided, BroadcastsAndKeepsScalars) {
  EXPECT_THAT(to_int64(broadcast_to(ints({2, 1}, {4, 5}), {2, 2, 2})), ElementsAre(4, 4, 5, 5, 4, 4, 5, 5));
  EXPECT_THAT(to_int64(broadcast_to(ints(Shape{}, {4}), {})), ElementsAre(4));
  EXPECT_EQ(broadcast_to(ints(Shape{}, {4}), {0, 3}).count(), 0);
}

TEST(Strided, SurvivesHugeSizesBesideAnEmptyOne) {
  const Shape shape = {0, 1LL << 40, 1LL << 40};
  EXPECT_EQ(row_major_strides(shape).size(), 3u);
  EXPECT_EQ(copy_strided(Tensor{DType::float32, shape, {}}, shape, row_major_strides(shape)).count(), 0);
}

TEST(Strided, BoundsWhatFoldingMakes) {
  EXPECT_TRUE(is_foldable_size({1024, 1024, 64}, DType::float32));
  EXPECT_FALSE(is_foldable_size({1024, 1024, 65}, DType::float32));
  EXPECT_FALSE(is_foldable_size({1LL << 40, 1LL << 40}, DType::boolean));
}

}  // namespace
}  // namespace calib8
