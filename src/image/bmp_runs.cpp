#include "image/bmp_runs.h"

#include <algorithm>

namespace calib8 {
namespace {

class RunReader {
 public:
  RunReader(ByteView file, std::size_t offset, std::size_t width, std::size_t height, bool nibbles)
      : file_(file), at_(offset), width_(width), wanted_(width * height), nibbles_(nibbles) {}

  std::vector<std::uint8_t> read() {
    while (indices_.size() < wanted_ && has(2)) {
      const std::size_t count = take();
      const std::uint8_t value = take();
      if (count > 0) {
        add_run(std::min(count, width_ - std::min(x_, width_)), value);
      } else if (value == 0) {
        indices_.resize((indices_.size() + width_ - 1) / width_ * width_);
        x_ = 0;
      } else if (value == 1 || !(value == 2 ? move() : copy(value))) {
        break;
      }
    }
    return std::move(indices_);
  }

 private:
  bool has(std::size_t count) const { return at_ <= file_.size() && file_.size() - at_ >= count; }
  std::uint8_t take() { return std::to_integer<std::uint8_t>(file_[at_++]); }

  void add_run(std::size_t count, std::uint8_t value) {
    for (std::size_t i = 0; i < count; ++i) {
      indices_.push_back(!nibbles_    ? value
                         : i % 2 == 0 ? static_cast<std::uint8_t>(value >> 4)
                                      : static_cast<std::uint8_t>(value & 15));
    }
    x_ += count;
  }

  /// Leaves pixels out, which are index 0.
  bool move() {
    if (!has(2)) return false;
    const std::size_t right = take();
    const std::size_t up = take();
    indices_.resize(std::min(wanted_, indices_.size() + right + up * width_));
    x_ = indices_.size() % width_;
    return true;
  }

  /// `count` indices as they are, up to an even place in the file. False where the picture or the file ends.
  bool copy(std::size_t count) {
    const std::size_t pixels = std::min(count, wanted_ - indices_.size());
    const std::size_t bytes = nibbles_ ? (pixels + 1) / 2 : pixels;
    if (!has(bytes)) return false;
    for (std::size_t i = 0; i < bytes; ++i) {
      const std::uint8_t value = take();
      if (!nibbles_) {
        indices_.push_back(value);
        continue;
      }
      indices_.push_back(static_cast<std::uint8_t>(value >> 4));
      if (2 * i + 1 < pixels) indices_.push_back(static_cast<std::uint8_t>(value & 15));
    }
    x_ += count;
    at_ += at_ % 2;
    return true;
  }

  ByteView file_;
  std::size_t at_;
  std::size_t width_;
  std::size_t wanted_;
  bool nibbles_;
  std::size_t x_ = 0;  ///< In the row; beyond its end where a copy went there.
  std::vector<std::uint8_t> indices_;
};

}  // namespace

std::vector<std::uint8_t> decode_bmp_runs(ByteView file, std::size_t offset, std::size_t width,
                                          std::size_t height, bool nibbles) {
  return RunReader(file, offset, width, height, nibbles).read();
}

}  // namespace calib8
