#pragma once

#include <map>
#include <protozero/data_view.hpp>
#include <string>
#include <vector>

#include "onnx_graph/onnx_graph.h"
#include "read/onnx/onnx_refusals.h"
#include "read/onnx/onnx_tensor.h"

namespace calib8 {

/// A NodeProto: inputs and outputs by name ("" is an omitted one).
struct OnnxNodeMessage {
  std::size_t position = 0;  ///< Its place in the file's list of nodes.
  std::string op_type, name, domain;
  std::vector<std::string> inputs, outputs;
  std::map<std::string, OnnxAttribute> attributes;
  std::map<std::string, protozero::data_view> subgraphs;  ///< Attributes that hold a GraphProto.
  /// Values that are known before the node runs: where it stands in branches, their conditions.
  std::vector<std::string> conditions;
  /// What of it can't be converted, where it stands in a branch, which may not be taken.
  std::vector<std::string> refusals;

  /// "Conv 'stem' (node 3)"
  std::string describe() const;
};

/// Reads a NodeProto. What its attributes hold and OnnxAttribute can't goes to the refusals. Fails with
/// ErrorCode::model where the message is damaged.
/// Attributes may refer to those of the `caller` of the function that the node stands in; those that the
/// caller doesn't have are left out.
OnnxNodeMessage read_onnx_node(protozero::data_view message, std::size_t position, OnnxTensorSource& source,
                               OnnxRefusals& refusals,
                               const std::map<std::string, OnnxAttribute>* caller = nullptr);

/// Gives the node those attributes (AttributeProto) that it lacks.
void read_onnx_defaults(OnnxNodeMessage& node, const std::vector<protozero::data_view>& attributes,
                        OnnxTensorSource& source, OnnxRefusals& refusals);

}  // namespace calib8
