#include "image/decode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "calib8/error.h"
#include "image/test_images.h"

namespace calib8 {
namespace {

using ::testing::HasSubstr;

std::string message_of(const std::vector<std::byte>& file) {
  try {
    decode_image(file, "file");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::dataset);
    EXPECT_EQ(error.where(), "file");
    EXPECT_EQ(error.message().find('\n'), std::string::npos);
    return error.message();
  }
  return "decoded";
}

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto view = std::as_bytes(std::span(text));
  return {view.begin(), view.end()};
}

int sample_at(const std::vector<std::uint8_t>& samples, int bit_depth, std::size_t row_size, int x, int y) {
  const std::size_t bit = static_cast<std::size_t>(x) * static_cast<std::size_t>(bit_depth);
  const int byte = samples[static_cast<std::size_t>(y) * row_size + bit / 8];
  return (byte >> (8 - bit_depth - static_cast<int>(bit % 8))) & ((1 << bit_depth) - 1);
}

TEST(DecodePng, GrayOfEveryDepthIsScaledToEightBits) {
  for (const int depth : {1, 2, 4, 8}) {
    for (const bool interlaced : {false, true}) {
      const int width = 13;
      const int height = 9;
      const std::size_t row_size = (static_cast<std::size_t>(width * depth) + 7) / 8;
      const auto samples = test::random_bytes(row_size * height, 1);
      const Image image = decode_image(
          test::encode_png(width, height, samples, {SPNG_COLOR_TYPE_GRAYSCALE, depth, interlaced}), "png");
      for (int i = 0; i < width * height; ++i) {
        const int expected =
            sample_at(samples, depth, row_size, i % width, i / width) * 255 / ((1 << depth) - 1);
        for (int c = 0; c < 3; ++c)
          EXPECT_EQ(image.pixels[static_cast<std::size_t>(3 * i + c)], expected) << depth;
      }
    }
  }
}

TEST(DecodePng, SixteenBitGrayIsClippedAndSaysSo) {
  std::vector<std::uint8_t> samples;
  for (int value = 0; value < 65536; ++value) {
    samples.push_back(static_cast<std::uint8_t>(value >> 8));
    samples.push_back(static_cast<std::uint8_t>(value));
  }
  const Image image =
      decode_image(test::encode_png(256, 256, samples, {SPNG_COLOR_TYPE_GRAYSCALE, 16}), "png");
  for (std::size_t value = 0; value < 65536; ++value) {
    ASSERT_EQ(image.pixels[3 * value], std::min<std::size_t>(value, 255)) << value;
  }
  EXPECT_TRUE(image.clipped);
}

struct Channels {
  int color_type;
  int count;
};

TEST(DecodePng, ColourKeepsItsHighByteAndLosesItsAlpha) {
  for (const Channels channels :
       {Channels{SPNG_COLOR_TYPE_TRUECOLOR, 3}, Channels{SPNG_COLOR_TYPE_TRUECOLOR_ALPHA, 4},
        Channels{SPNG_COLOR_TYPE_GRAYSCALE_ALPHA, 2}}) {
    for (const int depth : {8, 16}) {
      for (const bool interlaced : {false, true}) {
        const std::size_t step = static_cast<std::size_t>(channels.count * depth / 8);
        const auto samples = test::random_bytes(step * 11 * 10, 2);
        const Image image =
            decode_image(test::encode_png(11, 10, samples, {channels.color_type, depth, interlaced}), "png");
        for (std::size_t i = 0; i < 110; ++i) {
          for (std::size_t c = 0; c < 3; ++c) {
            const std::size_t source = channels.count == 2 ? 0 : c;
            EXPECT_EQ(image.pixels[3 * i + c],
                      samples[i * step + source * static_cast<std::size_t>(depth / 8)]);
          }
        }
      }
    }
  }
}

TEST(DecodePng, PaletteIsLookedUpAndBlackBeyondItsEnd) {
  const std::vector<spng_plte_entry> palette = {{10, 20, 30, 0}, {40, 50, 60, 0}};
  const Image image =
      decode_image(test::encode_png(3, 1, {0, 1, 7}, {SPNG_COLOR_TYPE_INDEXED, 8, false, palette}), "png");
  EXPECT_EQ(image.pixels, (std::vector<std::uint8_t>{10, 20, 30, 40, 50, 60, 0, 0, 0}));
}

TEST(DecodeJpeg, GrayAndColourComeOutNearWhatWentIn) {
  for (const J_COLOR_SPACE space : {JCS_GRAYSCALE, JCS_RGB}) {
    for (const bool progressive : {false, true}) {
      const int channels = space == JCS_RGB ? 3 : 1;
      std::vector<std::uint8_t> samples;
      for (int i = 0; i < 37 * 21; ++i) {
        for (int c = 0; c < channels; ++c) samples.push_back(static_cast<std::uint8_t>(60 + 40 * c + i / 37));
      }
      const Image image = decode_image(test::encode_jpeg(37, 21, samples, {space, progressive, 100}), "jpeg");
      ASSERT_EQ(image.width, 37);
      ASSERT_EQ(image.height, 21);
      for (std::size_t i = 0; i < image.pixels.size(); ++i) {
        const std::size_t source = channels == 3 ? i : i / 3;
        EXPECT_NEAR(image.pixels[i], samples[source], 3);
      }
    }
  }
}

