#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace calib8 {

/// A to Z become a to z; other bytes stay, whatever the locale.
std::string lower_case(std::string_view text);

/// The character that a text begins with.
struct Utf8Character {
  std::uint32_t code = 0;
  std::size_t size = 0;  ///< Bytes; 0 where the text begins with no well-formed sequence (RFC 3629).
};

/// `text` is not empty.
Utf8Character first_character(std::string_view text);

/// Whether a terminal shows a character where it stands: no control character, none that breaks the line or
/// turns the direction of writing (what a name from a file could forge lines with).
bool is_printable(std::uint32_t code);

/// The text with every byte that is not part of well-formed UTF-8 replaced by U+FFFD.
std::string valid_utf8(std::string_view text);

/// Text from anywhere, safe on a terminal and told apart: bytes that aren't well-formed UTF-8, and characters
/// that aren't printable, become "\xNN", byte by byte.
std::string escaped(std::string_view text);

/// Bytes that a message takes at most.
inline constexpr std::size_t longest_line = 4000;

/// A message that may hold names from files: valid UTF-8 on one line of at most about `longest` bytes, of
/// which the middle is left out where there are more. Characters that aren't printable become '?'.
std::string one_line(std::string_view text, std::size_t longest = longest_line);

/// A name from a file as an error may show it: as one_line(), in quotes, at most about 100 bytes long.
std::string printable(std::string_view name);

}  // namespace calib8
