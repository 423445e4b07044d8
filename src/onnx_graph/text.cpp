#include "base/text.h"

#include <fmt/format.h>

#include "onnx_graph/onnx_graph.h"

namespace calib8 {
namespace {

std::string to_text(const OnnxType& type) {
  std::string text(name_of(type.dtype));
  if (!type.shape) return text + "[...]";
  text += '[';
  for (std::size_t i = 0; i < type.shape->size(); ++i) {
    const Dimension& dimension = (*type.shape)[i];
    if (i > 0) text += ", ";
    text += dimension.is_known()       ? std::to_string(dimension.size)
            : dimension.symbol.empty() ? "?"
                                       : dimension.symbol;
  }
  return text + ']';
}

std::string to_text(const Tensor& tensor) {
  return fmt::format("{}{} #{}", name_of(tensor.dtype), to_string(tensor.shape),
                     short_hash(tensor.data.bytes()).substr(0, 8));
}

struct AttributeText {
  std::string operator()(std::int64_t value) const { return fmt::format("{}", value); }
  std::string operator()(float value) const { return fmt::format("{}", value); }
  std::string operator()(const std::string& value) const { return fmt::format("\"{}\"", value); }
  std::string operator()(const Tensor& value) const { return to_text(value); }
  template <class T>
  std::string operator()(const std::vector<T>& values) const {
    std::string text = "[";
    for (const T& value : values) text += (text.size() > 1 ? ", " : "") + (*this)(value);
    return text + "]";
  }
};

}  // namespace

std::string to_text(const OnnxGraph& graph) {
  std::string text;
  const auto add_line = [&](const std::string& line) {
    text += escaped(line) + "\n";
  };  // names may be anything
  add_line(fmt::format("onnx graph {} (opset {})", graph.name, onnx_opset));
  const auto describe = [&](OnnxValueId id) {
    const OnnxValue& value = graph[id];
    if (value.constant) return fmt::format("%{}: {}", value.name, to_text(*value.constant));
    return fmt::format("%{}: {}", value.name, value.type ? to_text(*value.type) : "?");
  };
  for (const OnnxValueId input : graph.inputs()) add_line(fmt::format("  input {}", describe(input)));
  for (const OnnxNodeId id : graph.nodes()) {
    const OnnxNode& node = graph[id];
    std::string outputs, inputs, attributes;
    for (const OnnxValueId output : node.outputs) {
      outputs += (outputs.empty() ? "" : ", ") + (output.exists() ? describe(output) : "_");
    }
    for (const OnnxValueId input : node.inputs) {
      const bool constant = input.exists() && graph[input].constant;
      inputs += (inputs.empty() ? "" : ", ") + (!input.exists() ? "_"
                                                : constant      ? describe(input)
                                                                : "%" + graph[input].name);
    }
    for (const auto& [key, value] : node.attributes) {
      attributes += (attributes.empty() ? " {" : ", ") + key + "=" + std::visit(AttributeText{}, value);
    }
    if (!attributes.empty()) attributes += "}";
    add_line(fmt::format("  {} = {}({}){}", outputs, node.op_type, inputs, attributes));
  }
  for (const OnnxValueId output : graph.outputs()) add_line(fmt::format("  output {}", describe(output)));
  return text;
}

}  // namespace calib8