TEST(DecodeJpeg, ArithmeticCodingGivesTheSamePixels) {
  const auto samples = test::random_bytes(37 * 21 * 3, 8);
  for (const bool progressive : {false, true}) {
    const auto huffman = test::encode_jpeg(37, 21, samples, {JCS_RGB, progressive, 90, false});
    const auto arithmetic = test::encode_jpeg(37, 21, samples, {JCS_RGB, progressive, 90, true});
    EXPECT_NE(huffman, arithmetic);
    EXPECT_EQ(decode_image(huffman, "jpeg"), decode_image(arithmetic, "jpeg"));
  }
}

TEST(DecodeJpeg, TwelveBitsAreRefused) {
  std::vector<std::byte> file = test::encode_jpeg(8, 8, test::random_bytes(192, 9));
  const std::byte frame[2] = {std::byte{0xff}, std::byte{0xc0}};
  const auto header = std::search(file.begin(), file.end(), std::begin(frame), std::end(frame));
  ASSERT_NE(header, file.end());
  header[1] = std::byte{0xc1};  // extended sequential, of 12 bits
  header[4] = std::byte{12};
  EXPECT_THAT(message_of(file), HasSubstr("precision 12"));
}

TEST(DecodeJpeg, CmykIsTakenAsInverted) {
  const std::vector<std::uint8_t> white(16 * 16 * 4, 255);
  const Image image = decode_image(test::encode_jpeg(16, 16, white, {JCS_CMYK}), "jpeg");
  EXPECT_TRUE(std::all_of(image.pixels.begin(), image.pixels.end(), [](int value) { return value > 250; }));

  std::vector<std::uint8_t> cyan;  // inverted: no red
  for (int i = 0; i < 256; ++i) cyan.insert(cyan.end(), {0, 255, 255, 255});
  const Image blue_green = decode_image(test::encode_jpeg(16, 16, cyan, {JCS_CMYK, false, 100}), "jpeg");
  EXPECT_LT(blue_green.pixels[0], 5);
  EXPECT_GT(blue_green.pixels[1], 250);
  EXPECT_GT(blue_green.pixels[2], 250);
}

TEST(Decode, FilesCutShortAnywhereAreRefused) {
  const std::vector<std::uint8_t> samples = test::random_bytes(40 * 30 * 3, 3);
  const std::vector<std::vector<std::byte>> jpegs = {test::encode_jpeg(40, 30, samples),
                                                     test::encode_jpeg(40, 30, samples, {JCS_RGB, true})};
  for (const auto& file : jpegs) {
    for (std::size_t size = 0; size < file.size(); ++size) {
      ASSERT_NE(message_of({file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)}), "decoded")
          << size;
    }
    EXPECT_EQ(message_of(file), "decoded");
  }
  const std::vector<std::byte> png = test::encode_png(40, 30, samples);
  constexpr std::size_t end_chunk = 12;  // Pillow doesn't ask for it either
  for (std::size_t size = 0; size + end_chunk + 8 < png.size(); ++size) {
    ASSERT_NE(message_of({png.begin(), png.begin() + static_cast<std::ptrdiff_t>(size)}), "decoded") << size;
  }
  EXPECT_EQ(message_of(png), "decoded");
}

TEST(Decode, FlippedBitsNeverCrash) {
  const std::vector<std::uint8_t> samples = test::random_bytes(24 * 24 * 3, 4);
  const std::vector<std::vector<std::byte>> files = {test::encode_jpeg(24, 24, samples),
                                                     test::encode_jpeg(24, 24, samples, {JCS_RGB, true}),
                                                     test::encode_png(24, 24, samples)};
  std::mt19937 random(5);
  for (const auto& file : files) {
    for (int i = 0; i < 500; ++i) {
      std::vector<std::byte> damaged = file;
      for (int k = 0; k < 3; ++k)
        damaged[random() % damaged.size()] ^= static_cast<std::byte>(1 << (random() % 8));
      message_of(damaged);
    }
  }
}

/// A PNG of one row's worth of data that claims another size.
std::vector<std::byte> png_that_claims(std::uint32_t width, std::uint32_t height) {
  std::vector<std::byte> file = test::encode_png(1, 1, {1, 2, 3});
  for (int i = 0; i < 4; ++i) {
    file[static_cast<std::size_t>(16 + i)] = static_cast<std::byte>(width >> (24 - 8 * i));
    file[static_cast<std::size_t>(20 + i)] = static_cast<std::byte>(height >> (24 - 8 * i));
  }
  std::uint32_t crc = 0xffffffff;
  for (std::size_t i = 12; i < 29; ++i) {
    crc ^= static_cast<std::uint32_t>(file[i]);
    for (int k = 0; k < 8; ++k) crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320U : 0U);
  }
  for (int i = 0; i < 4; ++i)
    file[static_cast<std::size_t>(29 + i)] = static_cast<std::byte>(~crc >> (24 - 8 * i));
  return file;
}

