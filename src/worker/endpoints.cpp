#include "worker/endpoints.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "calib8/error.h"

namespace calib8::litert {
namespace {

constexpr std::size_t alignment = 64;  // bytes: LiteRT refuses host memory that is aligned to less
constexpr std::size_t slack = 64;      // behind a tensor: XNNPACK's kernels may read up to 16 past its end

constexpr std::size_t most_elements = std::size_t{1} << 40;

std::optional<DType> dtype_of(int element_type) {
  switch (element_type) {
    case element_float32:
      return DType::float32;
    case element_float64:
      return DType::float64;
    case element_float16:
      return DType::float16;
    case element_bfloat16:
      return DType::bfloat16;
    case element_int8:
      return DType::int8;
    case element_uint8:
      return DType::uint8;
    case element_int16:
      return DType::int16;
    case element_uint16:
      return DType::uint16;
    case element_int32:
      return DType::int32;
    case element_uint32:
      return DType::uint32;
    case element_int64:
      return DType::int64;
    case element_uint64:
      return DType::uint64;
    case element_bool:
      return DType::boolean;
    default:
      return std::nullopt;
  }
}

void add_endpoint(const Functions& api, TensorHandle tensor, const char* name, Endpoints& endpoints,
                  std::size_t& end) {
  RankedTensorType type{};
  if (const Status status = api.get_ranked_tensor_type(tensor, &type); status != status_ok) {
    fail(fmt::format("LiteRT gives no type and shape for the tensor \"{}\"", name), status);
  }
  const auto dtype = dtype_of(type.element_type);
  if (!dtype) {
    throw Error(
        ErrorCode::model,
        fmt::format(
            "the input or output \"{}\" has LiteRT's element type {}, which calib8 can't feed or read", name,
            type.element_type));
  }
  constexpr std::size_t most_dimensions = std::size(decltype(type.layout.dimensions){});
  const std::size_t rank = std::min<std::size_t>(type.layout.rank, most_dimensions);
  message::Endpoint endpoint{name, *dtype, Shape(type.layout.dimensions, type.layout.dimensions + rank)};
  const auto count = element_count(endpoint.shape);
  if (!count || static_cast<std::size_t>(*count) > most_elements || rank != type.layout.rank) {
    throw Error(ErrorCode::model,
                fmt::format("the input or output \"{}\" has the shape {}, only fixed sizes can run", name,
                            to_string(endpoint.shape)));
  }
  endpoint.offset = end;
  endpoint.size = static_cast<std::size_t>(*count) * size_of(*dtype);
  end = (end + endpoint.size + slack + alignment - 1) / alignment * alignment;
  endpoints.tensors.push_back(std::move(endpoint));
  endpoints.types.push_back(type);
}

}  // namespace

Endpoints find_endpoints(const Functions& api, Signature signature, Direction direction, std::size_t& end) {
  const bool input = direction == Direction::input;
  const auto get_count = input ? api.get_input_count : api.get_output_count;
  const auto get_name = input ? api.get_input_name : api.get_output_name;
  const auto get_tensor = input ? api.get_input_tensor : api.get_output_tensor;

  Endpoints endpoints;
  Index count = 0;
  check(get_count(signature, &count), "LiteRT can't count the signature's inputs and outputs");
  for (Index index = 0; index < count; ++index) {
    const char* name = "";
    TensorHandle tensor = nullptr;
    check(get_name(signature, index, &name), "LiteRT gives no name for an input or output");
    check(get_tensor(signature, index, &tensor), "LiteRT gives no tensor for an input or output");
    add_endpoint(api, tensor, name, endpoints, end);
  }
  return endpoints;
}

void make_buffers(const Functions& api, const SharedMemory& memory, Endpoints& endpoints) {
  for (std::size_t i = 0; i < endpoints.tensors.size(); ++i) {
    const message::Endpoint& tensor = endpoints.tensors[i];
    TensorBuffer handle = nullptr;
    check(api.create_tensor_buffer(&endpoints.types[i], memory.bytes().data() + tensor.offset, tensor.size,
                                   nullptr, &handle),
          "LiteRT refused a tensor buffer");
    endpoints.buffers.emplace_back(handle, api.destroy_tensor_buffer);
    endpoints.handles.push_back(handle);
  }
}

}  // namespace calib8::litert
