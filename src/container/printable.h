#pragma once

#include <string>
#include <string_view>

namespace calib8 {

/// The text with every byte that is not part of well-formed UTF-8 replaced by U+FFFD.
std::string valid_utf8(std::string_view text);

/// Valid UTF-8 on one line: control characters become '?'.
std::string one_line(std::string_view text);

/// A name from a file as an error may show it: on one line and in quotes, without control characters, valid
/// UTF-8, at most about 100 bytes long.
std::string printable(std::string_view name);

}  // namespace calib8