TEST(Decode, SizesThatLieCostNothing) {
  EXPECT_THAT(message_of(png_that_claims(60000, 60000)), HasSubstr("60000x60000 pixels, over the limit"));
  EXPECT_NE(message_of(png_that_claims(0x7fffffff, 0x7fffffff)), "decoded");
  EXPECT_THAT(message_of(png_that_claims(10000, 10000)), HasSubstr("can't hold them"));
  std::vector<std::byte> jpeg = test::encode_jpeg(8, 8, test::random_bytes(192, 6));
  for (std::size_t i = 0; i + 9 < jpeg.size(); ++i) {
    if (jpeg[i] == std::byte{0xff} && jpeg[i + 1] == std::byte{0xc0}) {
      for (std::size_t k = 5; k < 9; ++k) jpeg[i + k] = std::byte{0xea};
    }
  }
  EXPECT_THAT(message_of(jpeg), HasSubstr("60138x60138 pixels, over the limit"));
}

TEST(Decode, OtherContentIsNamed) {
  EXPECT_THAT(message_of({}), HasSubstr("is empty"));
  EXPECT_THAT(message_of(bytes_of("8BPS")), HasSubstr("a Photoshop document"));
  EXPECT_THAT(message_of(bytes_of("hello")), HasSubstr("none of JPEG, PNG, WebP, BMP, TIFF, PNM, GIF, AVIF and HEIC"));
}

TEST(Decode, TheFormatIsToldByContent) {
  const std::vector<std::uint8_t> samples(12, 7);
  EXPECT_EQ(format_of(test::encode_jpeg(2, 2, samples)), ImageFormat::jpeg);
  EXPECT_EQ(format_of(test::encode_png(2, 2, samples)), ImageFormat::png);
  EXPECT_EQ(format_of(test::encode_webp(2, 2, samples)), ImageFormat::webp);
  EXPECT_EQ(format_of(bytes_of("BM")), ImageFormat::bmp);
  EXPECT_EQ(format_of(bytes_of({"II*\0", 4})), ImageFormat::tiff);
  EXPECT_EQ(format_of(bytes_of({"MM\0+", 4})), ImageFormat::tiff);
  EXPECT_EQ(format_of(bytes_of("RIFF....WAVEfmt ")), ImageFormat::unknown);
  EXPECT_EQ(format_of({}), ImageFormat::unknown);
  EXPECT_EQ(name_of(ImageFormat::webp), "WebP");
  EXPECT_EQ(name_of(ImageFormat::unknown), "unknown");
}

TEST(DecodeWebp, LosslessComesOutAsItWentIn) {
  const std::vector<std::uint8_t> samples = test::random_bytes(31 * 17 * 3, 7);
  const std::vector<std::byte> file = test::encode_webp(31, 17, samples);
  EXPECT_EQ(decode_image(file, "webp"), (Image{31, 17, samples}));
  for (std::size_t size = 15; size < file.size(); size += 7) {
    EXPECT_THAT(message_of({file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)}),
                HasSubstr("can't be decoded as WebP"));
  }
}

TEST(DecodeBmp, RowsStandUpsideDownAndPixelsAsBlueGreenRed) {
  const auto file =
      bytes_of({"BM\0\0\0\0\0\0\0\0\x1a\0\0\0"
                "\x0c\0\0\0\x01\0\x02\0\x01\0\x18\0"
                "\x01\x02\x03\0\x04\x05\x06",
                33});
  EXPECT_EQ(decode_image(file, "bmp"), (Image{1, 2, {6, 5, 4, 3, 2, 1}}));
  EXPECT_THAT(message_of({file.begin(), file.end() - 1}), HasSubstr("the file is cut short"));
}

/// One strip of one row of 8 bit gray, 3 pixels wide; `format` is the sample format.
std::vector<std::byte> gray_tiff(int format) {
  std::string text("II*\0\x0c\0\0\0\x01\x80\xff\0\x08\0", 14);
  const int tags[8][2] = {{256, 3}, {257, 1}, {258, 8}, {259, 1},
                          {262, 1}, {273, 8}, {279, 3}, {339, format}};
  for (const auto& [tag, value] : tags) {
    text += {static_cast<char>(tag),
             static_cast<char>(tag >> 8),
             3,
             0,
             1,
             0,
             0,
             0,
             static_cast<char>(value),
             0,
             0,
             0};
  }
  return bytes_of(text + std::string(4, '\0'));
}

TEST(DecodeTiff, GrayIsReadAndFloatIsNamed) {
  EXPECT_EQ(decode_image(gray_tiff(1), "tiff"), (Image{3, 1, {1, 1, 1, 128, 128, 128, 255, 255, 255}}));
  EXPECT_THAT(message_of(gray_tiff(3)), HasSubstr("8 bit float samples"));
}

}  // namespace
}  // namespace calib8
