#include "ops/convolution/spectrum.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "ops/convolution/weights.h"
#include "ops/emit.h"
#include "ops/formula.h"
#include "ops/infer.h"

namespace calib8 {
namespace {

/// Elements of a constant matrix: 64 MB.
constexpr std::int64_t most_weights = std::int64_t{1} << 24;
constexpr std::int64_t most_points = std::int64_t{1} << 24;

/// A discrete Fourier transform of `points` numbers, of which `bins` come out.
struct Transform {
  std::int64_t points = 0, bins = 0;
  bool inverse = false;
};

/// The number that a constant input is; nothing where it is left out, or not known.
std::optional<std::int64_t> number_input(const NodeView& view, std::size_t position) {
  if (!view.has_input(position)) return std::nullopt;
  const Tensor* tensor = view.constant(position);
  if (!tensor || is_floating(tensor->dtype) || tensor->count() != 1) return std::nullopt;
  return to_int64(*tensor)[0];
}

/// True where the input is given, but not as a constant.
bool is_computed(const NodeView& view, std::size_t position) {
  return view.has_input(position) && !view.constant(position);
}

Transform transform_of(const NodeView& view, std::int64_t points, bool onesided) {
  if (points < 1 || points > most_points) view.fail("it transforms " + std::to_string(points) + " points");
  return {points, onesided ? points / 2 + 1 : points, view.node.get_int("inverse", 0) != 0};
}

/// Weights [2 * bins, taps * parts] that make of `taps` numbers (real, or real and imaginary parts) the real
/// and imaginary parts of each bin. Numbers beyond the points of the transform don't count, and points beyond
/// the numbers are zero. `window` has a factor for each number; empty: 1.
Tensor matrix(const Transform& transform, std::int64_t taps, std::int64_t parts,
              const std::vector<float>& window) {
  std::vector<float> weights(static_cast<std::size_t>(2 * transform.bins * taps * parts), 0.0f);
  const double direction = transform.inverse ? 1 : -1;
  const double scale = transform.inverse ? 1.0 / static_cast<double>(transform.points) : 1.0;
  for (std::int64_t bin = 0; bin < transform.bins; ++bin) {
    for (std::int64_t tap = 0; tap < std::min(taps, transform.points); ++tap) {
      const double turn =
          static_cast<double>(bin * tap % transform.points) / static_cast<double>(transform.points);
      const double factor =
          scale * (window.empty() ? 1.0 : static_cast<double>(window[static_cast<std::size_t>(tap)]));
      const double angle = direction * 2 * std::numbers::pi * turn;
      const double cosine = factor * std::cos(angle), sine = factor * std::sin(angle);
      const auto at = [&](std::int64_t of_result, std::int64_t of_number) -> float& {
        return weights[static_cast<std::size_t>(((2 * bin + of_result) * taps + tap) * parts + of_number)];
      };
      at(0, 0) = static_cast<float>(cosine);
      at(1, 0) = static_cast<float>(sine);
      if (parts == 1) continue;
      at(0, 1) = static_cast<float>(-sine);
      at(1, 1) = static_cast<float>(cosine);
    }
  }
  return make_tensor({2 * transform.bins, taps * parts}, std::move(weights));
}

/// Weights [points, taps * parts] that make of the first half of a spectrum that belongs to real numbers,
/// `taps` bins, these numbers. Each bin but the first and, of an even number, the middle one stands for two.
Tensor matrix_to_real(std::int64_t points, std::int64_t taps, std::int64_t parts) {
  std::vector<float> weights(static_cast<std::size_t>(points * taps * parts), 0.0f);
  for (std::int64_t point = 0; point < points; ++point) {
    for (std::int64_t bin = 0; bin < std::min(taps, points / 2 + 1); ++bin) {
      const double turn = static_cast<double>(bin * point % points) / static_cast<double>(points);
      const double angle = 2 * std::numbers::pi * turn;
      const double factor = (bin == 0 || 2 * bin == points ? 1.0 : 2.0) / static_cast<double>(points);
      const auto at = static_cast<std::size_t>((point * taps + bin) * parts);
      weights[at] = static_cast<float>(factor * std::cos(angle));
      if (parts == 2) weights[at + 1] = static_cast<float>(-factor * std::sin(angle));
    }
  }
  return make_tensor({points, taps * parts}, std::move(weights));
}

/// The inverse of a transform of real numbers: half a spectrum becomes them.
bool gives_real_numbers(const NodeView& view) {
  return view.node.get_int("onesided", 0) != 0 && view.node.get_int("inverse", 0) != 0;
}

Tensor no_bias(std::int64_t count) {
  return make_tensor({count}, std::vector<float>(static_cast<std::size_t>(count), 0.0f));
}

/// How many real numbers `bins` of half a spectrum become, where the node gives no length.
std::int64_t real_points(const NodeView& view, std::optional<std::int64_t> length, std::int64_t bins) {
  return transform_of(view, length.value_or(2 * (bins - 1)), false).points;
}

/// The dimension that a DFT goes along.
std::size_t axis_of(const NodeView& view, std::size_t rank) {
  const std::int64_t axis = number_input(view, 2).value_or(-2), count = static_cast<std::int64_t>(rank);
  const std::int64_t position = axis < 0 ? axis + count : axis;
  if (position < 0 || position >= count - 1) view.fail("it has no axis " + std::to_string(axis));
  return static_cast<std::size_t>(position);
}

/// A signal [batch, length] or [batch, length, 1 or 2] in frames.
struct Frames {
  std::int64_t step = 0, length = 0;
};

Frames frames_of(const NodeView& view) {
  Frames frames;
  frames.step = number_input(view, 1).value_or(0);
  const Tensor* window = view.has_input(2) ? view.constant(2) : nullptr;
  frames.length = number_input(view, 3).value_or(window ? window->count() : 0);
  if (frames.step < 1 || frames.length < 1 || frames.step > most_points || frames.length > most_points)
    view.fail("its frames have no length or step");
  if (window && window->count() != frames.length) view.fail("its window is not as long as its frames");
  return frames;
}

}  // namespace

std::vector<OnnxType> infer_dft(const NodeView& view) {
  const OnnxType& x = view.input_type(0);
  if (!x.has_rank() || is_computed(view, 1) || is_computed(view, 2)) return {{x.dtype, std::nullopt}};
  if (x.shape->size() < 2) view.fail("its input has no dimension of parts");
  Dimensions shape = *x.shape;
  Dimension& along = shape[axis_of(view, shape.size())];
  const auto length = number_input(view, 1);
  if (gives_real_numbers(view)) {
    if (length || along.is_known()) along = known(real_points(view, length, along.size));
    shape.back() = known(1);
    return {{x.dtype, shape}};
  }
  if (length) along = known(*length);
  if (along.is_known())
    along = known(transform_of(view, along.size, view.node.get_int("onesided", 0) != 0).bins);
  shape.back() = known(2);
  return {{x.dtype, shape}};
}

//   DFT(x [..., n, ..., 1 or 2])   ->   [TRANSPOSE], FULLY_CONNECTED [..., 2 * bins or points], [TRANSPOSE]
Refusal lower_dft(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  if (is_computed(lowering, 1) || is_computed(lowering, 2)) return "a length or axis that isn't constant";
  const Shape shape = lowering.input_shape(0);
  const std::size_t axis = axis_of(lowering, shape.size());
  const std::int64_t taps = shape[axis], parts = shape.back();
  const bool onesided = lowering.node.get_int("onesided", 0) != 0;
  if (parts != 1 && parts != 2) return "a last dimension of " + std::to_string(parts);
  const bool to_real = gives_real_numbers(lowering);
  if (onesided && parts == 2 && !to_real) return "one side of what isn't the transform of real numbers";
  const auto length = number_input(lowering, 1);
  const Transform transform = to_real ? Transform{real_points(lowering, length, taps), 0, true}
                                      : transform_of(lowering, length.value_or(taps), onesided);
  const std::int64_t results = to_real ? transform.points : 2 * transform.bins;
  if (results * taps * parts > most_weights)
    return "a transform of " + std::to_string(transform.points) + " points";
  Formula f(lowering);
  std::vector<std::int64_t> forth(shape.size()), back(shape.size());
  std::iota(forth.begin(), forth.end(), 0);
  std::rotate(forth.begin() + static_cast<std::ptrdiff_t>(axis),
              forth.begin() + static_cast<std::ptrdiff_t>(axis) + 1, forth.end() - 1);
  for (std::size_t i = 0; i < forth.size(); ++i)
    back[static_cast<std::size_t>(forth[i])] = static_cast<std::int64_t>(i);
  const bool moves = axis + 2 != shape.size();
  TensorId x = moves ? f.transpose(f.input(0), forth) : f.input(0);
  Shape rows = f.shape(x);
  rows.pop_back();
  rows.back() = taps * parts;
  Tensor weights = to_real ? matrix_to_real(results, taps, parts) : matrix(transform, taps, parts, {});
  x = f.linear(f.reshape(x, rows), f.constant(std::move(weights)), f.constant(no_bias(results)));
  rows.back() = to_real ? results : transform.bins;
  rows.push_back(to_real ? 1 : 2);
  x = f.reshape(x, rows);
  f.result(moves ? f.transpose(x, back) : x);
  return std::nullopt;
}

std::vector<OnnxType> infer_stft(const NodeView& view) {
  const OnnxType& x = view.input_type(0);
  if (!x.has_rank()) return {{x.dtype, std::nullopt}};
  if (x.shape->size() != 2 && x.shape->size() != 3) view.fail("its signal is not [batch, length, 1 or 2]");
  if (is_computed(view, 1) || is_computed(view, 3) || (is_computed(view, 2) && !number_input(view, 3)))
    return {{x.dtype, Dimensions{(*x.shape)[0], {}, {}, known(2)}}};
  const Frames frames = frames_of(view);
  const Dimension& length = (*x.shape)[1];
  if (length.is_known() && length.size < frames.length) view.fail("its signal is shorter than a frame");
  const Dimension count =
      length.is_known() ? known((length.size - frames.length) / frames.step + 1) : Dimension{};
  const Transform transform = transform_of(view, frames.length, view.node.get_int("onesided", 1) != 0);
  return {{x.dtype, Dimensions{(*x.shape)[0], count, known(transform.bins), known(2)}}};
}

//   STFT(x [N, L, 1 or 2], window)   ->   CONV_2D over [N, 1, L, 1 or 2], whose filters are the bins' waves
//   under the window
Refusal lower_stft(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  for (const std::size_t position : {1u, 2u, 3u}) {
    if (is_computed(lowering, position)) return "frames or a window that aren't constant";
  }
  const Frames frames = frames_of(lowering);
  const Shape signal = lowering.input_shape(0), out = lowering.output_shape();
  const std::int64_t parts = signal.size() == 3 ? signal[2] : 1;
  const bool onesided = lowering.node.get_int("onesided", 1) != 0;
  if (parts != 1 && parts != 2) return "a last dimension of " + std::to_string(parts);
  if (onesided && parts == 2) return "one side of what isn't the transform of real numbers";
  const Transform transform = transform_of(lowering, frames.length, onesided);
  if (2 * transform.bins * frames.length * parts > most_weights)
    return "a transform of " + std::to_string(transform.points) + " points";
  const std::vector<float> window =
      lowering.has_input(2) ? to_float(*lowering.constant(2)) : std::vector<float>{};
  Formula f(lowering);
  const TensorId filters = f.constant(reshaped(matrix(transform, frames.length, parts, window),
                                               {2 * transform.bins, 1, frames.length, parts}));
  tflite::Conv2D op;
  op.padding = tflite::Padding::valid;
  op.stride_width = static_cast<std::int32_t>(frames.step);
  const TensorId line = f.reshape(f.input(0), {signal[0], 1, signal[1], parts});
  const TensorId bins = f.emit(op, {line, filters, f.constant(no_bias(2 * transform.bins))},
                               {out[0], 1, out[1], 2 * transform.bins});
  f.result(f.reshape(bins, out));
  return std::nullopt;
}

}  // namespace calib8
