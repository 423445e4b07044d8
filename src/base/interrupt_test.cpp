#include "base/interrupt.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>

#include "base/parallel.h"

namespace calib8 {
namespace {

TEST(Interrupt, TheChecksFailureEndsALoop) {
  std::size_t done = 0;
  const InterruptCheck check([] { throw std::runtime_error("stop"); });
  EXPECT_THROW(parallel_for(1000, 1, [&](int, std::size_t) { ++done; }), std::runtime_error);
  EXPECT_EQ(done, 0u);
}

TEST(Interrupt, IsAskedOnItsOwnThreadAlone) {
  int asked = 0;
  const InterruptCheck check([&] { ++asked; });
  std::thread([] { throw_if_interrupted(); }).join();
  EXPECT_EQ(asked, 0);
  throw_if_interrupted();
  EXPECT_EQ(asked, 1);
  throw_if_interrupted();
  EXPECT_EQ(asked, 1) << "again before its time";
}

TEST(Interrupt, EndsWithItsScope) {
  int outer = 0, inner = 0;
  const InterruptCheck first([&] { ++outer; });
  {
    const InterruptCheck second([&] { ++inner; });
    throw_if_interrupted();
  }
  throw_if_interrupted();
  EXPECT_EQ(inner, 1);
  EXPECT_EQ(outer, 1);
}

}  // namespace
}  // namespace calib8
