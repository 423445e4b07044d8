#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "onnx_graph/emitter.h"
#include "read/onnx/onnx_refusals.h"

namespace calib8 {

inline constexpr std::int64_t oldest_opset = 7, newest_opset = 25;

/// Where a node stands that is being upgraded.
struct OnnxUpgrade {
  OnnxEmitter& emitter;     ///< Of the graph; knows all names that the file uses.
  std::int64_t opset;       ///< The file's.
  std::string description;  ///< Of the node, for refusals.
  OnnxRefusals& refusals;
  std::vector<OnnxNode> behind;  ///< Filled: nodes to append right behind the upgraded one.
};

/// Makes a node that is meant by `opset` mean the same by onnx_opset: attributes become inputs, defaults that
/// changed are written out, operators that were renamed get the new name; nodes that must stand before it are
/// appended. The node isn't in the graph yet, its inputs and outputs are. What can't be said in onnx_opset
/// goes to the refusals.
void upgrade_onnx_node(OnnxNode& node, OnnxUpgrade& upgrade);

/// True where a file of another opset may hold this operator, although all_onnx_ops() doesn't: upgrading
/// replaces it.
bool is_upgraded_away(std::string_view op_type);

}  // namespace calib8
