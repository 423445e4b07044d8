#pragma once

#include <string>
#include <string_view>

namespace calib8 {

/// A Python string literal for the bytes of a name, in ASCII alone: UTF-8 becomes escapes, and other bytes
/// the lone surrogates by which Python's os functions spell them (surrogateescape), so that open() finds the
/// file.
std::string python_literal(std::string_view text);

}  // namespace calib8
