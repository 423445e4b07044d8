#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "calib8/error.h"

namespace calib8 {

/// The bytes as text, without a copy and without a promise about their encoding.
inline std::string_view text_of(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Reads little-endian numbers and byte runs from front to back. Every step is checked: past the end it fails
/// with ErrorCode::model, naming what was being read and in which file.
class ByteCursor {
 public:
  /// `what` and `where` are for errors: "the pickle", "model.pth". They must outlive the cursor.
  ByteCursor(ByteView bytes, std::string_view what, std::string_view where, std::size_t position = 0)
      : bytes_(bytes), what_(what), where_(where), position_(position) {
    if (position > bytes.size()) fail();
  }

  std::size_t position() const { return position_; }
  std::size_t remaining() const { return bytes_.size() - position_; }

  /// The next `size` bytes.
  ByteView take(std::uint64_t size) {
    if (size > remaining()) fail();
    const ByteView taken = bytes_.subspan(position_, static_cast<std::size_t>(size));
    position_ += taken.size();
    return taken;
  }

  /// The next little-endian number.
  template <std::integral T>
  T number() {
    const ByteView taken = take(sizeof(T));
    T value;
    std::memcpy(&value, taken.data(), sizeof(T));
    return value;
  }

  /// The text up to the next newline, which is passed over.
  std::string_view line() {
    const std::string_view rest = text_of(bytes_.subspan(position_));
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) fail();
    position_ += end + 1;
    return rest.substr(0, end);
  }

 private:
  [[noreturn]] void fail() const {
    throw Error(ErrorCode::model,
                std::string(what_) + " ends too early: the file is truncated or damaged, get it anew",
                std::string(where_));
  }

  ByteView bytes_;
  std::string_view what_;
  std::string_view where_;
  std::size_t position_;
};

}  // namespace calib8
