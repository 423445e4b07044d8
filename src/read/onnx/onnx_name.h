#pragma once

#include <protozero/data_view.hpp>
#include <string>

namespace calib8 {

/// A name out of an ONNX file. Fails with ErrorCode::model where it isn't UTF-8, holds control characters, or
/// has more than 4096 bytes: names go into messages, reports and other files.
std::string read_onnx_name(protozero::data_view view);

}  // namespace calib8
