#include "read/onnx/onnx_tensor.h"

#include <charconv>
#include <cstring>
#include <protozero/pbf_message.hpp>

#include "base/contained_file.h"
#include "calib8/error.h"
#include "container/protobuf_onnx.h"
#include "onnx_graph/data_type.h"
#include "onnx_graph/onnx_graph.h"
#include "read/onnx/onnx_name.h"

namespace calib8 {
namespace {

namespace proto = onnx_proto;
using protozero::data_view;
using protozero::pbf_wire_type;

[[noreturn]] void refuse(const std::string& name, const std::string& message) {
  throw Error(ErrorCode::model, message, "tensor '" + name + "'");
}

/// A TensorProto as it stands in the file. Lists may come packed or one by one, so they are kept as parts.
struct TensorMessage {
  std::string name;
  std::int64_t data_type = 0;
  Shape dims;
  std::optional<data_view> raw;
  std::vector<float> floats;
  std::vector<double> doubles;
  std::vector<std::int64_t> integers;  // int32_data, int64_data and uint64_data: never two of them together
  bool is_external = false;
  std::map<std::string, std::string> external;
};

std::pair<std::string, std::string> read_entry(data_view view) {
  std::pair<std::string, std::string> entry;
  protozero::pbf_message<proto::StringEntry> message(view);
  while (message.next()) {
    switch (message.tag_and_type()) {
      case protozero::tag_and_type(proto::StringEntry::key, pbf_wire_type::length_delimited):
        entry.first = message.get_string();
        break;
      case protozero::tag_and_type(proto::StringEntry::value, pbf_wire_type::length_delimited):
        entry.second = message.get_string();
        break;
      default:
        message.skip();
    }
  }
  return entry;
}

TensorMessage parse(data_view view) {
  constexpr auto varint = pbf_wire_type::varint;
  constexpr auto bytes = pbf_wire_type::length_delimited;
  TensorMessage tensor;
  const auto append = [](auto& list, auto range) {
    for (const auto value : range) list.push_back(value);
  };
  protozero::pbf_message<proto::Tensor> message(view);
  while (message.next()) {
    switch (message.tag_and_type()) {
      case protozero::tag_and_type(proto::Tensor::dims, varint):
        tensor.dims.push_back(message.get_int64());
        break;
      case protozero::tag_and_type(proto::Tensor::dims, bytes):
        append(tensor.dims, message.get_packed_int64());
        break;
      case protozero::tag_and_type(proto::Tensor::data_type, varint):
        tensor.data_type = message.get_int32();
        break;
      case protozero::tag_and_type(proto::Tensor::name, bytes):
        tensor.name = read_onnx_name(message.get_view());
        break;
      case protozero::tag_and_type(proto::Tensor::raw_data, bytes):
        tensor.raw = message.get_view();
        break;
      case protozero::tag_and_type(proto::Tensor::float_data, bytes):
        append(tensor.floats, message.get_packed_float());
        break;
      case protozero::tag_and_type(proto::Tensor::float_data, pbf_wire_type::fixed32):
        tensor.floats.push_back(message.get_float());
        break;
      case protozero::tag_and_type(proto::Tensor::double_data, bytes):
        append(tensor.doubles, message.get_packed_double());
        break;
      case protozero::tag_and_type(proto::Tensor::double_data, pbf_wire_type::fixed64):
        tensor.doubles.push_back(message.get_double());
        break;
      case protozero::tag_and_type(proto::Tensor::int32_data, bytes):
      case protozero::tag_and_type(proto::Tensor::int64_data, bytes):
      case protozero::tag_and_type(proto::Tensor::uint64_data, bytes):
        append(tensor.integers, message.get_packed_int64());
        break;
      case protozero::tag_and_type(proto::Tensor::int32_data, varint):
      case protozero::tag_and_type(proto::Tensor::int64_data, varint):
      case protozero::tag_and_type(proto::Tensor::uint64_data, varint):
        tensor.integers.push_back(message.get_int64());
        break;
      case protozero::tag_and_type(proto::Tensor::external_data, bytes):
        tensor.external.insert(read_entry(message.get_view()));
        break;
      case protozero::tag_and_type(proto::Tensor::data_location, varint):
        tensor.is_external = message.get_int32() == 1;
        break;
      default:
        message.skip();
    }
  }
  return tensor;
}

/// The bytes as they lie where that is aligned for the type; a copy where not.
Data aligned(const Data& data, DType dtype) {
  if (reinterpret_cast<std::uintptr_t>(data.bytes().data()) % size_of(dtype) == 0) return data;
  return Data::from_vector(std::vector<std::byte>(data.bytes().begin(), data.bytes().end()));
}

std::size_t external_number(const TensorMessage& tensor, const std::string& key, std::size_t fallback) {
  const auto found = tensor.external.find(key);
  if (found == tensor.external.end()) return fallback;
  const std::string& text = found->second;
  std::size_t number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) {
    refuse(tensor.name, "its external data has no valid " + key + ": '" + text.substr(0, 40) + "'");
  }
  return number;
}

Data external_bytes(const TensorMessage& tensor, std::size_t expected, OnnxTensorSource& source) {
  const auto location = tensor.external.find("location");
  if (location == tensor.external.end()) refuse(tensor.name, "its external data has no location");
  if (source.folder.empty())
    refuse(tensor.name, "its data lies in another file, and these bytes have no folder");
  auto opened = source.external.find(location->second);
  if (opened == source.external.end()) {
    opened =
        source.external.emplace(location->second, map_contained_file(source.folder, location->second)).first;
  }
  const Data& file = opened->second;
  const std::size_t offset = external_number(tensor, "offset", 0);
  const std::size_t length = external_number(tensor, "length", expected);
  if (length != expected) {
    refuse(tensor.name, "its external data has " + std::to_string(length) + " bytes, its dimensions need " +
                            std::to_string(expected));
  }
  if (offset > file.size() || length > file.size() - offset) {
    refuse(tensor.name, "its external data ends behind the end of '" + location->second + "'");
  }
  return file.part(offset, length);
}

Data raw_bytes(const TensorMessage& tensor, const Data& file) {
  const auto* start = reinterpret_cast<const std::byte*>(tensor.raw->data());
  return file.part(static_cast<std::size_t>(start - file.bytes().data()), tensor.raw->size());
}

template <class T, class From>
Data cast_list(const std::vector<From>& list) {
  std::vector<T> values(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) values[i] = static_cast<T>(list[i]);
  return Data::from_vector(std::move(values));
}

/// The elements out of the typed lists: small types lie in int32_data, 16-bit floats there as their bits.
Data listed_bytes(const TensorMessage& tensor, DType dtype) {
  switch (dtype) {
    case DType::float32:
      return cast_list<float>(tensor.floats);
    case DType::float64:
      return cast_list<double>(tensor.doubles);
    case DType::int64:
    case DType::uint64:
      return cast_list<std::int64_t>(tensor.integers);
    case DType::int32:
    case DType::uint32:
      return cast_list<std::int32_t>(tensor.integers);
    case DType::int16:
    case DType::uint16:
    case DType::float16:
    case DType::bfloat16:
      return cast_list<std::int16_t>(tensor.integers);
    case DType::int8:
    case DType::uint8:
      return cast_list<std::int8_t>(tensor.integers);
    case DType::boolean: {
      std::vector<std::uint8_t> values(tensor.integers.size());
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = tensor.integers[i] != 0;
      return Data::from_vector(std::move(values));
    }
  }
  throw Error(ErrorCode::internal, "not a DType");
}

/// A bool's byte must be 0 or 1 before it is read as a C++ bool.
Data as_booleans(const Data& data) {
  std::vector<std::uint8_t> values(data.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = data.bytes()[i] != std::byte{0};
  return Data::from_vector(std::move(values));
}

std::string name_of_data_type(std::int64_t data_type) {
  if (data_type == 8) return "strings";
  return "element type " + std::to_string(data_type);
}

}  // namespace

OnnxTensor read_onnx_tensor(data_view view, OnnxTensorSource& source) {
  const TensorMessage message = parse(view);
  const std::optional<DType> dtype = dtype_of_onnx(message.data_type);
  if (!dtype) return {message.name, std::nullopt, name_of_data_type(message.data_type)};
  if (message.dims.size() > most_onnx_dimensions) {
    refuse(message.name, "has " + std::to_string(message.dims.size()) + " dimensions; calib8 takes up to " +
                             std::to_string(most_onnx_dimensions));
  }
  const std::optional<std::int64_t> count = element_count(message.dims);
  if (!count || *count > (std::int64_t{1} << 40)) {
    refuse(message.name, "has impossible dimensions: " + to_string(message.dims));
  }
  const std::size_t expected = static_cast<std::size_t>(*count) * size_of(*dtype);
  Data data = message.is_external ? external_bytes(message, expected, source)
              : message.raw       ? raw_bytes(message, source.file)
                                  : listed_bytes(message, *dtype);
  if (data.size() != expected) {
    refuse(message.name, "has " + std::to_string(data.size()) + " bytes of data, its dimensions " +
                             to_string(message.dims) + " need " + std::to_string(expected));
  }
  data = *dtype == DType::boolean ? as_booleans(data) : aligned(data, *dtype);
  return {message.name, Tensor{*dtype, message.dims, std::move(data)}, {}};
}

}  // namespace calib8
