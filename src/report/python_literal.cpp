#include "report/python_literal.h"

#include <fmt/format.h>

#include <cstdint>

namespace calib8 {
namespace {

/// The first character and its length in bytes; length 0 where the text doesn't begin with valid UTF-8.
struct Character {
  std::uint32_t code = 0;
  std::size_t length = 0;
};

Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return {};
  std::uint32_t code = first & (0xffu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3fu);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  if (overlong || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff) return {};
  return {code, length};
}

}  // namespace

std::string python_literal(std::string_view text) {
  std::string literal = "\"";
  while (!text.empty()) {
    const auto [code, length] = first_character(text);
    if (length == 0) {
      literal += fmt::format("\\udc{:02x}", static_cast<unsigned char>(text[0]));
    } else if (code == '"' || code == '\\') {
      literal += {'\\', text[0]};
    } else if (code >= 0x20 && code < 0x7f) {
      literal += text[0];
    } else if (code < 0x100) {
      literal += fmt::format("\\x{:02x}", code);
    } else {
      literal += code < 0x10000 ? fmt::format("\\u{:04x}", code) : fmt::format("\\U{:08x}", code);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return literal + "\"";
}

}  // namespace calib8
