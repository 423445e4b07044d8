#include "base/standard_error.h"

#include <gtest/gtest.h>

#include <string>

namespace calib8 {
namespace {

TEST(StandardErrorCapture, TakesWhatIsWritten) {
  StandardErrorCapture capture;
  write_standard_error("one\n");
  write_standard_error("two\n");
  EXPECT_EQ(capture.finish(), "one\ntwo\n");
  EXPECT_EQ(capture.finish(), "");
}

TEST(StandardErrorCapture, RestoresAndPassesOnWhatNobodyTook) {
  testing::internal::CaptureStderr();
  {
    StandardErrorCapture capture;
    write_standard_error("kept\n");
  }
  write_standard_error("after\n");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "kept\nafter\n");
}

}  // namespace
}  // namespace calib8
