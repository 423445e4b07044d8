#include "arrays.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>

namespace calib8::property {

Array array_of(const Tensor& tensor) {
  Array result{tensor.shape, {}, tensor.dtype};
  if (is_floating(tensor.dtype)) {
    for (const float value : to_float(tensor)) result.elements.push_back({value, 0});
  } else {
    for (const std::int64_t value : to_int64(tensor))
      result.elements.push_back({static_cast<double>(value), 0});
  }
  return result;
}

Array array_of(Shape shape, std::span<const float> values) {
  Array result{std::move(shape), {}};
  for (const float value : values) result.elements.push_back({value, 0});
  return result;
}

Array filled(Shape shape, Real value) {
  const std::size_t count = count_of(shape);
  return {std::move(shape), std::vector<Real>(count, value)};
}

Ints integers_of(const Array& array) {
  // "To the end", 2^63 - 1, has no double and stands there as 2^63: the greatest double below it says the
  // same.
  constexpr double largest = 9223372036854774784.0;
  Ints values;
  for (const Real& element : array.elements)
    values.push_back(static_cast<std::int64_t>(std::clamp<double>(element.value, -largest, largest)));
  return values;
}

std::size_t count_of(const Shape& shape) {
  return static_cast<std::size_t>(element_count(shape).value());
}

Ints strides_of(const Shape& shape) {
  Ints strides(shape.size(), 1);
  for (std::size_t axis = shape.size(); axis-- > 1;) strides[axis - 1] = strides[axis] * shape[axis];
  return strides;
}

Shape broadcast_shape(const Shape& a, const Shape& b) {
  Shape shape(std::max(a.size(), b.size()), 1);
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const std::int64_t first = i < a.size() ? a[a.size() - 1 - i] : 1;
    const std::int64_t second = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (first != second && first != 1 && second != 1)
      throw std::logic_error(to_string(a) + " and " + to_string(b) + " don't broadcast");
    shape[shape.size() - 1 - i] = first == 1 ? second : first;
  }
  return shape;
}

Ints broadcast_strides_of(const Shape& from, const Shape& to) {
  const Ints own = strides_of(from);
  Ints strides(to.size(), 0);
  const std::size_t missing = to.size() - from.size();
  for (std::size_t i = 0; i < from.size(); ++i) strides[missing + i] = from[i] == 1 ? 0 : own[i];
  return strides;
}

Array expanded(const Array& x, const Shape& shape) {
  const Ints strides = broadcast_strides_of(x.shape, shape);
  return build(shape, [&](const Index& index) { return x.elements[offset_at(strides, index)]; });
}

Array reshaped(const Array& x, Shape shape) {
  if (count_of(shape) != x.elements.size()) throw std::logic_error("a reshape loses elements");
  return {std::move(shape), x.elements};
}

Array permuted(const Array& x, const Ints& permutation) {
  const Ints own = strides_of(x.shape);
  Shape shape;
  Ints strides;
  for (const std::int64_t axis : permutation) {
    shape.push_back(x.shape.at(static_cast<std::size_t>(axis)));
    strides.push_back(own[static_cast<std::size_t>(axis)]);
  }
  return build(shape, [&](const Index& index) { return x.elements[offset_at(strides, index)]; });
}

Array padded(const Array& x, const Ints& before, const Ints& after, Real value) {
  Shape shape = x.shape;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) shape[axis] += before.at(axis) + after.at(axis);
  const Ints strides = strides_of(x.shape);
  return build(shape, [&](const Index& index) {
    std::int64_t offset = 0;
    for (std::size_t axis = 0; axis < index.size(); ++axis) {
      const std::int64_t at = index[axis] - before[axis];
      if (at < 0 || at >= x.shape[axis]) return value;
      offset += at * strides[axis];
    }
    return x.elements[static_cast<std::size_t>(offset)];
  });
}

Array sliced(const Array& x, const Ints& begin, const Ints& step, const Ints& count) {
  const Ints own = strides_of(x.shape);
  Ints strides = own;
  std::int64_t start = 0;
  for (std::size_t axis = 0; axis < own.size(); ++axis) {
    strides[axis] *= step.at(axis);
    start += own[axis] * begin.at(axis);
  }
  return build(count, [&](const Index& index) {
    std::int64_t offset = start;
    for (std::size_t axis = 0; axis < index.size(); ++axis) offset += strides[axis] * index[axis];
    return x.elements.at(static_cast<std::size_t>(offset));
  });
}

Array joined(const std::vector<const Array*>& parts, std::size_t axis) {
  Shape shape = parts.at(0)->shape;
  shape.at(axis) = 0;
  for (const Array* part : parts) shape[axis] += part->shape.at(axis);
  return build(shape, [&](Index index) {
    std::size_t part = 0;
    while (index[axis] >= parts[part]->shape[axis]) index[axis] -= parts[part++]->shape[axis];
    return parts[part]->elements[offset_at(strides_of(parts[part]->shape), index)];
  });
}

