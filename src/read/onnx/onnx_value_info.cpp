#include "read/onnx/onnx_value_info.h"

#include <protozero/pbf_message.hpp>

#include "container/protobuf_onnx.h"
#include "onnx_graph/data_type.h"
#include "read/onnx/onnx_name.h"

namespace calib8 {
namespace {

namespace proto = onnx_proto;
using protozero::data_view;
using protozero::tag_and_type;

constexpr auto varint = protozero::pbf_wire_type::varint;
constexpr auto bytes = protozero::pbf_wire_type::length_delimited;

Dimension read_dimension(data_view view) {
  Dimension dimension;
  protozero::pbf_message<proto::Dimension> message(view);
  while (message.next()) {
    switch (message.tag_and_type()) {
      case tag_and_type(proto::Dimension::size, varint):
        dimension.size = std::max(message.get_int64(), std::int64_t{-1});
        break;
      case tag_and_type(proto::Dimension::symbol, bytes):
        dimension.symbol = read_onnx_name(message.get_view());
        break;
      default:
        message.skip();
    }
  }
  return dimension;
}

std::vector<Dimension> read_shape(data_view view) {
  std::vector<Dimension> shape;
  protozero::pbf_message<proto::TensorShape> message(view);
  while (message.next()) {
    if (message.tag_and_type() == tag_and_type(proto::TensorShape::dimension, bytes)) {
      shape.push_back(read_dimension(message.get_view()));
    } else {
      message.skip();
    }
  }
  return shape;
}

void read_tensor_type(data_view view, OnnxValueInfo& info) {
  std::int64_t element_type = 0;
  OnnxType type;
  protozero::pbf_message<proto::TensorType> message(view);
  while (message.next()) {
    switch (message.tag_and_type()) {
      case tag_and_type(proto::TensorType::element_type, varint):
        element_type = message.get_int32();
        break;
      case tag_and_type(proto::TensorType::shape, bytes):
        type.shape = read_shape(message.get_view());
        break;
      default:
        message.skip();
    }
  }
  const std::optional<DType> dtype = dtype_of_onnx(element_type);
  if (!dtype) {
    info.refusal =
        element_type == 8 ? "is a tensor of strings" : "has element type " + std::to_string(element_type);
    return;
  }
  if (type.shape && type.shape->size() > most_onnx_dimensions) {
    info.refusal = "has " + std::to_string(type.shape->size()) + " dimensions";
    return;
  }
  type.dtype = *dtype;
  info.type = std::move(type);
}

void read_type(data_view view, OnnxValueInfo& info) {
  protozero::pbf_message<proto::Type> message(view);
  while (message.next()) {
    switch (message.tag_and_type()) {
      case tag_and_type(proto::Type::tensor_type, bytes):
        read_tensor_type(message.get_view(), info);
        break;
      case tag_and_type(proto::Type::sequence_type, bytes):
      case tag_and_type(proto::Type::map_type, bytes):
      case tag_and_type(proto::Type::sparse, bytes):
      case tag_and_type(proto::Type::optional, bytes):
        info.refusal = "is no tensor, but a sequence, a map, sparse or optional";
        message.skip();
        break;
      default:
        message.skip();
    }
  }
}

}  // namespace

OnnxValueInfo read_onnx_value_info(data_view view) {
  OnnxValueInfo info;
  info.refusal = "has no type";
  protozero::pbf_message<proto::ValueInfo> message(view);
  while (message.next()) {
    switch (message.tag_and_type()) {
      case tag_and_type(proto::ValueInfo::name, bytes):
        info.name = read_onnx_name(message.get_view());
        break;
      case tag_and_type(proto::ValueInfo::type, bytes):
        read_type(message.get_view(), info);
        break;
      default:
        message.skip();
    }
  }
  if (info.type) info.refusal.clear();
  return info;
}

}  // namespace calib8
