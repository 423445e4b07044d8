#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "ops/onnx_op.h"
#include "report/inspect.h"
#include "report/table.h"

namespace calib8 {
namespace {

using Json = nlohmann::ordered_json;

std::string dimension_text(const Dimension& dimension) {
  if (dimension.is_known()) return std::to_string(dimension.size);
  return dimension.symbol.empty() ? "?" : escaped(dimension.symbol);
}

std::string type_text(const std::optional<OnnxType>& type) {
  if (!type) return "?";
  if (!type->shape) return fmt::format("{}[...]", name_of(type->dtype));
  std::vector<std::string> sizes;
  for (const Dimension& dimension : *type->shape) sizes.push_back(dimension_text(dimension));
  return fmt::format("{}[{}]", name_of(type->dtype), fmt::join(sizes, ", "));
}

/// A constant's type is that of its elements, whether inference has run or not.
std::string type_text(const OnnxValue& value) {
  if (!value.constant) return type_text(value.type);
  return fmt::format("{}{}", name_of(value.constant->dtype), to_string(value.constant->shape));
}

Json type_json(const OnnxValue& value) {
  if (value.constant) return {{"dtype", name_of(value.constant->dtype)}, {"shape", value.constant->shape}};
  if (!value.type) return {{"dtype", nullptr}, {"shape", nullptr}};
  Json shape = nullptr;
  if (value.type->shape) {
    shape = Json::array();
    for (const Dimension& dimension : *value.type->shape) {
      shape.push_back(dimension.is_known() ? Json(dimension.size) : Json(dimension_text(dimension)));
    }
  }
  return {{"dtype", name_of(value.type->dtype)}, {"shape", std::move(shape)}};
}

struct AttributeJson {
  Json operator()(const Tensor& tensor) const {
    return {{"dtype", name_of(tensor.dtype)}, {"shape", tensor.shape}};
  }
  Json operator()(const std::string& text) const { return escaped(text); }
  Json operator()(const std::vector<std::string>& texts) const {
    Json list = Json::array();
    for (const std::string& text : texts) list.push_back(escaped(text));
    return list;
  }
  template <class T>
  Json operator()(const T& value) const {
    return value;
  }
};

std::map<std::string, int> operator_counts(const OnnxGraph& graph) {
  std::map<std::string, int> counts;
  for (const OnnxNodeId id : graph.nodes()) ++counts[graph[id].op_type];
  return counts;
}

bool is_supported(const std::string& op_type) {
  return find_onnx_op(op_type) != nullptr;
}

/// The constants that nodes read, each once.
std::vector<OnnxValueId> used_constants(const OnnxGraph& graph) {
  std::vector<OnnxValueId> constants;
  std::set<OnnxValueId> seen;
  for (const OnnxNodeId id : graph.nodes()) {
    for (const OnnxValueId input : graph[id].inputs) {
      if (input.exists() && graph[input].constant && seen.insert(input).second) constants.push_back(input);
    }
  }
  return constants;
}

std::uint64_t constant_bytes(const OnnxGraph& graph) {
  std::uint64_t bytes = 0;
  for (const OnnxValueId id : used_constants(graph)) bytes += graph[id].constant->data.size();
  return bytes;
}

Json value_json(const OnnxGraph& graph, OnnxValueId id) {
  if (!id.exists()) return nullptr;
  Json json = {{"name", escaped(graph[id].name)}};
  json.update(type_json(graph[id]));
  json["is_constant"] = graph[id].constant.has_value();
  return json;
}

Json values_json(const OnnxGraph& graph, const std::vector<OnnxValueId>& ids) {
  Json list = Json::array();
  for (const OnnxValueId id : ids) list.push_back(value_json(graph, id));
  return list;
}

std::string attributes_text(const OnnxNode& node) {
  std::string text;
  for (const auto& [name, value] : node.attributes) {
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", escaped(name),
                        std::visit(AttributeJson{}, value).dump());
  }
  return text;
}

Table nodes_table(const OnnxGraph& graph) {
  Table table{{{"#", true}, {"operator"}, {"name"}, {"reads"}, {"writes"}, {"attributes"}}, {}};
  const auto list = [&](const std::vector<OnnxValueId>& ids) {
    std::string text;
    for (const OnnxValueId id : ids) {
      text += fmt::format("{}{}", text.empty() ? "" : " ", id.exists() ? type_text(graph[id]) : "-");
    }
    return text;
  };
  for (const OnnxNodeId id : graph.nodes()) {
    const OnnxNode& node = graph[id];
    table.rows.push_back({std::to_string(table.rows.size()), escaped(node.op_type), escaped(node.name),
                          list(node.inputs), list(node.outputs), attributes_text(node)});
  }
  return table;
}

}  // namespace

nlohmann::ordered_json inspect_json(const OnnxGraph& graph, const std::vector<std::string>& refusals) {
  Json nodes = Json::array();
  for (const OnnxNodeId id : graph.nodes()) {
    const OnnxNode& node = graph[id];
    Json attributes = Json::object();
    for (const auto& [name, value] : node.attributes)
      attributes[escaped(name)] = std::visit(AttributeJson{}, value);
    nodes.push_back({{"op", escaped(node.op_type)},
                     {"is_supported", is_supported(node.op_type)},
                     {"name", escaped(node.name)},
                     {"inputs", values_json(graph, node.inputs)},
                     {"outputs", values_json(graph, node.outputs)},
                     {"attributes", std::move(attributes)}});
  }
  Json counts = Json::object(), reasons = Json::array();
  for (const auto& [name, count] : operator_counts(graph)) counts[escaped(name)] = count;
  for (const std::string& refusal : refusals) reasons.push_back(escaped(refusal));
  return {{"format", "onnx"},
          {"name", escaped(graph.name)},
          {"opset", onnx_opset},
          {"inputs", values_json(graph, graph.inputs())},
          {"outputs", values_json(graph, graph.outputs())},
          {"operator_counts", std::move(counts)},
          {"is_convertible", refusals.empty()},
          {"refusals", std::move(reasons)},
          {"constant_bytes", constant_bytes(graph)},
          {"nodes", std::move(nodes)}};
}

std::string inspect_text(const OnnxGraph& graph, const std::vector<std::string>& refusals) {
  Table signature{{{""}, {""}, {""}}, {}};
  for (const OnnxValueId id : graph.inputs()) {
    signature.rows.push_back({"input", escaped(graph[id].name), type_text(graph[id])});
  }
  for (const OnnxValueId id : graph.outputs()) {
    signature.rows.push_back({"output", escaped(graph[id].name), type_text(graph[id])});
  }
  Table counts{{{"operator"}, {"count", true}, {""}}, {}};
  for (const auto& [name, count] : operator_counts(graph))
    counts.rows.push_back({escaped(name), std::to_string(count), is_supported(name) ? "" : "not supported"});
  Table constants{{{"constant"}, {"type"}, {"size", true}}, {}};
  for (const OnnxValueId id : used_constants(graph)) {
    constants.rows.push_back(
        {escaped(graph[id].name), type_text(graph[id]), bytes_text(graph[id].constant->data.size())});
  }
  std::string reasons;
  for (const std::string& refusal : refusals) reasons += "can't be converted: " + escaped(refusal) + "\n";
  return fmt::format("ONNX model '{}' (read as opset {}): {} nodes, {} of constants\n{}{}\n{}\n{}\n{}",
                     escaped(graph.name), onnx_opset, graph.node_count(), bytes_text(constant_bytes(graph)),
                     reasons, to_text(signature), to_text(counts), to_text(nodes_table(graph)),
                     to_text(constants));
}

}  // namespace calib8
