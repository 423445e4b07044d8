#include "runtime/profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calib8/error.h"

namespace calib8 {
namespace {

constexpr std::string_view summary = R"(============ Run Order ============
     [node type]    [start]    [first]   [avg ms]   [%]     [cdf%]   [mem KB] [times called]   [Name]
     Delegate/Add (ND)      0.000      0.001      0.021     8.333%     8.333%      0.000     1   [Delegate]:0
     Delegate/Convolution (NHWC, QS8, QC8W) IGEMM  0.000  0.001  0.5  8.333%  8.333%  0.000  1   [Delegate]:0
     FLOOR_MOD      0.000      0.011      0.011    91.667%   100.000%      0.000       1   [Builtin]:1
     Delegate/Multiply (ND)      0.000      0.000      0.000     0.000%   100.000%      0.000    1   [Delegate]:2

============ Top by Computation Time ============
)";

TEST(ParseProfile, ReadsTheRunOrder) {
  EXPECT_THAT(parse_profile(summary),
              testing::ElementsAre(ProfiledOp{"Delegate/Add (ND)", true, 0.021},
                                   ProfiledOp{"Delegate/Convolution (NHWC, QS8, QC8W) IGEMM", true, 0.5},
                                   ProfiledOp{"FLOOR_MOD", false, 0.011},
                                   ProfiledOp{"Delegate/Multiply (ND)", true, 0.0}));
}

TEST(ParseProfile, RefusesAnotherForm) {
  EXPECT_THROW(parse_profile(""), Error);
  EXPECT_THROW(parse_profile("=== Run Order ===\n[node type]\nwhat is this\n"), Error);
  EXPECT_TRUE(parse_profile("=== Run Order ===\n[node type]\n").empty());
}

TEST(CountPartitions, CountsRunsOfDelegatedOps) {
  EXPECT_EQ(count_partitions({}), 0);
  EXPECT_EQ(count_partitions(parse_profile(summary)), 2);
}

}  // namespace
}  // namespace calib8
