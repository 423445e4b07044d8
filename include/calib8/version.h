#pragma once

#include <string_view>

namespace calib8 {

inline constexpr std::string_view version = "0.1.0";

}  // namespace calib8
