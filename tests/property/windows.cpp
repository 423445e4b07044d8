#include <limits>
#include <stdexcept>

#include "arrays.h"

namespace calib8::property {
namespace {

/// visit(row, column, tap row, tap column) for each tap of one window that lies on the image.
template <class Visit>
void each_tap(const Windows& windows, const Array& x, std::int64_t row, std::int64_t column, Visit visit) {
  for (std::int64_t i = 0; i < windows.kernel[0]; ++i) {
    const std::int64_t y = row * windows.stride[0] - windows.before[0] + i * windows.dilation[0];
    if (y < 0 || y >= x.shape[2]) continue;
    for (std::int64_t j = 0; j < windows.kernel[1]; ++j) {
      const std::int64_t z = column * windows.stride[1] - windows.before[1] + j * windows.dilation[1];
      if (z >= 0 && z < x.shape[3]) visit(y, z, i, j);
    }
  }
}

Real at(const Array& array, std::int64_t a, std::int64_t b, std::int64_t c, std::int64_t d) {
  const Shape& shape = array.shape;
  return array.elements[static_cast<std::size_t>(((a * shape[1] + b) * shape[2] + c) * shape[3] + d)];
}

}  // namespace

Array convolved(const Array& x, const Array& weights, const Array* bias, std::int64_t group,
                const Windows& windows) {
  const std::int64_t outputs = weights.shape.at(0), depth = weights.shape.at(1);
  if (depth * group != x.shape.at(1)) throw std::logic_error("a convolution's weights don't fit its input");
  return build({x.shape[0], outputs, windows.output[0], windows.output[1]}, [&](const Index& index) {
    Sum sum;
    const std::int64_t first = index[1] / (outputs / group) * depth;
    if (bias) sum.add(bias->elements.at(static_cast<std::size_t>(index[1])));
    each_tap(windows, x, index[2], index[3], [&](auto row, auto column, auto i, auto j) {
      for (std::int64_t channel = 0; channel < depth; ++channel)
        sum.add(at(weights, index[1], channel, i, j) * at(x, index[0], first + channel, row, column));
    });
    return sum.total();
  });
}

Array convolved_transposed(const Array& x, const Array& weights, const Array* bias, std::int64_t group,
                           const Windows& windows) {
  const std::int64_t per_group = weights.shape.at(1), depth = x.shape.at(1) / group;
  const Shape shape{x.shape[0], per_group * group, windows.output[0], windows.output[1]};
  const Ints strides = strides_of(shape);
  std::vector<Sum> sums(count_of(shape));
  std::size_t next = 0;
  build(shape, [&](const Index& index) {
    if (bias) sums[next].add(bias->elements.at(static_cast<std::size_t>(index[1])));
    ++next;
    return Real{};
  });
  std::size_t source = 0;
  build(x.shape, [&](const Index& index) {
    const Real element = x.elements[source++];
    for (std::int64_t i = 0; i < windows.kernel[0]; ++i) {
      const std::int64_t row = index[2] * windows.stride[0] - windows.before[0] + i * windows.dilation[0];
      if (row < 0 || row >= shape[2]) continue;
      for (std::int64_t j = 0; j < windows.kernel[1]; ++j) {
        const std::int64_t column =
            index[3] * windows.stride[1] - windows.before[1] + j * windows.dilation[1];
        if (column < 0 || column >= shape[3]) continue;
        for (std::int64_t o = 0; o < per_group; ++o) {
          const std::int64_t channel = index[1] / depth * per_group + o;
          sums[offset_at(strides, {index[0], channel, row, column})].add(at(weights, index[1], o, i, j) *
                                                                         element);
        }
      }
    }
    return element;
  });
  Array result{shape, {}};
  for (const Sum& sum : sums) result.elements.push_back(sum.total());
  return result;
}

Array max_pooled(const Array& x, const Windows& windows) {
  return build({x.shape[0], x.shape[1], windows.output[0], windows.output[1]}, [&](const Index& index) {
    Real result{-std::numeric_limits<double>::infinity(), 0};
    each_tap(windows, x, index[2], index[3], [&](auto row, auto column, auto, auto) {
      result = larger(result, at(x, index[0], index[1], row, column));
    });
    return result;
  });
}

Array average_pooled(const Array& x, const Windows& windows, const std::int64_t* after) {
  const auto padded_count = [&](std::size_t axis, std::int64_t place) {
    const std::int64_t start = place * windows.stride[axis] - windows.before[axis];
    const std::int64_t end = x.shape[axis + 2] + after[axis];
    return std::min(start + windows.kernel[axis], end) - start;
  };
  return build({x.shape[0], x.shape[1], windows.output[0], windows.output[1]}, [&](const Index& index) {
    Sum sum;
    each_tap(windows, x, index[2], index[3],
             [&](auto row, auto column, auto, auto) { sum.add(at(x, index[0], index[1], row, column)); });
    const std::int64_t count = after ? padded_count(0, index[2]) * padded_count(1, index[3]) : sum.count();
    return sum.total() / Real{static_cast<double>(count)};
  });
}

}  // namespace calib8::property
