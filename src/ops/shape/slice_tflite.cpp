// SLICE and STRIDED_SLICE: what they make of their input.

#include <fmt/format.h>

#include <algorithm>

#include "ops/infer_tflite.h"
#include "ops/shape/slice_rows.h"

namespace calib8 {
namespace {

/// The parts of one dimension's slice as the file has them.
struct Part {
  std::int64_t begin, end, stride;
  bool has_no_begin, has_no_end, is_single;
};

/// How many elements the part has of a dimension; 1 for a single index.
std::int64_t count_of(const OperatorView& view, const Part& part, std::int64_t size) {
  if (part.stride == 0) view.fail("slices with stride 0");
  const bool forward = part.stride > 0;
  const std::int64_t first = forward ? 0 : -1, last = forward ? size : size - 1;
  const auto from_front = [&](std::int64_t index) { return index < 0 ? index + size : index; };
  if (part.is_single) {
    const std::int64_t index = part.has_no_begin ? (forward ? 0 : size - 1) : from_front(part.begin);
    if (index < 0 || index >= size)
      view.fail(fmt::format("index {} is outside of {} elements", part.begin, size));
    return 1;
  }
  const std::int64_t begin =
      part.has_no_begin ? (forward ? 0 : size - 1) : std::clamp(from_front(part.begin), first, last);
  const std::int64_t end =
      part.has_no_end ? (forward ? size : -1) : std::clamp(from_front(part.end), first, last);
  const std::int64_t distance = forward ? end - begin : begin - end;
  const std::int64_t step = forward ? part.stride : -part.stride;
  return distance > 0 ? (distance - 1) / step + 1 : 0;
}

/// A STRIDED_SLICE whose vectors have been read.
struct Parts {
  std::vector<std::int64_t> begin, end, strides;
  const tflite::StridedSlice& masks;

  static bool has(std::int32_t mask, std::size_t i) { return i < 31 && (mask >> i & 1) != 0; }
  bool is_ellipsis(std::size_t i) const { return has(masks.ellipsis_mask, i); }
  bool is_new(std::size_t i) const { return !is_ellipsis(i) && has(masks.new_axis_mask, i); }
  bool is_single(std::size_t i) const { return has(masks.shrink_axis_mask, i); }
  Part operator[](std::size_t i) const {
    return {begin[i], end[i], strides[i], has(masks.begin_mask, i), has(masks.end_mask, i), is_single(i)};
  }
};

Parts read_parts(const OperatorView& view) {
  Parts parts{view.integers(1, "its starts"), view.integers(2, "its ends"), view.integers(3, "its strides"),
              view.options<tflite::StridedSlice>()};
  for (const std::size_t position : {1, 2, 3}) {
    if (view.input(position).shape.size() != 1 || view.input(position).shape != view.input(1).shape) {
      view.fail(fmt::format("starts of shape {} and '{}' of shape {} don't fit",
                            to_string(view.input(1).shape), view.input(position).name,
                            to_string(view.input(position).shape)));
    }
  }
  return parts;
}

}  // namespace

std::vector<TensorType> infer_slice_tflite(const OperatorView& view) {
  view.require_type(0, moved_types);
  const TfliteTensor& x = view.input(0);
  const auto begin = view.integers(1, "its starts", true);
  Shape shape = view.integers(2, "its sizes", true);
  bool fits = begin.size() == x.shape.size() && shape.size() == x.shape.size() &&
              view.input(1).shape.size() == 1 && view.input(2).shape.size() == 1;
  for (std::size_t i = 0; fits && i < shape.size(); ++i) {
    fits = begin[i] >= 0 && begin[i] <= x.shape[i];
    if (fits && shape[i] == -1) shape[i] = x.shape[i] - begin[i];  // the rest
    fits = fits && shape[i] >= 0 && shape[i] <= x.shape[i] - begin[i];
  }
  if (!fits) {
    view.fail(fmt::format("a slice of {} at {} is not within {}", to_string(shape), to_string(begin),
                          to_string(x.shape)));
  }
  return {{x.dtype, std::move(shape)}};
}

std::vector<TensorType> infer_strided_slice(const OperatorView& view) {
  view.require_type(0, moved_types);
  const TfliteTensor& x = view.input(0);
  const Parts parts = read_parts(view);
  std::size_t new_axes = 0, ellipses = 0;
  for (std::size_t i = 0; i < parts.begin.size(); ++i) {
    if (parts.is_new(i)) ++new_axes;
    if (parts.is_ellipsis(i)) ++ellipses;
  }
  const std::size_t named = parts.begin.size() - new_axes - ellipses;  // dimensions of x
  if (ellipses > 1 || named > x.shape.size()) {
    view.fail(fmt::format("{} slices with {} ellipses don't fit {}", parts.begin.size(), ellipses,
                          to_string(x.shape)));
  }
  Shape shape;
  std::size_t dimension = 0;
  for (std::size_t i = 0; i < parts.begin.size(); ++i) {
    if (parts.is_ellipsis(i)) {
      for (std::size_t skipped = x.shape.size() - named; skipped > 0; --skipped)
        shape.push_back(x.shape[dimension++]);
    } else if (parts.is_new(i)) {
      shape.push_back(1);
    } else {
      const std::int64_t count = count_of(view, parts[i], x.shape[dimension++]);
      if (!parts.is_single(i)) shape.push_back(count);
    }
  }
  shape.insert(shape.end(), x.shape.begin() + static_cast<std::ptrdiff_t>(dimension), x.shape.end());
  return {{x.dtype, std::move(shape)}};
}

}  // namespace calib8
