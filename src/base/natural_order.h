#pragma once

#include <string_view>

namespace calib8 {

/// Whether a name stands before another one where numbers within them are compared by value: "1", "2", "10".
bool before_naturally(std::string_view a, std::string_view b);

}  // namespace calib8
