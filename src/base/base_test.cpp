#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <limits>

#include "base/dtype.h"
#include "base/parallel.h"
#include "base/round.h"
#include "base/shape.h"
#include "calib8/error.h"

namespace calib8 {
namespace {

TEST(Half, EveryBitPatternSurvivesTheRoundTrip) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = half_to_float(static_cast<std::uint16_t>(bits));
    if (std::isnan(value)) continue;
    EXPECT_EQ(float_to_half(value), bits) << value;
  }
}

TEST(Half, TiesGoToEvenAndTheTooLargeToInfinity) {
  EXPECT_EQ(float_to_half(1.0f + 1.0f / 2048), 0x3c00);
  EXPECT_EQ(float_to_half(1.0f + 3.0f / 2048), 0x3c02);
  EXPECT_EQ(float_to_half(65520.0f), 0x7c00);
  EXPECT_EQ(float_to_half(std::ldexp(1.0f, -25)), 0);
}

TEST(RoundToEven, IsThatOfTheMathematicsLibrary) {
  for (const double value :
       {0.0, 0.5, 1.5, 2.5, -0.5, -1.5, 126.49999999999999, 126.5, -127.50000000000001, 1e15, -1e15}) {
    EXPECT_EQ(round_to_even(value), std::nearbyint(value)) << value;
  }
}

TEST(Shape, CountsElementsAndRefusesOverflow) {
  EXPECT_EQ(element_count(Shape{}), 1);
  EXPECT_EQ(element_count(Shape{2, 0, 3}), 0);
  EXPECT_EQ(element_count(Shape{-1}), std::nullopt);
  const std::int64_t huge = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(element_count(Shape{huge, huge}), std::nullopt);
}

TEST(ParallelFor, VisitsEachIndexOnceAndRethrowsTheFirstFailure) {
  std::vector<std::atomic<int>> visits(1000);
  parallel_for(visits.size(), 3, [&](int, std::size_t index) { ++visits[index]; });
  for (const auto& count : visits) EXPECT_EQ(count, 1);
  EXPECT_THROW(parallel_for(10, 2,
                            [](int, std::size_t index) {
                              if (index == 5) throw Error(ErrorCode::dataset, "five");
                            }),
               Error);
}

}  // namespace
}  // namespace calib8
