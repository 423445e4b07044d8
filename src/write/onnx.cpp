#include "write/onnx.h"

#include <protozero/pbf_builder.hpp>
#include <unordered_set>
#include <vector>

#include "calib8/error.h"
#include "container/protobuf_onnx.h"
#include "onnx_graph/data_type.h"

namespace calib8 {
namespace {

namespace proto = onnx_proto;

/// IR version 9 came with opset 20 (ONNX 1.15); runtimes refuse IR versions that are newer than they are.
constexpr std::int64_t ir_version = 9;
constexpr std::uint64_t largest_message = 0x7fffffff;

/// Appends the tag and length of a field whose `size` bytes follow.
template <class Field>
void append_field_header(std::string& bytes, Field field, std::uint64_t size) {
  constexpr std::uint32_t length_delimited = 2;
  const auto append = [&](std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
    bytes += static_cast<char>(value);
  };
  append((static_cast<std::uint32_t>(field) << 3) | length_delimited);
  append(size);
}

template <class Field>
void append_message(std::string& bytes, Field field, const std::string& message) {
  append_field_header(bytes, field, message.size());
  bytes += message;
}

/// TensorProto up to and without the constant's own bytes, which end it.
std::string tensor_head(const std::string& name, const Tensor& tensor) {
  std::string bytes;
  protozero::pbf_builder<proto::Tensor> builder(bytes);
  for (const std::int64_t size : tensor.shape) builder.add_int64(proto::Tensor::dims, size);
  builder.add_int32(proto::Tensor::data_type, static_cast<std::int32_t>(onnx_data_type(tensor.dtype)));
  if (!name.empty()) builder.add_string(proto::Tensor::name, name);
  append_field_header(bytes, proto::Tensor::raw_data, tensor.data.size());
  return bytes;
}

/// Fills an AttributeProto from the alternative that an attribute holds.
struct AttributeWriter {
  protozero::pbf_builder<proto::Attribute>& builder;

