#pragma once

#include <cassert>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/dtype.h"
#include "base/shape.h"

namespace calib8 {

/// An immutable array: row-major, little-endian, contiguous. `data` holds exactly element_count(shape)
/// elements and is aligned to the element size; whoever makes a Tensor sees to both.
struct Tensor {
  DType dtype = DType::float32;
  Shape shape;
  Data data;

  std::int64_t count() const { return static_cast<std::int64_t>(data.size() / size_of(dtype)); }

  /// The elements; T must be the tensor's own type.
  template <class T>
  std::span<const T> as() const {
    assert(DTypeOf<T>::value == dtype);
    return {reinterpret_cast<const T*>(data.bytes().data()), data.size() / sizeof(T)};
  }
};

template <class T>
Tensor make_tensor(Shape shape, std::vector<T> values) {
  assert(element_count(shape) == static_cast<std::int64_t>(values.size()));
  return {DTypeOf<T>::value, std::move(shape), Data::from_vector(std::move(values))};
}

/// The elements as float32, whatever real or integer type they have.
std::vector<float> to_float(const Tensor& tensor);

/// The elements as int64; fails with ErrorCode::internal where the type is floating.
std::vector<std::int64_t> to_int64(const Tensor& tensor);

}  // namespace calib8
