#pragma once

// Graphs of a few nodes, for the tests of this folder.

#include <string>
#include <utility>
#include <vector>

#include "onnx_graph/onnx_graph.h"

namespace calib8 {

struct TestGraph : OnnxGraph {
  OnnxValueId input(const std::string& value_name, std::vector<Dimension> shape) {
    const OnnxValueId id = add_value({value_name, OnnxType{DType::float32, std::move(shape)}, std::nullopt});
    std::vector<OnnxValueId> all = inputs();
    all.push_back(id);
    set_inputs(std::move(all));
    return id;
  }
  OnnxValueId input(const std::string& value_name, const Shape& shape) {
    return input(value_name, *static_type(DType::float32, shape).shape);
  }
  OnnxValueId floats(const std::string& value_name, const Shape& shape, std::vector<float> values) {
    return add_constant(value_name, make_tensor(shape, std::move(values)));
  }
  OnnxValueId number(const std::string& value_name, float value) { return floats(value_name, {}, {value}); }
  OnnxValueId integers(const std::string& value_name, std::vector<std::int64_t> values) {
    const Shape shape{static_cast<std::int64_t>(values.size())};
    return add_constant(value_name, make_tensor(shape, std::move(values)));
  }
  /// The names of all operators in execution order: "Conv Relu".
  std::string operators() const {
    std::string text;
    for (const OnnxNodeId id : nodes()) text += (text.empty() ? "" : " ") + (*this)[id].op_type;
    return text;
  }
  const OnnxNode& node(std::size_t position) const { return (*this)[nodes().at(position)]; }
  std::vector<float> constant_of(std::size_t node_position, std::size_t position) const {
    return to_float(*constant_input(node(node_position), position));
  }
};

}  // namespace calib8
