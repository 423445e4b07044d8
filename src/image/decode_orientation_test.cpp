#include "image/decode_orientation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string_view>

#include "image/tiff_directory.h"

namespace calib8 {
namespace {

using std::string_view_literals::operator""sv;
using ::testing::ElementsAre;

ByteView bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

/// The red channel of a 3x2 picture of 1 to 6 after turning.
std::vector<int> turned(int orientation) {
  Image image{3, 2, {}};
  for (std::uint8_t i = 1; i <= 6; ++i) image.pixels.insert(image.pixels.end(), {i, 0, 0});
  const Image upright = turn_upright(image, orientation);
  EXPECT_EQ(upright.width, orientation >= 5 && orientation <= 8 ? 2 : 3);
  std::vector<int> red;
  for (std::size_t i = 0; i < upright.pixels.size(); i += 3) red.push_back(upright.pixels[i]);
  return red;
}

TEST(Orientation, EachOfTheEightTurnsAsTiffDefinesIt) {
  EXPECT_THAT(turned(0), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(turned(1), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(turned(2), ElementsAre(3, 2, 1, 6, 5, 4));
  EXPECT_THAT(turned(3), ElementsAre(6, 5, 4, 3, 2, 1));
  EXPECT_THAT(turned(4), ElementsAre(4, 5, 6, 1, 2, 3));
  EXPECT_THAT(turned(5), ElementsAre(1, 4, 2, 5, 3, 6));
  EXPECT_THAT(turned(6), ElementsAre(4, 1, 5, 2, 6, 3));
  EXPECT_THAT(turned(7), ElementsAre(6, 3, 5, 2, 4, 1));
  EXPECT_THAT(turned(8), ElementsAre(3, 6, 2, 5, 1, 4));
  EXPECT_THAT(turned(9), ElementsAre(1, 2, 3, 4, 5, 6));
}

constexpr auto kLittle = "II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"sv;
constexpr auto kBig = "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0"sv;
constexpr auto kBigTiff =
    "II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0"
    "\x12\x01\x03\0\x01\0\0\0\0\0\0\0\x06\0\0\0\0\0\0\0"sv;

TEST(Orientation, IsFoundInExifOfBothByteOrders) {
  EXPECT_EQ(find_exif_orientation(bytes_of(kLittle)), 6);
  EXPECT_EQ(find_exif_orientation(bytes_of(kBig)), 6);
  EXPECT_EQ(find_exif_orientation(bytes_of(kBigTiff)), 6);
  EXPECT_EQ(find_exif_orientation(bytes_of(std::string("Exif\0\0"sv) + std::string(kBig))), 6);
  EXPECT_EQ(find_tiff_number(bytes_of(kBig), 275), std::nullopt);
}

TEST(Orientation, NothingIsFoundInWhatIsCutShort) {
  for (const std::string_view exif : {kLittle, kBig, kBigTiff}) {
    for (std::size_t size = 0; size < exif.size(); ++size) {
      EXPECT_EQ(find_exif_orientation(bytes_of(exif.substr(0, size))), std::nullopt) << size;
    }
  }
}

TEST(Orientation, IsFoundInXmp) {
  EXPECT_EQ(find_xmp_orientation(bytes_of("<a tiff:Orientation=\"8\"/>")), 8);
  EXPECT_EQ(find_xmp_orientation(bytes_of("tiff:Orientation='3' <tiff:Orientation>5</tiff:Orientation>")), 5);
  EXPECT_EQ(find_xmp_orientation(bytes_of("tiff:Orientation=\"")), std::nullopt);
  EXPECT_EQ(find_xmp_orientation({}), std::nullopt);
}

}  // namespace
}  // namespace calib8
