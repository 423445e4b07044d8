#pragma once

#include <protozero/types.hpp>

/// Field numbers of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), for protozero's
/// typed readers and builders. Only the fields that calib8 reads, writes or refuses by name.
namespace calib8::onnx_proto {

enum class Model : protozero::pbf_tag_type {
  ir_version = 1,
  producer_name = 2,
  graph = 7,
  opset_import = 8,
  metadata_props = 14,
  functions = 25,
};

enum class Function : protozero::pbf_tag_type {
  name = 1,
  input = 4,
  output = 5,
  node = 7,
  domain = 10,
  attribute_value = 11,
};

enum class OperatorSet : protozero::pbf_tag_type { domain = 1, version = 2 };

enum class Graph : protozero::pbf_tag_type {
  node = 1,
  name = 2,
  initializer = 5,
  input = 11,
  output = 12,
  sparse_initializer = 15,
};

enum class Node : protozero::pbf_tag_type {
  input = 1,
  output = 2,
  name = 3,
  op_type = 4,
  attribute = 5,
  domain = 7,
  overload = 8,
};

enum class Attribute : protozero::pbf_tag_type {
  name = 1,
  float_value = 2,
  int_value = 3,
  string_value = 4,
  tensor_value = 5,
  graph_value = 6,
  floats = 7,
  ints = 8,
  strings = 9,
  tensors = 10,
  graphs = 11,
  type_proto = 14,
  type_protos = 15,
  type = 20,
  reference_name = 21,
  sparse_tensor = 22,
  sparse_tensors = 23,
};

/// AttributeProto.AttributeType
enum class AttributeType : int {
  undefined = 0,
  float_value = 1,
  int_value = 2,
  string_value = 3,
  tensor_value = 4,
  graph_value = 5,
  floats = 6,
  ints = 7,
  strings = 8,
};

enum class Tensor : protozero::pbf_tag_type {
  dims = 1,
  data_type = 2,
  segment = 3,
  float_data = 4,
  int32_data = 5,
  string_data = 6,
  int64_data = 7,
  name = 8,
  raw_data = 9,
  double_data = 10,
  uint64_data = 11,
  external_data = 13,
  data_location = 14,
};

enum class StringEntry : protozero::pbf_tag_type { key = 1, value = 2 };

enum class ValueInfo : protozero::pbf_tag_type { name = 1, type = 2 };

/// The alternatives of TypeProto.value; all but the first are refused.
enum class Type : protozero::pbf_tag_type {
  tensor_type = 1,
  sequence_type = 4,
  map_type = 5,
  sparse = 8,
  optional = 9
};

enum class TensorType : protozero::pbf_tag_type { element_type = 1, shape = 2 };

enum class TensorShape : protozero::pbf_tag_type { dimension = 1 };

enum class Dimension : protozero::pbf_tag_type { size = 1, symbol = 2 };

}  // namespace calib8::onnx_proto
