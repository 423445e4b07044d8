#include "image/bmp_runs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>

namespace calib8 {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::uint8_t> unpack(std::initializer_list<int> bytes, std::size_t width, std::size_t height,
                                 bool nibbles) {
  std::vector<std::byte> file;
  for (const int byte : bytes) file.push_back(static_cast<std::byte>(byte));
  return decode_bmp_runs(file, 0, width, height, nibbles);
}

TEST(BmpRuns, RunsRepeatAByteOrTwoNibbles) {
  EXPECT_THAT(unpack({3, 7, 1, 9}, 2, 2, false), ElementsAre(7, 7));  // a run ends with its row
  EXPECT_THAT(unpack({4, 7}, 4, 1, false), ElementsAre(7, 7, 7, 7));
  EXPECT_THAT(unpack({3, 0x1f}, 3, 1, true), ElementsAre(1, 15, 1));
}

TEST(BmpRuns, CopiesArePaddedToAnEvenPlace) {
  EXPECT_THAT(unpack({0, 3, 1, 2, 3, 99, 1, 4}, 4, 1, false), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(unpack({0, 3, 0x12, 0x3f, 1, 0x40}, 4, 1, true), ElementsAre(1, 2, 3, 4));
}

TEST(BmpRuns, WhatIsLeftOutIsIndexZero) {
  EXPECT_THAT(unpack({1, 5, 0, 0, 2, 6}, 2, 2, false), ElementsAre(5, 0, 6, 6));  // a row that ends early
  EXPECT_THAT(unpack({0, 2, 1, 1, 1, 6}, 2, 2, false),
              ElementsAre(0, 0, 0, 6));                                         // a move to the right and up
  EXPECT_THAT(unpack({0, 2, 255, 255}, 2, 2, false), ElementsAre(0, 0, 0, 0));  // no farther than the end
}

TEST(BmpRuns, TheEndComesWhereTheFileOrTheMarkerIs) {
  EXPECT_THAT(unpack({1, 5, 0, 1, 1, 5}, 2, 1, false), ElementsAre(5));
  EXPECT_THAT(unpack({1, 5, 0}, 2, 1, false), ElementsAre(5));
  EXPECT_THAT(unpack({0, 200, 1, 2}, 300, 1, false), IsEmpty());
  EXPECT_THAT(decode_bmp_runs({}, 1000, 3, 3, false), IsEmpty());
}

}  // namespace
}  // namespace calib8
