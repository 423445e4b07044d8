#include "report/python_literal.h"

#include <fmt/format.h>

#include "base/text.h"

namespace calib8 {
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
