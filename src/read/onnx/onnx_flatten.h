#pragma once

#include <map>
#include <protozero/data_view.hpp>
#include <string>
#include <utility>
#include <vector>

#include "read/onnx/onnx_node.h"
#include "read/onnx/onnx_tensor.h"

namespace calib8 {

/// The nodes of a file in one list: those that stand for several are replaced by these.
///
/// A call of a function that the model defines for itself (ModelProto.functions) becomes the function's
/// nodes, with the caller's names and attributes in place of the function's.
///
/// An If becomes the nodes of both its branches, and one node If that chooses between their outputs: inputs
/// [condition, then_branch's outputs..., else_branch's outputs...]. Nodes have no effect but their outputs,
/// so computing both means the same. Values of a branch get names of their own; those that it takes from
/// outside keep theirs.
class OnnxFlattener {
 public:
  /// `functions` are FunctionProto messages. Fails with ErrorCode::model where one is damaged.
  OnnxFlattener(const std::vector<protozero::data_view>& functions, OnnxTensorSource& source,
                OnnxRefusals& refusals);

  /// Appends the node at that place in the file's list, or what it stands for, to `nodes`. Fails with
  /// ErrorCode::model where functions or branches nest without end.
  void add(protozero::data_view message, std::size_t position);

  std::vector<OnnxNodeMessage> nodes;
  std::vector<OnnxTensor> initializers;  ///< Of branches.

 private:
  class Scope;
  struct Function {
    std::vector<std::string> inputs, outputs;
    std::vector<protozero::data_view> nodes, defaults;
  };

  void add(OnnxNodeMessage node, const Scope& scope);
  void call(OnnxNodeMessage node, const Function& function, const Scope& scope);
  void join_branches(OnnxNodeMessage node, const Scope& scope);
  std::vector<std::string> add_branch(const OnnxNodeMessage& node, protozero::data_view branch,
                                      const Scope& scope);

  OnnxTensorSource& source_;
  OnnxRefusals& refusals_;
  std::map<std::pair<std::string, std::string>, Function> functions_;  ///< By domain and name.
  std::size_t scopes_ = 0;  ///< So far; values within each get names of their own.
};

}  // namespace calib8
