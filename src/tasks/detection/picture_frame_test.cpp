#include "tasks/detection/picture_frame.h"

#include <gtest/gtest.h>

namespace calib8 {
namespace {

TEST(PictureFrame, UndoesALetterbox) {
  // 200 x 400 (height x width) at 64 x 64: half the height is border, 16 above.
  const PictureFrame frame{200, 400, 32, 64, 16, 0};
  const Corners box = to_picture({16, 24, 32, 40}, frame);
  EXPECT_FLOAT_EQ(box.left, 100);
  EXPECT_FLOAT_EQ(box.top, 50);
  EXPECT_FLOAT_EQ(box.right, 200);
  EXPECT_FLOAT_EQ(box.bottom, 150);
}

TEST(PictureFrame, UndoesACrop) {
  // 100 x 100 is resized to 80 x 80, of which the 64 in the middle are seen.
  const PictureFrame frame{100, 100, 80, 80, -8, -8};
  const Corners box = to_picture({0, 0, 64, 64}, frame);
  EXPECT_FLOAT_EQ(box.left, 10);
  EXPECT_FLOAT_EQ(box.bottom, 90);
}

TEST(PictureFrame, CutsAtThePicturesEdges) {
  const PictureFrame frame{200, 400, 32, 64, 16, 0};
  const Corners box = to_picture({-5, 0, 70, 64}, frame);
  EXPECT_FLOAT_EQ(box.left, 0);
  EXPECT_FLOAT_EQ(box.top, 0);
  EXPECT_FLOAT_EQ(box.right, 400);
  EXPECT_FLOAT_EQ(box.bottom, 200);
}

}  // namespace
}  // namespace calib8
