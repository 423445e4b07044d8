#include "base/natural_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace calib8 {
namespace {

TEST(NaturalOrder, ComparesNumbersByValue) {
  std::vector<std::string> names = {"layer10.0", "layer2.1", "layer2.0", "a", "10", "9", "layer", "010"};
  std::ranges::stable_sort(names, before_naturally);
  EXPECT_EQ(names,
            (std::vector<std::string>{"9", "10", "010", "a", "layer", "layer2.0", "layer2.1", "layer10.0"}));
  EXPECT_FALSE(before_naturally("7", "007"));
  EXPECT_FALSE(before_naturally("007", "7"));
  EXPECT_TRUE(before_naturally("", "0"));
}

}  // namespace
}  // namespace calib8
