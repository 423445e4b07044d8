#include "onnx_graph/onnx_graph.h"

#include <algorithm>

#include "calib8/error.h"

namespace calib8 {
namespace {

template <class T>
T get(const OnnxNode& node, std::string_view attribute, T fallback, const char* expected) {
  const auto found = node.attributes.find(std::string(attribute));
  if (found == node.attributes.end()) return fallback;
  if (const T* value = std::get_if<T>(&found->second)) return *value;
  throw Error(ErrorCode::model, "attribute '" + std::string(attribute) + "' is not " + expected,
              node.op_type + " node '" + node.name + "'");
}

}  // namespace

bool OnnxType::is_static() const {
  if (!shape) return false;
  for (const Dimension& dimension : *shape) {
    if (!dimension.is_known()) return false;
  }
  return true;
}

Shape OnnxType::static_shape() const {
  Shape sizes;
  for (const Dimension& dimension : shape.value()) sizes.push_back(dimension.size);
  return sizes;
}

OnnxType static_type(DType dtype, const Shape& shape) {
  OnnxType type{dtype, std::vector<Dimension>{}};
  for (const std::int64_t size : shape) type.shape->push_back({size, {}});
  return type;
}

std::int64_t OnnxNode::get_int(std::string_view attribute, std::int64_t fallback) const {
  return get(*this, attribute, fallback, "an integer");
}
float OnnxNode::get_float(std::string_view attribute, float fallback) const {
  return get(*this, attribute, fallback, "a float");
}
std::string OnnxNode::get_string(std::string_view attribute, std::string_view fallback) const {
  return get(*this, attribute, std::string(fallback), "a string");
}
std::vector<std::int64_t> OnnxNode::get_ints(std::string_view attribute,
                                             std::vector<std::int64_t> fallback) const {
  return get(*this, attribute, std::move(fallback), "a list of integers");
}
std::vector<float> OnnxNode::get_floats(std::string_view attribute, std::vector<float> fallback) const {
  return get(*this, attribute, std::move(fallback), "a list of floats");
}

std::string OnnxGraph::free_name(std::string_view wanted, char separator, std::size_t first) {
  for (; named_values_ < value_count(); ++named_values_) {
    taken_names_.emplace((*this)[value_at(named_values_)].name, 0);
  }
  std::string chosen(wanted);
  if (taken_names_.emplace(chosen, 0).second) return chosen;
  std::size_t& number = taken_names_.at(chosen);  // stays where it is while others are added
  number = std::max(number, first - 1);
  do {
    chosen = std::string(wanted) + separator + std::to_string(++number);
  } while (!taken_names_.emplace(chosen, 0).second);
  return chosen;
}

OnnxValueId OnnxGraph::add_constant(std::string value_name, Tensor tensor) {
  OnnxType type = static_type(tensor.dtype, tensor.shape);
  return add_value({std::move(value_name), std::move(type), std::move(tensor)});
}

OnnxValueId OnnxGraph::emit(std::string op_type, std::string node_name, std::vector<OnnxValueId> node_inputs,
                            std::map<std::string, OnnxAttribute> attributes) {
  const OnnxValueId output = add_value({node_name, std::nullopt, std::nullopt});
  append({std::move(op_type), std::move(node_name), std::move(node_inputs), {output}, std::move(attributes)});
  return output;
}

const Tensor* OnnxGraph::constant_input(const OnnxNode& node, std::size_t position) const {
  if (position >= node.inputs.size() || !node.inputs[position].exists()) return nullptr;
  const OnnxValue& value = (*this)[node.inputs[position]];
  return value.constant ? &*value.constant : nullptr;
}

}  // namespace calib8
