#include "base/text.h"

#include <fmt/format.h>

namespace calib8 {
namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";  // U+FFFD
constexpr std::string_view left_out = " [...] ";

/// Where a cut at `place` would not part a character: the first byte at or behind it that begins one.
std::size_t character_at(std::string_view text, std::size_t place) {
  while (place < text.size() && (static_cast<unsigned char>(text[place]) & 0xc0) == 0x80) ++place;
  return place;
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

Utf8Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i]));
  };
  if (byte(0) < 0x80) return {byte(0), 1};
  const std::size_t size = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (byte(0) < 0xc0 || byte(0) > 0xf4 || text.size() < size) return {};
  std::uint32_t code = byte(0) & (0x7f >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3f);
  }
  constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < smallest[size] || code > 0x10ffff || surrogate) return {};
  return {code, size};
}

bool is_printable(std::uint32_t code) {
  const auto within = [code](std::uint32_t first, std::uint32_t last) {
    return code >= first && code <= last;
  };
  const bool control = code < 0x20 || within(0x7f, 0x9f);
  const bool breaks_line = within(0x2028, 0x2029);
  const bool turns_direction =
      code == 0x061c || within(0x200e, 0x200f) || within(0x202a, 0x202e) || within(0x2066, 0x2069);
  return !control && !breaks_line && !turns_direction;
}

std::string valid_utf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const std::size_t size = first_character(text).size;
    valid += size == 0 ? replacement : text.substr(0, size);
    text.remove_prefix(size == 0 ? 1 : size);
  }
  return valid;
}

std::string escaped(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const auto [code, size] = first_character(text);
    const std::string_view bytes = text.substr(0, size == 0 ? 1 : size);
    if (size != 0 && is_printable(code)) {
      result += bytes;
    } else {
      for (const char byte : bytes) result += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
    }
    text.remove_prefix(bytes.size());
  }
  return result;
}

std::string one_line(std::string_view text, std::size_t longest) {
  if (text.size() > longest) {
    const std::size_t head = character_at(text, longest / 3 * 2);
    const std::size_t tail = character_at(text, text.size() - longest / 3);
    return one_line(text.substr(0, head), head).append(left_out) + one_line(text.substr(tail), text.size());
  }
  std::string line;
  while (!text.empty()) {
    const auto [code, size] = first_character(text);
    if (size == 0)
      line += replacement;
    else if (is_printable(code))
      line += text.substr(0, size);
    else
      line += '?';
    text.remove_prefix(size == 0 ? 1 : size);
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
