#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace calib8 {

/// The text of protocol 0's STRING opcode: a Python string literal with its quotes and escapes. Nothing where
/// it is not one.
std::optional<std::string> decode_string_literal(std::string_view literal);

/// The text of protocol 0's UNICODE opcode ("raw-unicode-escape": Latin-1 with \uXXXX and \UXXXXXXXX) as
/// UTF-8. Nothing where it is not well formed.
std::optional<std::string> decode_raw_unicode(std::string_view text);

/// Latin-1 as UTF-8: every byte is the code point of its number.
std::string latin1_to_utf8(std::string_view bytes);

/// UTF-8 of code points up to 255 as those bytes, the inverse of latin1_to_utf8; nothing where there are
/// others.
std::optional<std::string> utf8_to_latin1(std::string_view text);

/// A whole decimal number within 64 bits; nothing otherwise.
std::optional<std::int64_t> parse_integer(std::string_view digits);

/// A whole floating point number as Python's repr writes it; nothing otherwise.
std::optional<double> parse_real(std::string_view digits);

}  // namespace calib8
