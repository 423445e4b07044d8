#include "run/instances.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace calib8 {
namespace {

using testing::ElementsAre;

constexpr std::size_t megabyte = std::size_t{1} << 20;

TEST(ShareThreads, RunsSmallModelsSideBySideAndLargeOnesAlone) {
  EXPECT_THAT(share_threads(20 * megabyte, 2, 100), ElementsAre(1, 1));
  EXPECT_THAT(share_threads(100 * megabyte, 2, 100), ElementsAre(1, 1));
  EXPECT_THAT(share_threads(100 * megabyte, 8, 100), ElementsAre(4, 4));
  EXPECT_THAT(share_threads(170 * megabyte, 2, 100), ElementsAre(2));
  EXPECT_THAT(share_threads(60 * megabyte, 64, 1000), ElementsAre(16, 16, 16, 16));
  EXPECT_THAT(share_threads(0, 0, 0), ElementsAre(1));
}

TEST(ShareThreads, GivesOutEveryThread) {
  EXPECT_THAT(share_threads(20 * megabyte, 8, 3), ElementsAre(3, 3, 2));
  EXPECT_THAT(share_threads(100 * megabyte, 7, 100), ElementsAre(4, 3));
}

}  // namespace
}  // namespace calib8
