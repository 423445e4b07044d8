#include "read/onnx/onnx_node.h"

#include <algorithm>
#include <cmath>
#include <protozero/pbf_message.hpp>

#include "container/protobuf_onnx.h"
#include "read/onnx/onnx_name.h"

namespace calib8 {
namespace {

namespace proto = onnx_proto;
using protozero::data_view;
using protozero::pbf_wire_type;
using protozero::tag_and_type;

constexpr auto varint = pbf_wire_type::varint;
constexpr auto bytes = pbf_wire_type::length_delimited;

/// An AttributeProto: all that it may hold, of which `type` says what is meant.
struct AttributeMessage {
  std::string name;
  proto::AttributeType type = proto::AttributeType::undefined;
  std::optional<float> float_value;
  std::optional<std::int64_t> int_value;
  std::optional<std::string> string_value;
  std::optional<data_view> tensor, graph;
  std::vector<float> floats;
  std::vector<std::int64_t> ints;
  std::vector<std::string> strings;
  std::string reference;    ///< The attribute of a function's caller that is meant.
  std::string unsupported;  ///< What it holds that no OnnxAttribute can.
};

/// What a field means that is only there to be refused; empty for fields without a meaning to calib8.
std::string meaning_of(proto::Attribute field) {
  switch (field) {
    case proto::Attribute::graphs:
      return "holds a list of graphs";
    case proto::Attribute::tensors:
      return "holds a list of tensors";
    case proto::Attribute::type_proto:
    case proto::Attribute::type_protos:
      return "holds a type";
    case proto::Attribute::sparse_tensor:
    case proto::Attribute::sparse_tensors:
      return "holds a sparse tensor";
    default:
      return {};
  }
}

AttributeMessage parse_attribute(data_view view) {
  AttributeMessage attribute;
  protozero::pbf_message<proto::Attribute> message(view);
  while (message.next()) {
    switch (message.tag_and_type()) {
      case tag_and_type(proto::Attribute::name, bytes):
        attribute.name = read_onnx_name(message.get_view());
        break;
      case tag_and_type(proto::Attribute::type, varint):
        attribute.type = static_cast<proto::AttributeType>(message.get_int32());
        break;
      case tag_and_type(proto::Attribute::float_value, pbf_wire_type::fixed32):
        attribute.float_value = message.get_float();
        break;
      case tag_and_type(proto::Attribute::int_value, varint):
        attribute.int_value = message.get_int64();
        break;
      case tag_and_type(proto::Attribute::string_value, bytes):
        attribute.string_value = message.get_string();
        break;
      case tag_and_type(proto::Attribute::tensor_value, bytes):
        attribute.tensor = message.get_view();
        break;
      case tag_and_type(proto::Attribute::graph_value, bytes):
        attribute.graph = message.get_view();
        break;
      case tag_and_type(proto::Attribute::floats, pbf_wire_type::fixed32):
        attribute.floats.push_back(message.get_float());
        break;
      case tag_and_type(proto::Attribute::floats, bytes):
        for (const float value : message.get_packed_float()) attribute.floats.push_back(value);
        break;
      case tag_and_type(proto::Attribute::ints, varint):
        attribute.ints.push_back(message.get_int64());
        break;
      case tag_and_type(proto::Attribute::ints, bytes):
        for (const std::int64_t value : message.get_packed_int64()) attribute.ints.push_back(value);
        break;
      case tag_and_type(proto::Attribute::reference_name, bytes):
        attribute.reference = read_onnx_name(message.get_view());
        break;
      case tag_and_type(proto::Attribute::strings, bytes):
        attribute.strings.push_back(message.get_string());
        break;
      default:
        if (attribute.unsupported.empty()) attribute.unsupported = meaning_of(message.tag());
        message.skip();
    }
  }
  return attribute;
}

/// The attribute's type where the file leaves it out, as IR version 1 did: that of what it holds.
proto::AttributeType type_of(const AttributeMessage& attribute) {
  if (attribute.type != proto::AttributeType::undefined) return attribute.type;
  if (attribute.float_value) return proto::AttributeType::float_value;
  if (attribute.int_value) return proto::AttributeType::int_value;
  if (attribute.string_value) return proto::AttributeType::string_value;
  if (attribute.tensor) return proto::AttributeType::tensor_value;
  if (!attribute.floats.empty()) return proto::AttributeType::floats;
  if (!attribute.strings.empty()) return proto::AttributeType::strings;
  return proto::AttributeType::ints;
}

/// Takes the attribute into the node; false, and says why, where that is not possible.
bool add_attribute(OnnxNodeMessage& node, AttributeMessage attribute, OnnxTensorSource& source,
                   OnnxRefusals& refusals) {
  const auto refuse = [&](const std::string& what) {
    refusals.add(node.describe() + " " + what + " in its attribute '" + attribute.name + "'");
    return false;
  };
  if (!attribute.unsupported.empty()) return refuse(attribute.unsupported);
  if (!attribute.reference.empty()) return refuse("refers to an attribute of a function");
  if (attribute.graph) {
    node.subgraphs[attribute.name] = *attribute.graph;
    return true;
  }
  const auto is_nan = [](float value) { return std::isnan(value); };
  if (std::any_of(attribute.floats.begin(), attribute.floats.end(), is_nan) ||
      is_nan(attribute.float_value.value_or(0)))
    return refuse("holds NaN");
  // Bounds and fillings may be infinite; no other number can be.
  const bool may_be_infinite =
      attribute.name == "min" || attribute.name == "max" || attribute.name.starts_with("value");
  if (std::isinf(attribute.float_value.value_or(0)) && !may_be_infinite) return refuse("holds infinity");
  OnnxAttribute& value = node.attributes[attribute.name];
  // A field that holds its type's zero may be left out.
  switch (type_of(attribute)) {
    case proto::AttributeType::float_value:
      value = attribute.float_value.value_or(0.0f);
      return true;
    case proto::AttributeType::int_value:
      value = attribute.int_value.value_or(0);
      return true;
    case proto::AttributeType::string_value:
      value = attribute.string_value.value_or("");
      return true;
    case proto::AttributeType::floats:
      value = std::move(attribute.floats);
      return true;
    case proto::AttributeType::ints:
      value = std::move(attribute.ints);
      return true;
    case proto::AttributeType::strings:
      value = std::move(attribute.strings);
      return true;
    case proto::AttributeType::tensor_value: {
      OnnxTensor read = read_onnx_tensor(attribute.tensor.value_or(data_view{}), source);
      if (!read.tensor) return refuse("holds a tensor of " + read.refusal);
      value = std::move(*read.tensor);
      return true;
    }
    default:
      return refuse("holds a value of type " + std::to_string(static_cast<int>(attribute.type)));
  }
}

}  // namespace

std::string OnnxNodeMessage::describe() const {
  return op_type + (name.empty() ? "" : " '" + name + "'") + " (node " + std::to_string(position) + ")";
}

OnnxNodeMessage read_onnx_node(data_view view, std::size_t position, OnnxTensorSource& source,
                               OnnxRefusals& refusals, const std::map<std::string, OnnxAttribute>* caller) {
  OnnxNodeMessage node;
  node.position = position;
  std::vector<data_view> attributes;
  protozero::pbf_message<proto::Node> message(view);
  while (message.next()) {
    switch (message.tag_and_type()) {
      case tag_and_type(proto::Node::input, bytes):
        node.inputs.push_back(read_onnx_name(message.get_view()));
        break;
      case tag_and_type(proto::Node::output, bytes):
        node.outputs.push_back(read_onnx_name(message.get_view()));
        break;
      case tag_and_type(proto::Node::name, bytes):
        node.name = read_onnx_name(message.get_view());
        break;
      case tag_and_type(proto::Node::op_type, bytes):
        node.op_type = read_onnx_name(message.get_view());
        break;
      case tag_and_type(proto::Node::domain, bytes):
        node.domain = read_onnx_name(message.get_view());
        break;
      case tag_and_type(proto::Node::attribute, bytes):
        attributes.push_back(message.get_view());
        break;
      default:
        message.skip();
    }
  }
  for (const data_view view_of_attribute : attributes) {
    AttributeMessage attribute = parse_attribute(view_of_attribute);
    if (caller && !attribute.reference.empty()) {
      const auto given = caller->find(attribute.reference);
      if (given != caller->end()) node.attributes[attribute.name] = given->second;
      continue;
    }
    if (!add_attribute(node, std::move(attribute), source, refusals)) break;  // one is enough to refuse it
  }
  return node;
}

void read_onnx_defaults(OnnxNodeMessage& node, const std::vector<data_view>& attributes,
                        OnnxTensorSource& source, OnnxRefusals& refusals) {
  for (const data_view view : attributes) {
    AttributeMessage attribute = parse_attribute(view);
    if (node.attributes.contains(attribute.name)) continue;
    if (!add_attribute(node, std::move(attribute), source, refusals)) return;
  }
}

}  // namespace calib8
