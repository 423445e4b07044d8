#include "container/pickle_text.h"

#include <charconv>

namespace calib8 {
namespace {

template <class T>
std::optional<T> parse_number(std::string_view digits) {
  T value{};
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::optional<std::uint32_t> parse_hexadecimal(std::string_view digits, std::size_t at, std::size_t count) {
  if (digits.size() - at < count) return std::nullopt;
  std::uint32_t value = 0;
  const char* begin = digits.data() + at;
  const auto [stop, error] = std::from_chars(begin, begin + count, value, 16);
  if (error != std::errc() || stop != begin + count) return std::nullopt;
  return value;
}

void append_utf8(std::string& text, std::uint32_t code_point) {
  const auto append = [&](std::uint32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    append(code_point);
    return;
  }
  if (code_point < 0x800) {
    append(0xc0 | code_point >> 6);
  } else {
    if (code_point < 0x10000) {
      append(0xe0 | code_point >> 12);
    } else {
      append(0xf0 | code_point >> 18);
      append(0x80 | (code_point >> 12 & 0x3f));
    }
    append(0x80 | (code_point >> 6 & 0x3f));
  }
  append(0x80 | (code_point & 0x3f));
}

/// The character that a backslash and `letter` stand for; nothing where it is not one of the short escapes.
std::optional<char> short_escape(char letter) {
  switch (letter) {
    case 'a':
      return '\a';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'v':
      return '\v';
    case '\\':
    case '\'':
    case '"':
      return letter;
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<std::string> decode_string_literal(std::string_view literal) {
  if (literal.size() < 2 || literal.front() != literal.back() ||
      (literal.front() != '\'' && literal.front() != '"'))
    return std::nullopt;
  const std::string_view inside = literal.substr(1, literal.size() - 2);
  std::string text;
  for (std::size_t i = 0; i < inside.size(); ++i) {
    if (inside[i] != '\\') {
      text.push_back(inside[i]);
      continue;
    }
    if (++i == inside.size()) return std::nullopt;
    if (inside[i] == 'x') {
      const auto byte = parse_hexadecimal(inside, i + 1, 2);
      if (!byte) return std::nullopt;
      text.push_back(static_cast<char>(*byte));
      i += 2;
    } else if (const auto character = short_escape(inside[i])) {
      text.push_back(*character);
    } else {
      return std::nullopt;
    }
  }
  return text;
}

std::optional<std::string> decode_raw_unicode(std::string_view escaped) {
  std::string text;
  for (std::size_t i = 0; i < escaped.size(); ++i) {
    const char next = i + 1 < escaped.size() ? escaped[i + 1] : '\0';
    if (escaped[i] == '\\' && (next == 'u' || next == 'U')) {
      const std::size_t digits = next == 'u' ? 4 : 8;
      const auto code_point = parse_hexadecimal(escaped, i + 2, digits);
      if (!code_point || *code_point > 0x10ffff) return std::nullopt;
      append_utf8(text, *code_point);
      i += 1 + digits;
    } else {
      append_utf8(text, static_cast<unsigned char>(escaped[i]));
    }
  }
  return text;
}

std::string latin1_to_utf8(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) append_utf8(text, static_cast<unsigned char>(byte));
  return text;
}

std::optional<std::string> utf8_to_latin1(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x80) {
      bytes.push_back(text[i]);
      continue;
    }
    // Code points 128 to 255 begin with 0xc2 or 0xc3.
    if ((byte != 0xc2 && byte != 0xc3) || i + 1 == text.size()) return std::nullopt;
    const auto next = static_cast<unsigned char>(text[++i]);
    if ((next & 0xc0) != 0x80) return std::nullopt;
    bytes.push_back(static_cast<char>((byte & 0x03) << 6 | (next & 0x3f)));
  }
  return bytes;
}

std::optional<std::int64_t> parse_integer(std::string_view digits) {
  return parse_number<std::int64_t>(digits);
}

std::optional<double> parse_real(std::string_view digits) {
  return parse_number<double>(digits);
}

}  // namespace calib8
