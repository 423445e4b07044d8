#include "read/weights/safetensors.h"

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>

#include "base/natural_order.h"
#include "base/text.h"
#include "calib8/error.h"
#include "container/byte_cursor.h"
#include "read/chosen_tensors.h"
#include "read/weights/safetensors_header.h"

namespace calib8 {
namespace {

constexpr std::size_t length_bytes = 8;
constexpr std::uint64_t largest_header = 100'000'000;

struct TypeName {
  std::string_view name;
  DType dtype;
};
constexpr std::array<TypeName, 13> type_names = {{{"F64", DType::float64},
                                                  {"F32", DType::float32},
                                                  {"F16", DType::float16},
                                                  {"BF16", DType::bfloat16},
                                                  {"I64", DType::int64},
                                                  {"I32", DType::int32},
                                                  {"I16", DType::int16},
                                                  {"I8", DType::int8},
                                                  {"U64", DType::uint64},
                                                  {"U32", DType::uint32},
                                                  {"U16", DType::uint16},
                                                  {"U8", DType::uint8},
                                                  {"BOOL", DType::boolean}}};

DType dtype_of(const SafetensorsEntry& entry, const std::string& where) {
  const auto found = std::ranges::find(type_names, std::string_view(entry.dtype), &TypeName::name);
  if (found != type_names.end()) return found->dtype;
  throw Error(ErrorCode::model,
              "tensor " + printable(entry.name) + " has the type " + printable(entry.dtype) +
                  ", which calib8 doesn't read: convert it to float32 before saving",
              where);
}

/// Elements as the graph needs them: where they are, or copied to where they are aligned. The header's length
/// is padded by most writers, but not by the format.
Data aligned(const Data& data, std::size_t element_size) {
  if (reinterpret_cast<std::uintptr_t>(data.bytes().data()) % element_size == 0) return data;
  return Data::from_vector(std::vector<std::byte>(data.bytes().begin(), data.bytes().end()));
}

Tensor tensor_of(const SafetensorsEntry& entry, const Data& elements, const std::string& where) {
  const DType dtype = dtype_of(entry, where);
  const auto count = element_count(entry.shape);
  const std::uint64_t size = entry.end - entry.begin;
  const std::size_t element_size = size_of(dtype);
  if (!count || size % element_size != 0 || static_cast<std::uint64_t>(*count) != size / element_size)
    throw Error(ErrorCode::model,
                "tensor " + printable(entry.name) + " of " + entry.dtype + " " + to_string(entry.shape) +
                    " has " + std::to_string(size) + " bytes: the file is damaged, get it anew",
                where);
  return {dtype, entry.shape, aligned(elements.part(entry.begin, size), element_size)};
}

/// Holds the entries, in the order of their bytes, against the `size` bytes that there are.
void check_places(const std::vector<SafetensorsEntry>& entries, std::uint64_t size,
                  const std::string& where) {
  std::uint64_t expected = 0;
  for (const SafetensorsEntry& entry : entries) {
    const std::string tensor = "tensor " + printable(entry.name);
    if (entry.end < entry.begin)
      throw Error(ErrorCode::model, tensor + " ends before it begins: the file is damaged, get it anew",
                  where);
    if (entry.end > size)
      throw Error(ErrorCode::model,
                  tensor + " ends at byte " + std::to_string(entry.end) + " of " + std::to_string(size) +
                      ": the file is cut off or damaged, get it anew",
                  where);
    if (entry.begin != expected)
      throw Error(ErrorCode::model,
                  tensor + (entry.begin > expected ? " leaves a hole before it" : " overlaps another") +
                      ": the file is damaged, get it anew",
                  where);
    expected = entry.end;
  }
  if (expected != size)
    throw Error(ErrorCode::model,
                std::to_string(size - expected) +
                    " bytes at the end belong to no tensor: the file is damaged, get it anew",
                where);
}

}  // namespace

bool looks_like_safetensors(ByteView bytes) {
  if (bytes.size() < length_bytes + 2) return false;
  const std::string_view text = text_of(bytes);
  // No kind of file that calib8 reads has zeros in these places, and a length beyond 2^40 is nobody's.
  const bool is_length = std::ranges::all_of(text.substr(5, 3), [](char c) { return c == '\0'; });
  const char second = text[length_bytes + 1];
  return is_length && text[length_bytes] == '{' &&
         (second == '"' || second == '}' || second == ' ' || second == '\n' || second == '\t' ||
          second == '\r');
}

Safetensors read_safetensors(const Data& file, const std::string& where) {
  const auto fail = [&](const std::string& what) { return Error(ErrorCode::model, what, where); };
  if (file.size() < length_bytes) throw fail("is too short for a safetensors file: get it anew");
  ByteCursor cursor(file.bytes(), "the header's length", where);
  const auto length = cursor.number<std::uint64_t>();
  if (length > largest_header)
    throw fail("the header takes " + std::to_string(length) +
               " bytes, more than the format's 100 MB: the file is damaged, get it anew");
  if (length > file.size() - length_bytes)
    throw fail("the header takes " + std::to_string(length) +
               " bytes and the file ends before: it is cut off or damaged, get it anew");
  SafetensorsHeader header =
      parse_safetensors_header(text_of(file.bytes().subspan(length_bytes, length)), where);
  const Data elements = file.part(length_bytes + length, file.size() - length_bytes - length);
  std::ranges::stable_sort(header.entries, {},
                           [](const SafetensorsEntry& entry) { return std::tuple(entry.begin, entry.end); });
  check_places(header.entries, elements.size(), where);
  Safetensors read{{}, std::move(header.metadata)};
  for (SafetensorsEntry& entry : header.entries) {
    Tensor tensor = tensor_of(entry, elements, where);
    read.tensors.push_back({std::move(entry.name), std::move(tensor)});
  }
  return read;
}

Checkpoint checkpoint_of_safetensors(Safetensors file, const std::string& where,
                                     const std::string& state_dict) {
  if (file.tensors.empty()) throw Error(ErrorCode::model, "holds no tensors", where);
  // The writers sort tensors by type and name, so that the order of the modules is lost; numbers restore it.
  std::ranges::stable_sort(file.tensors, before_naturally, &NamedTensor::name);
  return checkpoint_of(std::move(file.tensors), where, state_dict);
}

}  // namespace calib8
