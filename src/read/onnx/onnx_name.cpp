#include "read/onnx/onnx_name.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "calib8/error.h"

namespace calib8 {

std::string read_onnx_name(protozero::data_view view) {
  constexpr std::size_t longest = 4096;
  const std::string_view name(view.data(), view.size());
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; };
  if (name.size() > longest || std::any_of(name.begin(), name.end(), is_control) ||
      valid_utf8(name) != name) {
    throw Error(ErrorCode::model, "is damaged: it holds the name " + printable(name));
  }
  return std::string(name);
}

}  // namespace calib8
