#pragma once

#include <map>
#include <protozero/data_view.hpp>
#include <string>
#include <utility>
#include <vector>

#include "read/onnx/onnx_node.h"

namespace calib8 {

/// The functions that a model defines for itself (ModelProto.functions): nodes that stand for several.
class OnnxFunctions {
 public:
  /// Of FunctionProto messages. Fails with ErrorCode::model where one is damaged.
  explicit OnnxFunctions(const std::vector<protozero::data_view>& messages);

  /// Appends the node, or where it calls a function the nodes that it stands for, with the caller's names and
  /// attributes in place of the function's. Fails with ErrorCode::model where functions nest without end.
  void expand(OnnxNodeMessage node, OnnxTensorSource& source, OnnxRefusals& refusals,
              std::vector<OnnxNodeMessage>& into);

 private:
  struct Function {
    std::vector<std::string> inputs, outputs;
    std::vector<protozero::data_view> nodes, defaults;
  };
  void expand(OnnxNodeMessage node, OnnxTensorSource& source, OnnxRefusals& refusals,
              std::vector<OnnxNodeMessage>& into, int depth);

  std::map<std::pair<std::string, std::string>, Function> functions_;  ///< By domain and name.
  std::size_t calls_ = 0;  ///< So far; values within each get names of their own.
};

}  // namespace calib8