Array gathered(const Array& x, std::size_t axis, const Array& indices) {
  Shape shape(x.shape.begin(), x.shape.begin() + static_cast<std::ptrdiff_t>(axis));
  shape.insert(shape.end(), indices.shape.begin(), indices.shape.end());
  shape.insert(shape.end(), x.shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1, x.shape.end());
  const Ints to_index = strides_of(indices.shape), own = strides_of(x.shape);
  const std::size_t rank = indices.shape.size();
  return build(shape, [&](const Index& index) {
    std::int64_t which = 0, offset = 0;
    for (std::size_t i = 0; i < rank; ++i) which += to_index[i] * index[axis + i];
    auto at = static_cast<std::int64_t>(indices.elements[static_cast<std::size_t>(which)].value);
    if (at < 0) at += x.shape[axis];
    for (std::size_t i = 0; i < axis; ++i) offset += own[i] * index[i];
    offset += own[axis] * at;
    for (std::size_t i = axis + 1; i < x.shape.size(); ++i) offset += own[i] * index[i + rank - 1];
    return x.elements[static_cast<std::size_t>(offset)];
  });
}

Array tiled(const Array& x, const Ints& repeats) {
  Shape shape = x.shape;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) shape[axis] *= repeats.at(axis);
  const Ints strides = strides_of(x.shape);
  return build(shape, [&](Index index) {
    for (std::size_t axis = 0; axis < index.size(); ++axis) index[axis] %= x.shape[axis];
    return x.elements[offset_at(strides, index)];
  });
}

Array reduced(const Array& x, const Ints& axes, bool keeps_dimensions, Reduction kind) {
  Shape kept = x.shape, shape;
  std::vector<bool> is_reduced(kept.size(), false);
  for (std::int64_t axis : axes) {
    if (axis < 0) axis += static_cast<std::int64_t>(kept.size());
    is_reduced.at(static_cast<std::size_t>(axis)) = true;
  }
  for (std::size_t axis = 0; axis < kept.size(); ++axis) {
    if (!is_reduced[axis] || keeps_dimensions) shape.push_back(is_reduced[axis] ? 1 : kept[axis]);
    if (is_reduced[axis]) kept[axis] = 1;
  }
  const Ints strides = broadcast_strides_of(kept, x.shape);
  std::vector<Sum> sums(count_of(kept));
  std::vector<Real> values(sums.size());
  std::size_t i = 0;
  build(x.shape, [&](const Index& index) {
    const std::size_t to = offset_at(strides, index);
    const Real element = x.elements[i++];
    Real& value = values[to];
    const bool is_first = sums[to].count() == 0;
    if (kind == Reduction::max) value = is_first ? element : larger(value, element);
    if (kind == Reduction::min) value = is_first ? element : smaller(value, element);
    if (kind == Reduction::product) value = is_first ? element : value * element;
    sums[to].add(element);
    return element;
  });
  for (std::size_t to = 0; to < sums.size(); ++to) {
    if (kind == Reduction::sum) values[to] = sums[to].total();
    if (kind == Reduction::mean) values[to] = sums[to].total() / Real{static_cast<double>(sums[to].count())};
  }
  return {std::move(shape), std::move(values)};
}

Array multiplied(const Array& a, const Array& b) {
  const Shape outer_a(a.shape.begin(), a.shape.end() - 2), outer_b(b.shape.begin(), b.shape.end() - 2);
  Shape shape = broadcast_shape(outer_a, outer_b);
  Shape whole_a = shape, whole_b = shape;
  whole_a.insert(whole_a.end(), a.shape.end() - 2, a.shape.end());
  whole_b.insert(whole_b.end(), b.shape.end() - 2, b.shape.end());
  const Ints to_a = broadcast_strides_of(a.shape, whole_a), to_b = broadcast_strides_of(b.shape, whole_b);
  const std::int64_t depth = a.shape.back();
  if (depth != b.shape[b.shape.size() - 2]) throw std::logic_error("matrices don't fit each other");
  const std::size_t row_axis = shape.size(), column_axis = row_axis + 1;
  shape.push_back(a.shape[a.shape.size() - 2]);
  shape.push_back(b.shape.back());
  return build(shape, [&](const Index& index) {
    Index at_a = index, at_b = index;
    at_a[column_axis] = 0;
    at_b[row_axis] = 0;
    const std::size_t from_a = offset_at(to_a, at_a), from_b = offset_at(to_b, at_b);
    Sum sum;
    for (std::int64_t k = 0; k < depth; ++k)
      sum.add(a.elements[from_a + static_cast<std::size_t>(k * to_a[column_axis])] *
              b.elements[from_b + static_cast<std::size_t>(k * to_b[row_axis])]);
    return sum.total();
  });
}

Array softmax(const Array& x, std::size_t axis, double beta) {
  const Ints strides = strides_of(x.shape);
  const std::int64_t size = x.shape.at(axis);
  return build(x.shape, [&](const Index& index) {
    Index first = index;
    first[axis] = 0;
    const std::size_t start = offset_at(strides, first);
    const auto at = [&](std::int64_t k) {
      return x.elements[start + static_cast<std::size_t>(k * strides[axis])];
    };
    double highest = -INFINITY, error = 0, sum = 0, magnitude = 0;
    for (std::int64_t k = 0; k < size; ++k) {
      highest = std::max(highest, at(k).value);
      error = std::max(error, at(k).error);
      magnitude = std::max(magnitude, std::abs(at(k).value));
    }
    for (std::int64_t k = 0; k < size; ++k) sum += std::exp(beta * (at(k).value - highest));
    const double value = std::exp(beta * (at(index[axis]).value - highest)) / sum;
    const double moved = 2 * std::abs(beta) * (error + 2 * float_unit * magnitude);
    return Real{value, std::min(1.0, value * std::expm1(moved)) + 1e-6};
  });
}

}  // namespace calib8::property
