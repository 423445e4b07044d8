#include "runtime/message.h"

#include <cstring>

namespace calib8::message {
namespace {

constexpr std::uint64_t dtype_count = static_cast<std::uint64_t>(DType::boolean) + 1;
constexpr std::uint64_t most_endpoints = 1 << 24, most_dimensions = 64;

[[noreturn]] void refuse() {
  throw Error(ErrorCode::runtime, "LiteRT's process gave an answer that makes no sense");
}

void put(Writer& writer, const std::vector<Endpoint>& endpoints) {
  writer.put(endpoints.size());
  for (const Endpoint& endpoint : endpoints) {
    writer.put(endpoint.name).put(static_cast<std::uint64_t>(endpoint.dtype)).put(endpoint.shape.size());
    for (const std::int64_t size : endpoint.shape) writer.put(size);
    writer.put(endpoint.offset).put(endpoint.size);
  }
}

Endpoint read_endpoint(Reader& reader, std::size_t memory_size) {
  Endpoint endpoint;
  endpoint.name = reader.text();
  endpoint.dtype = static_cast<DType>(reader.number_below(dtype_count));
  endpoint.shape.resize(reader.number_below(most_dimensions));
  for (std::int64_t& size : endpoint.shape) size = static_cast<std::int64_t>(reader.number());
  endpoint.offset = reader.number();
  endpoint.size = reader.number();
  const auto count = element_count(endpoint.shape);
  const std::size_t element = size_of(endpoint.dtype);
  if (!count || static_cast<std::size_t>(*count) != endpoint.size / element || endpoint.size % element != 0)
    refuse();
  if (endpoint.offset > memory_size || endpoint.size > memory_size - endpoint.offset) refuse();
  return endpoint;
}

std::vector<Endpoint> read_endpoints(Reader& reader, std::size_t memory_size) {
  std::vector<Endpoint> endpoints;
  for (std::uint64_t left = reader.number_below(most_endpoints); left > 0; --left)
    endpoints.push_back(read_endpoint(reader, memory_size));
  return endpoints;
}

}  // namespace

ByteView Reader::take(std::size_t size) {
  if (size > bytes_.size()) refuse();
  const ByteView taken = bytes_.first(size);
  bytes_ = bytes_.subspan(size);
  return taken;
}

std::uint64_t Reader::number() {
  std::uint64_t number = 0;
  std::memcpy(&number, take(sizeof number).data(), sizeof number);
  return number;
}

std::uint64_t Reader::number_below(std::uint64_t limit) {
  const std::uint64_t found = number();
  if (found >= limit) refuse();
  return found;
}

std::string Reader::text() {
  const ByteView bytes = take(number());
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Writer write(const Open& open) {
  Writer writer;
  writer.put(Request::open).put(open.builtin_kernels).put(open.threads).put(open.parts.size());
  for (const std::size_t part : open.parts) writer.put(part);
  return writer;
}

Open read_open(Reader& reader) {
  Open open;
  open.builtin_kernels = reader.number() != 0;
  open.threads = static_cast<int>(reader.number_below(1 << 16));
  open.parts.resize(reader.number_below(16));
  for (std::size_t& part : open.parts) part = reader.number();
  return open;
}

Writer write(const std::optional<Failure>& failure) {
  Writer writer;
  writer.put(failure ? static_cast<int>(failure->code) : 0).put(failure ? failure->text : std::string());
  return writer;
}

std::optional<Failure> read_failure(Reader& reader) {
  const std::uint64_t code = reader.number();
  std::string text = reader.text();
  if (code == 0) return std::nullopt;
  const bool is_models = code == static_cast<std::uint64_t>(ErrorCode::model);
  return Failure{is_models ? ErrorCode::model : ErrorCode::runtime, std::move(text)};
}

Writer write(const Ready& ready) {
  Writer writer = write(ready.failure);
  writer.put(ready.memory_size);
  put(writer, ready.inputs);
  put(writer, ready.outputs);
  return writer;
}

Ready read_ready(Reader& reader) {
  Ready ready;
  ready.failure = read_failure(reader);
  ready.memory_size = reader.number();
  ready.inputs = read_endpoints(reader, ready.memory_size);
  ready.outputs = read_endpoints(reader, ready.memory_size);
  return ready;
}

Writer write(const Ran& ran) {
  Writer writer = write(ran.failure);
  writer.put(ran.nanoseconds);
  return writer;
}

Ran read_ran(Reader& reader) {
  Ran ran;
  ran.failure = read_failure(reader);
  ran.nanoseconds = reader.number();
  return ran;
}

}  // namespace calib8::message
