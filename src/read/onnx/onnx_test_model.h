#pragma once

// ONNX files built field by field, for tests.

#include <initializer_list>
#include <protozero/pbf_builder.hpp>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "container/protobuf_onnx.h"

namespace calib8::onnx_test {

namespace proto = onnx_proto;
using Bytes = std::string;

/// One attribute: {"axis", integer(1)}.
struct Value {
  proto::AttributeType type;
  std::int64_t number = 0;
  float real = 0;
  Bytes text;  ///< A string, a tensor or a graph.
  std::vector<std::int64_t> numbers;
  std::vector<float> reals;
};
inline Value integer(std::int64_t value) {
  return {proto::AttributeType::int_value, value, 0, {}, {}, {}};
}
inline Value real(float value) {
  return {proto::AttributeType::float_value, 0, value, {}, {}, {}};
}
inline Value text(Bytes value) {
  return {proto::AttributeType::string_value, 0, 0, std::move(value), {}, {}};
}
inline Value integers(std::vector<std::int64_t> values) {
  return {proto::AttributeType::ints, 0, 0, {}, std::move(values), {}};
}
inline Value reals(std::vector<float> values) {
  return {proto::AttributeType::floats, 0, 0, {}, {}, std::move(values)};
}
inline Value tensor_value(Bytes message) {
  return {proto::AttributeType::tensor_value, 0, 0, std::move(message), {}, {}};
}
inline Value subgraph(Bytes message = {}) {
  return {proto::AttributeType::graph_value, 0, 0, std::move(message), {}, {}};
}

inline Bytes attribute(const std::string& name, const Value& value) {
  Bytes bytes;
  protozero::pbf_builder<proto::Attribute> builder(bytes);
  builder.add_string(proto::Attribute::name, name);
  switch (value.type) {
    case proto::AttributeType::int_value:
      builder.add_int64(proto::Attribute::int_value, value.number);
      break;
    case proto::AttributeType::float_value:
      builder.add_float(proto::Attribute::float_value, value.real);
      break;
    case proto::AttributeType::string_value:
      builder.add_bytes(proto::Attribute::string_value, value.text);
      break;
    case proto::AttributeType::tensor_value:
      builder.add_message(proto::Attribute::tensor_value, value.text);
      break;
    case proto::AttributeType::graph_value:
      builder.add_message(proto::Attribute::graph_value, value.text);
      break;
    case proto::AttributeType::floats:
      builder.add_packed_float(proto::Attribute::floats, value.reals.begin(), value.reals.end());
      break;
    default:
      for (const std::int64_t number : value.numbers) builder.add_int64(proto::Attribute::ints, number);
  }
  builder.add_int32(proto::Attribute::type, static_cast<int>(value.type));
  return bytes;
}

struct Node {
  std::string op_type;
  std::vector<std::string> inputs, outputs;
  std::vector<std::pair<std::string, Value>> attributes;
  std::string name, domain;
};

inline Bytes node(const Node& content) {
  Bytes bytes;
  protozero::pbf_builder<proto::Node> builder(bytes);
  for (const std::string& input : content.inputs) builder.add_string(proto::Node::input, input);
  for (const std::string& output : content.outputs) builder.add_string(proto::Node::output, output);
  if (!content.name.empty()) builder.add_string(proto::Node::name, content.name);
  builder.add_string(proto::Node::op_type, content.op_type);
  for (const auto& [name, value] : content.attributes) {
    builder.add_message(proto::Node::attribute, attribute(name, value));
  }
  if (!content.domain.empty()) builder.add_string(proto::Node::domain, content.domain);
  return bytes;
}

/// TensorProto without data.
inline Bytes tensor_head(const std::string& name, int data_type, const std::vector<std::int64_t>& dims) {
  Bytes bytes;
  protozero::pbf_builder<proto::Tensor> builder(bytes);
  for (const std::int64_t size : dims) builder.add_int64(proto::Tensor::dims, size);
  builder.add_int32(proto::Tensor::data_type, data_type);
  if (!name.empty()) builder.add_string(proto::Tensor::name, name);
  return bytes;
}

template <class T>
Bytes raw_tensor(const std::string& name, int data_type, const std::vector<std::int64_t>& dims,
                 const std::vector<T>& values) {
  Bytes bytes = tensor_head(name, data_type, dims);
  protozero::pbf_builder<proto::Tensor>(bytes).add_bytes(
      proto::Tensor::raw_data, reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  return bytes;
}

inline Bytes external_tensor(const std::string& name, const std::vector<std::int64_t>& dims,
                             const std::vector<std::pair<std::string, std::string>>& entries) {
  Bytes bytes = tensor_head(name, 1, dims);
  protozero::pbf_builder<proto::Tensor> builder(bytes);
  for (const auto& [key, value] : entries) {
    Bytes entry;
    protozero::pbf_builder<proto::StringEntry> fields(entry);
    fields.add_string(proto::StringEntry::key, key);
    fields.add_string(proto::StringEntry::value, value);
    builder.add_message(proto::Tensor::external_data, entry);
  }
  builder.add_int32(proto::Tensor::data_location, 1);
  return bytes;
}

/// ValueInfoProto of a tensor; a size of -1 is left open, -2 named "n".
inline Bytes value_info(const std::string& name, const std::vector<std::int64_t>& sizes, int data_type = 1) {
  Bytes shape, tensor, type, bytes;
  for (const std::int64_t size : sizes) {
    Bytes dimension;
    protozero::pbf_builder<proto::Dimension> builder(dimension);
    if (size >= 0) builder.add_int64(proto::Dimension::size, size);
    if (size == -2) builder.add_string(proto::Dimension::symbol, "n");
    protozero::pbf_builder<proto::TensorShape>(shape).add_message(proto::TensorShape::dimension, dimension);
  }
  protozero::pbf_builder<proto::TensorType> tensor_builder(tensor);
  tensor_builder.add_int32(proto::TensorType::element_type, data_type);
  tensor_builder.add_message(proto::TensorType::shape, shape);
  protozero::pbf_builder<proto::Type>(type).add_message(proto::Type::tensor_type, tensor);
  protozero::pbf_builder<proto::ValueInfo> builder(bytes);
  builder.add_string(proto::ValueInfo::name, name);
  builder.add_message(proto::ValueInfo::type, type);
  return bytes;
}

struct Model {
  std::vector<Node> nodes;
  std::vector<Bytes> initializers, inputs, outputs;
  std::int64_t opset = 20;
  bool sparse = false;

  Bytes bytes() const {
    Bytes graph, opsets, model;
    protozero::pbf_builder<proto::Graph> builder(graph);
    for (const Node& each : nodes) builder.add_message(proto::Graph::node, node(each));
    builder.add_string(proto::Graph::name, "test");
    for (const Bytes& each : initializers) builder.add_message(proto::Graph::initializer, each);
    for (const Bytes& each : inputs) builder.add_message(proto::Graph::input, each);
    for (const Bytes& each : outputs) builder.add_message(proto::Graph::output, each);
    if (sparse) builder.add_message(proto::Graph::sparse_initializer, Bytes("\x1a\x01\x01"));
    protozero::pbf_builder<proto::OperatorSet>(opsets).add_int64(proto::OperatorSet::version, opset);
    protozero::pbf_builder<proto::Model> outer(model);
    outer.add_int64(proto::Model::ir_version, 8);
    outer.add_message(proto::Model::graph, graph);
    outer.add_message(proto::Model::opset_import, opsets);
    return model;
  }
};

inline Data data_of(const Bytes& bytes) {
  return Data::from_vector(std::vector<char>(bytes.begin(), bytes.end()));
}

}  // namespace calib8::onnx_test
