#include <algorithm>

#include "ops/onnx_op.h"
#include "simplify/passes.h"

// Conv(auto_pad="NOTSET", group=1, strides=[2, 2])      =>      Conv(strides=[2, 2])
//
// Some exporters write the defaults out and others don't; the operators' rows know them.

namespace calib8 {
namespace {

bool is_default(const AttributeDefault& known, const OnnxAttribute& value) {
  if (const auto* real = std::get_if<float>(&known.value)) {
    const auto* number = std::get_if<float>(&value);
    return number && *number == *real;
  }
  if (const auto* text = std::get_if<std::string_view>(&known.value)) {
    const auto* written = std::get_if<std::string>(&value);
    return written && *written == *text;
  }
  const std::int64_t number = std::get<std::int64_t>(known.value);
  if (const auto* written = std::get_if<std::int64_t>(&value)) return *written == number;
  const auto* list = std::get_if<std::vector<std::int64_t>>(&value);
  return list && std::all_of(list->begin(), list->end(), [&](std::int64_t each) { return each == number; });
}

}  // namespace

bool eliminate_default_attributes(OnnxGraph& graph, OnnxNodeId id) {
  OnnxNode& node = graph[id];
  const OnnxOp* op = find_onnx_op(node.op_type);
  if (!op) return false;
  const auto& defaults = op->traits.defaults;
  const auto is_left_out = [&](const auto& entry) {
    return std::any_of(defaults.begin(), defaults.end(), [&](const AttributeDefault& known) {
      return known.name == entry.first && is_default(known, entry.second);
    });
  };
  return std::erase_if(node.attributes, is_left_out) > 0;
}

}  // namespace calib8
