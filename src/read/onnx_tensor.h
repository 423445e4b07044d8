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

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

/// Reads a TensorProto. Nothing where its element type is one that Tensor doesn't have (`type_name` then says
/// which). Fails with ErrorCode::model where the data doesn't fit type and dimensions, or an external file
/// may not be read.
std::optional<NamedTensor> read_onnx_tensor(protozero::data_view message, OnnxTensorSource& source,
                                            std::string& type_name);

}  // namespace calib8
