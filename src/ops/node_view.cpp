#include "calib8/error.h"
#include "ops/onnx_op.h"

namespace calib8 {

bool NodeView::has_input(std::size_t position) const {
  return position < node.inputs.size() && node.inputs[position].exists();
}

const OnnxType& NodeView::input_type(std::size_t position) const {
  if (!has_input(position)) fail("input " + std::to_string(position) + " is missing");
  const OnnxValue& value = graph[node.inputs[position]];
  if (!value.type) fail("the type of its input '" + value.name + "' is unknown");
  return *value.type;
}

Shape NodeView::input_shape(std::size_t position) const {
  const OnnxType& type = input_type(position);
  if (!type.is_static()) {
    fail("the shape of its input '" + graph[node.inputs[position]].name + "' is not fully known");
  }
  return type.static_shape();
}

void NodeView::fail(const std::string& message) const {
  throw Error(ErrorCode::model, message, node.op_type + " node '" + node.name + "'");
}

}  // namespace calib8