  void operator()(std::int64_t value) const {
    builder.add_int64(proto::Attribute::int_value, value);
    add_type(proto::AttributeType::int_value);
  }
  void operator()(float value) const {
    builder.add_float(proto::Attribute::float_value, value);
    add_type(proto::AttributeType::float_value);
  }
  void operator()(const std::string& value) const {
    builder.add_bytes(proto::Attribute::string_value, value);
    add_type(proto::AttributeType::string_value);
  }
  void operator()(const Tensor& value) const {
    std::string message = tensor_head({}, value);
    message.append(reinterpret_cast<const char*>(value.data.bytes().data()), value.data.size());
    builder.add_message(proto::Attribute::tensor_value, message);
    add_type(proto::AttributeType::tensor_value);
  }
  void operator()(const std::vector<std::int64_t>& values) const {
    for (const std::int64_t value : values) builder.add_int64(proto::Attribute::ints, value);
    add_type(proto::AttributeType::ints);
  }
  void operator()(const std::vector<float>& values) const {
    for (const float value : values) builder.add_float(proto::Attribute::floats, value);
    add_type(proto::AttributeType::floats);
  }
  void operator()(const std::vector<std::string>& values) const {
    for (const std::string& value : values) builder.add_bytes(proto::Attribute::strings, value);
    add_type(proto::AttributeType::strings);
  }
  void add_type(proto::AttributeType type) const {
    builder.add_int32(proto::Attribute::type, static_cast<std::int32_t>(type));
  }
};

std::string node_message(const OnnxGraph& graph, const OnnxNode& node, const std::string& name) {
  std::string bytes;
  protozero::pbf_builder<proto::Node> builder(bytes);
  for (const OnnxValueId id : node.inputs) {
    builder.add_string(proto::Node::input, id.exists() ? graph[id].name : std::string());
  }
  for (const OnnxValueId id : node.outputs) {
    builder.add_string(proto::Node::output, id.exists() ? graph[id].name : std::string());
  }
  if (!name.empty()) builder.add_string(proto::Node::name, name);
  builder.add_string(proto::Node::op_type, node.op_type);
  for (const auto& [key, value] : node.attributes) {
    protozero::pbf_builder<proto::Attribute> attribute(builder, proto::Node::attribute);
    attribute.add_string(proto::Attribute::name, key);
    std::visit(AttributeWriter{attribute}, value);
  }
  return bytes;
}

std::string shape_message(const std::vector<Dimension>& dimensions) {
  std::string bytes;
  for (const Dimension& dimension : dimensions) {
    std::string message;
    protozero::pbf_builder<proto::Dimension> builder(message);
    if (dimension.is_known()) {
      builder.add_int64(proto::Dimension::size, dimension.size);
    } else if (!dimension.symbol.empty()) {
      builder.add_string(proto::Dimension::symbol, dimension.symbol);
    }
    append_message(bytes, proto::TensorShape::dimension, message);
  }
  return bytes;
}

std::string value_info_message(const OnnxValue& value) {
  if (!value.type) throw Error(ErrorCode::model, "the type of '" + value.name + "' could not be inferred");
  std::string tensor, type, bytes;
  protozero::pbf_builder<proto::TensorType> builder(tensor);
  builder.add_int32(proto::TensorType::element_type,
                    static_cast<std::int32_t>(onnx_data_type(value.type->dtype)));
  if (value.type->shape) append_message(tensor, proto::TensorType::shape, shape_message(*value.type->shape));
  append_message(type, proto::Type::tensor_type, tensor);
  append_message(bytes, proto::ValueInfo::name, value.name);
  append_message(bytes, proto::ValueInfo::type, type);
  return bytes;
}

/// All nodes, as fields of a GraphProto. ONNX wants each node's name once (runtimes refuse the file
/// otherwise), so that a second one gets a number.
std::string node_fields(const OnnxGraph& graph) {
  std::string bytes;
  std::unordered_set<std::string> taken;
  for (const OnnxNodeId id : graph.nodes()) {
    const OnnxNode& node = graph[id];
    std::string name = node.name;
    for (int number = 1; !name.empty() && !taken.insert(name).second; ++number) {
      name = node.name + "_" + std::to_string(number);
    }
    append_message(bytes, proto::Graph::node, node_message(graph, node, name));
  }
  return bytes;
}

/// The constants that nodes and outputs read, each once, in the order of first use.
std::vector<OnnxValueId> used_constants(const OnnxGraph& graph) {
  std::vector<OnnxValueId> constants;
  std::vector<bool> seen(graph.value_count(), false);
  const auto note = [&](OnnxValueId id) {
    if (!id.exists() || seen[id.index] || !graph[id].constant) return;
    seen[id.index] = true;
    constants.push_back(id);
  };
  for (const OnnxNodeId node : graph.nodes()) {
    for (const OnnxValueId input : graph[node].inputs) note(input);
  }
  for (const OnnxValueId output : graph.outputs()) note(output);
  return constants;
}

ByteView view_of(const std::string& bytes) {
  return std::as_bytes(std::span(bytes));
}

}  // namespace

void write_onnx(const OnnxGraph& graph, const ByteSink& sink) {
  // Everything but the constants' bytes is small: it is made first, so that all lengths are known.
  std::string nodes = node_fields(graph);
  append_message(nodes, proto::Graph::name, graph.name);
  std::string signature;
  for (const OnnxValueId id : graph.inputs()) {
    append_message(signature, proto::Graph::input, value_info_message(graph[id]));
  }
  for (const OnnxValueId id : graph.outputs()) {
    append_message(signature, proto::Graph::output, value_info_message(graph[id]));
  }

  const std::vector<OnnxValueId> constants = used_constants(graph);
  std::vector<std::string> heads;
  std::uint64_t graph_size = nodes.size() + signature.size();
  for (const OnnxValueId id : constants) {
    const Tensor& tensor = *graph[id].constant;
    const std::string head = tensor_head(graph[id].name, tensor);
    std::string field;
    append_field_header(field, proto::Graph::initializer, head.size() + tensor.data.size());
    heads.push_back(field + head);
    graph_size += heads.back().size() + tensor.data.size();
  }

  std::string start, end;
  protozero::pbf_builder<proto::Model> model(start);
  model.add_int64(proto::Model::ir_version, ir_version);
  model.add_string(proto::Model::producer_name, "calib8");
  append_field_header(start, proto::Model::graph, graph_size);
  std::string opset;
  protozero::pbf_builder<proto::OperatorSet>(opset).add_int64(proto::OperatorSet::version, onnx_opset);
  append_message(end, proto::Model::opset_import, opset);

  const std::uint64_t size = start.size() + graph_size + end.size();
  if (size > largest_message) {
    throw Error(ErrorCode::model,
                "the ONNX file would have " + std::to_string(size) +
                    " bytes, and an ONNX file ends at 2147483647 (2 GB); choose --format tflite");
  }
  sink(view_of(start));
  sink(view_of(nodes));
  for (std::size_t i = 0; i < constants.size(); ++i) {
    sink(view_of(heads[i]));
    sink(graph[constants[i]].constant->data.bytes());
  }
  sink(view_of(signature));
  sink(view_of(end));
}

}  // namespace calib8
