#pragma once

#include <string>
#include <string_view>

#include "onnx_graph/onnx_graph.h"
#include "pattern/pattern.h"

/// Steps that several passes take.
namespace calib8 {

/// Lets all that read `old` read `replacement`, and says whether it could. Where `old` is an output of the
/// graph, `replacement` takes over its name; it can't where it is an input or an output of the graph itself.
bool replace_value(OnnxGraph& graph, OnnxValueId old, OnnxValueId replacement);

/// The constant behind an input where it holds exactly one number; nothing otherwise.
std::optional<float> scalar_input(const OnnxGraph& graph, const OnnxNode& node, std::size_t position);

/// The node that computes an input, where it has that type and nothing else reads its output; absent
/// otherwise.
OnnxNodeId only_producer(const OnnxGraph& graph, const OnnxNode& node, std::size_t position,
                         std::string_view type);

/// Where the node is the result of that pattern and nobody else reads what it is computed from, it becomes an
/// operator of that type over the pattern's hole 0, and what computed it goes. Returns whether it did.
bool replace_match(OnnxGraph& graph, OnnxNodeId id, const Pattern& pattern, std::string_view op_type,
                   std::map<std::string, OnnxAttribute> attributes);

}  // namespace calib8
