#include "base/ordered_sum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

namespace calib8 {
namespace {

TEST(OrderedSum, HasTheSameBitsInAnyOrder) {
  for (const std::size_t count : {1, 2, 3, 7, 64, 100}) {
    std::mt19937 generator(static_cast<unsigned>(count));
    std::normal_distribution<double> normal;
    std::vector<std::vector<double>> values(count, std::vector<double>(3));
    std::vector<double> plain(3, 0.0);
    for (auto& vector : values) {
      for (std::size_t i = 0; i < 3; ++i)
        plain[i] += vector[i] = normal(generator) * std::exp(8 * normal(generator));
    }
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), 0);
    std::vector<double> first;
    for (int round = 0; round < 20; ++round) {
      OrderedSum sum;
      for (const std::size_t index : order) sum.add(index, values[index]);
      if (first.empty()) first = sum.total();
      EXPECT_EQ(sum.total(), first);
      std::shuffle(order.begin(), order.end(), generator);
    }
    for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(first[i], plain[i], 1e-9 * std::abs(plain[i]) + 1e-6);
  }
}

TEST(OrderedSum, OfNothingIsEmpty) {
  EXPECT_TRUE(OrderedSum().total().empty());
}

}  // namespace
}  // namespace calib8
