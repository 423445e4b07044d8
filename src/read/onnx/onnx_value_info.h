#pragma once

#include <optional>
#include <protozero/data_view.hpp>
#include <string>

#include "onnx_graph/onnx_graph.h"

namespace calib8 {

/// A ValueInfoProto.
struct OnnxValueInfo {
  std::string name;
  std::optional<OnnxType> type;
  std::string refusal;  ///< Why it has no type: "is a sequence".
};

/// Reads a ValueInfoProto. A dimension without a size, or with a negative one, stays open. Fails with
/// ErrorCode::model where the message is damaged.
OnnxValueInfo read_onnx_value_info(protozero::data_view message);

}  // namespace calib8
