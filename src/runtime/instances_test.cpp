#include "runtime/instances.h"

#include <gtest/gtest.h>

namespace calib8 {
namespace {

constexpr std::size_t megabyte = std::size_t{1} << 20;

TEST(ShareThreads, RunsSmallModelsSideBySideAndLargeOnesAlone) {
  const auto share = [](std::size_t bytes, int threads, std::size_t samples) {
    const Instances shared = share_threads(bytes, threads, samples);
    return std::pair(shared.count, shared.threads);
  };
  EXPECT_EQ(share(20 * megabyte, 2, 100), std::pair(2, 1));
  EXPECT_EQ(share(100 * megabyte, 2, 100), std::pair(2, 1));
  EXPECT_EQ(share(100 * megabyte, 8, 100), std::pair(2, 4));
  EXPECT_EQ(share(170 * megabyte, 2, 100), std::pair(1, 2));
  EXPECT_EQ(share(20 * megabyte, 8, 3), std::pair(3, 2));
  EXPECT_EQ(share(60 * megabyte, 64, 1000), std::pair(4, 16));
  EXPECT_EQ(share(0, 0, 0), std::pair(1, 1));
}

}  // namespace
}  // namespace calib8
