#include "container/storage.h"

#include <algorithm>
#include <optional>

namespace calib8 {
namespace {

// A tied weight counts once per name, and an expanded one in full: enough for any model, too little for a
// bomb.
constexpr std::uint64_t tensor_bytes_per_file_byte = 16;
constexpr std::uint64_t tensor_bytes_always_allowed = 16 << 20;

bool is_contiguous(const Shape& shape, const Shape& strides) {
  std::int64_t expected = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    if (shape[i] == 1) continue;
    if (strides[i] != expected) return false;
    expected *= shape[i];
  }
  return true;
}

/// Index of the last element reached from `offset`, with no size 0; nothing where a stride is negative or it
/// overflows.
std::optional<std::int64_t> last_element(const StoragePlace& place) {
  std::int64_t last = place.offset;
  for (std::size_t i = 0; i < place.shape.size(); ++i) {
    std::int64_t step = 0;
    if (place.strides[i] < 0 || __builtin_mul_overflow(place.shape[i] - 1, place.strides[i], &step) ||
        __builtin_add_overflow(last, step, &last))
      return std::nullopt;
  }
  return last;
}

/// Writes the elements in row-major order. `Size` is the bytes of one.
template <std::size_t Size>
void gather(const std::byte* from, const StoragePlace& place, std::span<std::byte> to) {
  const std::size_t rank = place.shape.size();
  std::vector<std::int64_t> index(rank, 0);
  std::int64_t at = place.offset;
  for (std::size_t written = 0; written < to.size(); written += Size) {
    std::copy_n(from + static_cast<std::size_t>(at) * Size, Size, to.data() + written);
    for (std::size_t axis = rank; axis-- > 0;) {
      at += place.strides[axis];
      if (++index[axis] < place.shape[axis]) break;
      at -= place.strides[axis] * place.shape[axis];
      index[axis] = 0;
    }
  }
}

Data gathered(const Data& storage, const StoragePlace& place, std::size_t count, std::size_t element_size) {
  std::vector<std::byte> elements(count * element_size);
  const std::byte* from = storage.bytes().data();
  switch (element_size) {
    case 1:
      gather<1>(from, place, elements);
      break;
    case 2:
      gather<2>(from, place, elements);
      break;
    case 4:
      gather<4>(from, place, elements);
      break;
    default:
      gather<8>(from, place, elements);
      break;
  }
  return Data::from_vector(std::move(elements));
}

bool is_aligned(ByteView bytes, std::size_t alignment) {
  return reinterpret_cast<std::uintptr_t>(bytes.data()) % alignment == 0;
}

}  // namespace

StorageReader::StorageReader(std::uint64_t file_size)
    : bytes_left_(file_size * tensor_bytes_per_file_byte + tensor_bytes_always_allowed) {}

Tensor StorageReader::read(const Data& storage, DType dtype, StoragePlace place,
                           const std::function<Error(const std::string&)>& error) {
  const std::size_t element_size = size_of(dtype);
  const auto count = element_count(place.shape);
  if (!count || place.shape.size() != place.strides.size() || place.offset < 0)
    throw error("has impossible sizes: the file is damaged, get it anew");
  if (*count == 0) return {dtype, place.shape, Data()};
  // Along an axis of size 1 the stride is never taken, and may be anything.
  for (std::size_t axis = 0; axis < place.shape.size(); ++axis) {
    if (place.shape[axis] == 1) place.strides[axis] = 0;
  }
  const auto last = last_element(place);
  if (!last || static_cast<std::uint64_t>(*last) >= storage.size() / element_size)
    throw error("reaches outside its storage: the file is damaged, get it anew");
  if (static_cast<std::uint64_t>(*count) > bytes_left_ / element_size)
    throw error(
        "makes the tensors far larger than the file (repeated elements): call .contiguous() or .clone() "
        "less");
  const auto elements = static_cast<std::size_t>(*count);
  bytes_left_ -= elements * element_size;
  if (is_contiguous(place.shape, place.strides)) {
    const Data data =
        storage.part(static_cast<std::size_t>(place.offset) * element_size, elements * element_size);
    if (is_aligned(data.bytes(), element_size)) return {dtype, place.shape, data};
  }
  return {dtype, place.shape, gathered(storage, place, elements, element_size)};
}

}  // namespace calib8
