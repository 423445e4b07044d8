#include "ops/strided.h"

#include <cstring>

namespace calib8 {
namespace {

template <std::size_t element_size>
void copy(const std::byte* from, std::byte* to, const Shape& shape, const Shape& strides) {
  const Shape none(shape.size(), 0);
  for_each_pair(shape, strides, none, [&](std::int64_t i, std::int64_t at, std::int64_t) {
    std::memcpy(to + i * static_cast<std::int64_t>(element_size),
                from + at * static_cast<std::int64_t>(element_size), element_size);
  });
}

}  // namespace

bool is_foldable_size(const Shape& shape, DType dtype) {
  const auto count = element_count(shape);
  return count && *count <= most_folded_bytes / static_cast<std::int64_t>(size_of(dtype));
}

Shape row_major_strides(const Shape& shape) {
  Shape strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) {
    // Without sign: beside a size of 0, the others may multiply to more than int64 holds; then nobody reads
    // strides.
    strides[i - 1] = static_cast<std::int64_t>(static_cast<std::uint64_t>(strides[i]) *
                                               static_cast<std::uint64_t>(shape[i]));
  }
  return strides;
}

Shape broadcast_strides(const Shape& from, const Shape& to) {
  const Shape own = row_major_strides(from);
  Shape strides(to.size(), 0);
  const std::size_t ahead = to.size() - from.size();
  for (std::size_t i = 0; i < from.size(); ++i) strides[ahead + i] = from[i] == 1 ? 0 : own[i];
  return strides;
}

Tensor copy_strided(const Tensor& source, const Shape& shape, const Shape& strides, std::int64_t offset) {
  const std::size_t element_size = size_of(source.dtype);
  const auto count = static_cast<std::size_t>(element_count(shape).value());
  std::vector<std::byte> bytes(count * element_size);
  if (count > 0) {
    const std::byte* from = source.data.bytes().data() + offset * static_cast<std::int64_t>(element_size);
    switch (element_size) {
      case 1:
        copy<1>(from, bytes.data(), shape, strides);
        break;
      case 2:
        copy<2>(from, bytes.data(), shape, strides);
        break;
      case 4:
        copy<4>(from, bytes.data(), shape, strides);
        break;
      default:
        copy<8>(from, bytes.data(), shape, strides);
    }
  }
  return {source.dtype, shape, Data::from_vector(std::move(bytes))};
}

Tensor broadcast_to(const Tensor& source, const Shape& shape) {
  if (source.shape == shape) return source;
  return copy_strided(source, shape, broadcast_strides(source.shape, shape));
}

}  // namespace calib8
