#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <protozero/data_view.hpp>
#include <string>

#include "base/bytes.h"
#include "base/tensor.h"

namespace calib8 {

/// Where the bytes of a model's tensors are.
struct OnnxTensorSource {
  Data file;                             ///< The model file, which all messages look into.
  std::filesystem::path folder;          ///< For external files; empty where there may be none.
  std::map<std::string, Data> external;  ///< The external files opened so far.
};

/// A TensorProto as it was read.
struct OnnxTensor {
  std::string name;
  std::optional<Tensor> tensor;
  std::string refusal;  ///< Without a tensor, what it holds that Tensor can't: "strings".
};

/// Reads a TensorProto. Fails with ErrorCode::model where the data doesn't fit type and dimensions, or an
/// external file may not be read.
OnnxTensor read_onnx_tensor(protozero::data_view message, OnnxTensorSource& source);

}  // namespace calib8
