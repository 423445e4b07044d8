#include "container/printable.h"

#include <cstddef>
#include <cstdint>

namespace calib8 {
namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";  // U+FFFD

/// Bytes of the well-formed sequence that the text begins with (RFC 3629), 0 where there is none.
std::size_t sequence_size(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i]));
  };
  if (byte(0) < 0x80) return 1;
  const std::size_t size = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (byte(0) < 0xc0 || byte(0) > 0xf4 || text.size() < size) return 0;
  std::uint32_t code_point = byte(0) & (0x7f >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code_point = code_point << 6 | (byte(i) & 0x3f);
  }
  constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
  return code_point < smallest[size] || code_point > 0x10ffff || surrogate ? 0 : size;
}

}  // namespace

std::string valid_utf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const std::size_t size = sequence_size(text);
    valid += size == 0 ? replacement : text.substr(0, size);
    text.remove_prefix(size == 0 ? 1 : size);
  }
  return valid;
}

std::string one_line(std::string_view text) {
  std::string line = valid_utf8(text);
  for (char& character : line) {
    if (static_cast<unsigned char>(character) < ' ' || character == '\x7f') character = '?';
  }
  return line;
}

std::string printable(std::string_view name) {
  constexpr std::size_t longest = 100;
  const bool cut = name.size() > longest;
  if (cut) name = name.substr(0, longest);
  return '"' + one_line(name) + (cut ? "...\"" : "\"");
}

}  // namespace calib8
