#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "calib8/error.h"
#include "image/decode_formats.h"

namespace calib8 {
namespace {

/// A file of Netpbm: https://netpbm.sourceforge.net/doc/pnm.html. P1 to P3 hold their samples as text, P4 to
/// P6 as bytes; bits, gray levels and colours.
struct PnmHeader {
  char kind = '0';
  std::int64_t width = 0, height = 0;
  std::int64_t most = 1;  ///< The value of white.

  bool is_text() const { return kind <= '3'; }
  int channels() const { return kind == '3' || kind == '6' ? 3 : 1; }
  bool is_bits() const { return kind == '1' || kind == '4'; }
};

class PnmReader {
 public:
  PnmReader(ByteView file, const std::string& where) : file_(file), where_(where) {}

  PnmHeader header() {
    PnmHeader header;
    header.kind = static_cast<char>(file_[1]);
    at_ = 2;
    header.width = number();
    header.height = number();
    if (!header.is_bits()) header.most = number();
    if (header.most < 1 || header.most > 65535) fail("its value of white is not 1 to 65535");
    ++at_;  // the one blank before the samples
    return header;
  }

  /// The next number of the text, behind blanks and comments. Fails where there is none.
  std::int64_t number() {
    skip_blanks();
    std::int64_t value = 0;
    const std::size_t begin = at_;
    for (; at_ < file_.size() && is_digit(byte()) && at_ - begin < 10; ++at_)
      value = value * 10 + (byte() - '0');
    if (at_ == begin) fail(at_ < file_.size() ? "a number is missing" : "the file is cut short");
    return value;
  }

  /// One bit of P1, which needs no blanks between them.
  int bit() {
    skip_blanks();
    if (at_ >= file_.size()) fail("the file is cut short");
    const char value = byte();
    if (value != '0' && value != '1') fail("a bit is neither 0 nor 1");
    ++at_;
    return value - '0';
  }

  /// The next `count` bytes.
  ByteView take(std::size_t count) {
    if (at_ > file_.size() || count > file_.size() - at_) fail("the file is cut short");
    at_ += count;
    return file_.subspan(at_ - count, count);
  }

  [[noreturn]] void fail(const char* reason) const {
    throw Error(ErrorCode::dataset, fmt::format("can't be decoded as PNM: {}", reason), where_);
  }

 private:
  char byte() const { return static_cast<char>(file_[at_]); }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  void skip_blanks() {
    for (; at_ < file_.size(); ++at_) {
      if (byte() == '#') {
        while (at_ < file_.size() && byte() != '\n' && byte() != '\r') ++at_;
      } else if (byte() != ' ' && (byte() < '\t' || byte() > '\r')) {
        return;
      }
    }
  }

  ByteView file_;
  const std::string& where_;
  std::size_t at_ = 0;
};

/// To 0..255 by Pillow's rule: rounded to nearest, halves to even; gray of more than 8 bits is scaled to 16
/// and then clipped as any 16 bit gray is.
class PnmScale {
 public:
  explicit PnmScale(const PnmHeader& header)
      : most_(header.most), deep_gray_(header.channels() == 1 && header.most > 255) {}

  std::uint8_t operator()(std::int64_t value, Image& image) const {
    const double white = deep_gray_ ? 65535 : 255;
    const double scaled =
        std::min(white, std::nearbyint(static_cast<double>(value) / static_cast<double>(most_) * white));
    return deep_gray_ ? clip_deep_gray(static_cast<unsigned>(scaled), image)
                      : static_cast<std::uint8_t>(scaled);
  }

 private:
  std::int64_t most_;
  bool deep_gray_;
};

void put(Image& image, std::size_t sample, int channels, std::uint8_t value) {
  if (channels == 3) {
    image.pixels[sample] = value;
  } else {
    for (std::size_t c = 0; c < 3; ++c) image.pixels[sample * 3 + c] = value;
  }
}

void decode_bits(PnmReader& reader, const PnmHeader& header, Image& image) {
  const auto width = static_cast<std::size_t>(header.width);
  for (std::size_t y = 0; y < static_cast<std::size_t>(header.height); ++y) {
    const ByteView row = header.is_text() ? ByteView() : reader.take((width + 7) / 8);
    for (std::size_t x = 0; x < width; ++x) {
      const int black =
          header.is_text() ? reader.bit() : (std::to_integer<int>(row[x / 8]) >> (7 - x % 8)) & 1;
      put(image, y * width + x, 1, black != 0 ? 0 : 255);
    }
  }
}

void decode_samples(PnmReader& reader, const PnmHeader& header, Image& image) {
  const int channels = header.channels();
  const std::size_t count = image.pixels.size() / 3 * static_cast<std::size_t>(channels);
  const std::size_t width = header.most > 255 ? 2 : 1;
  const PnmScale scale(header);
  const ByteView bytes = header.is_text() ? ByteView() : reader.take(count * width);
  for (std::size_t i = 0; i < count; ++i) {
    std::int64_t value = 0;
    if (header.is_text()) {
      value = reader.number();
      if (value > header.most) reader.fail("a value is above that of white");
    } else if (width == 1) {
      value = std::to_integer<int>(bytes[i]);
    } else {
      value = std::to_integer<int>(bytes[2 * i]) * 256 + std::to_integer<int>(bytes[2 * i + 1]);
    }
    put(image, i, channels, scale(value, image));
  }
}

}  // namespace

Image decode_pnm(ByteView file, const std::string& where) {
  PnmReader reader(file, where);
  const PnmHeader header = reader.header();
  const double bits_of_sample = header.is_bits() ? 1 : header.is_text() || header.most <= 255 ? 8 : 16;
  Image image =
      allocate_image(header.width, header.height, file.size(), bits_of_sample * header.channels(), where);
  header.is_bits() ? decode_bits(reader, header, image) : decode_samples(reader, header, image);
  return image;
}

}  // namespace calib8
