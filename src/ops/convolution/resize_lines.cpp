#include "ops/convolution/resize_lines.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ops/formula.h"

namespace calib8 {
namespace {

/// The weight of an element at a distance, in elements, from the place that is read.
double linear_weight(double distance) {
  return std::max(0.0, 1 - std::abs(distance));
}

/// R. Keys, Cubic convolution interpolation for digital image processing, 1981.
double cubic_weight(double distance, double a) {
  const double x = std::abs(distance);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

struct Interpolation {
  std::string coordinates;
  bool is_cubic, antialiases, excludes_outside;
  double a;
};

Interpolation interpolation_of(const OnnxNode& node) {
  return {node.get_string("coordinate_transformation_mode", "half_pixel"),
          node.get_string("mode", "nearest") == "cubic", node.get_int("antialias", 0) != 0,
          node.get_int("exclude_outside", 0) != 0,
          static_cast<double>(node.get_float("cubic_coeff_a", -0.75f))};
}

/// A row of weights [input] per element of the output. Antialiasing widens what is read where the image gets
/// smaller. What lies outside counts as the edge, or not at all.
Tensor weights_of(const Interpolation& how, const Line& line) {
  const double shrinks = how.antialiases ? std::min(1.0, static_cast<double>(line.scale)) : 1.0;
  const double reach = (how.is_cubic ? 2.0 : 1.0) / shrinks;
  const bool normalizes = how.excludes_outside || how.antialiases;
  std::vector<float> weights(static_cast<std::size_t>(line.input * line.output), 0.0f);
  for (std::int64_t x = 0; x < line.output; ++x) {
    const double at = static_cast<double>(*onnx_coordinate(how.coordinates, line, x));
    double sum = 0;
    std::vector<double> row(static_cast<std::size_t>(line.input), 0.0);
    for (auto i = static_cast<std::int64_t>(std::floor(at - reach)); i <= std::ceil(at + reach); ++i) {
      const bool is_outside = i < 0 || i >= line.input;
      if (is_outside && how.excludes_outside) continue;
      const double distance = (static_cast<double>(i) - at) * shrinks;
      const double weight = how.is_cubic ? cubic_weight(distance, how.a) : linear_weight(distance);
      row[static_cast<std::size_t>(std::clamp<std::int64_t>(i, 0, line.input - 1))] += weight;
      sum += weight;
    }
    for (std::int64_t i = 0; i < line.input; ++i) {
      const double share =
          normalizes && sum != 0 ? row[static_cast<std::size_t>(i)] / sum : row[static_cast<std::size_t>(i)];
      weights[static_cast<std::size_t>(x * line.input + i)] = static_cast<float>(share);
    }
  }
  return make_tensor({line.output, line.input}, std::move(weights));
}

TensorId take_nearest(Formula& f, const OnnxNode& node, TensorId x, std::size_t axis, const Line& line) {
  const std::string mode = node.get_string("coordinate_transformation_mode", "half_pixel");
  const std::string rounding = node.get_string("nearest_mode", "round_prefer_floor");
  std::vector<std::int64_t> indices;
  for (std::int64_t i = 0; i < line.output; ++i)
    indices.push_back(onnx_nearest(rounding, *onnx_coordinate(mode, line, i), line.input).value_or(0));
  return f.gather(x, f.integers({line.output}, indices), axis);
}

/// The matrix multiplies what stands last.
TensorId interpolate(Formula& f, const OnnxNode& node, TensorId x, std::size_t axis, const Line& line) {
  std::vector<std::int64_t> permutation(f.rank(x));
  std::iota(permutation.begin(), permutation.end(), 0);
  std::swap(permutation[axis], permutation.back());
  const TensorId weights = f.constant(weights_of(interpolation_of(node), line));
  const auto count = static_cast<std::size_t>(line.output);
  const TensorId bias = f.constant(make_tensor({line.output}, std::vector<float>(count, 0.0f)));
  return f.transpose(f.linear(f.transpose(x, permutation), weights, bias), permutation);
}

}  // namespace

std::optional<float> onnx_coordinate(const std::string& mode, const Line& line, std::int64_t x) {
  const auto at = static_cast<float>(x);
  if (mode == "asymmetric") return at / line.scale;
  if (mode == "half_pixel") return (at + 0.5f) / line.scale - 0.5f;
  if (mode == "pytorch_half_pixel") return line.output > 1 ? (at + 0.5f) / line.scale - 0.5f : 0.0f;
  if (mode == "half_pixel_symmetric") {
    // As half_pixel, around the middle, where the output's size was rounded down.
    const float wanted = line.scale * static_cast<float>(line.input);
    const float offset = static_cast<float>(line.input) / 2 * (1 - static_cast<float>(line.output) / wanted);
    return offset + (at + 0.5f) / line.scale - 0.5f;
  }
  if (mode == "align_corners") {
    if (line.output == 1) return 0.0f;
    return at * static_cast<float>(line.input - 1) / static_cast<float>(line.output - 1);
  }
  return std::nullopt;
}

std::optional<std::int64_t> onnx_nearest(const std::string& rounding, float at, std::int64_t input) {
  float index = 0;
  if (rounding == "round_prefer_floor") {
    index = std::ceil(at - 0.5f);
  } else if (rounding == "round_prefer_ceil") {
    index = std::floor(at + 0.5f);
  } else if (rounding == "floor") {
    index = std::floor(at);
  } else if (rounding == "ceil") {
    index = std::ceil(at);
  } else {
    return std::nullopt;
  }
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(index), 0, input - 1);
}

Refusal lower_resize_by_axes(Lowering& lowering, const std::vector<Line>& lines) {
  constexpr std::int64_t most_weights = std::int64_t{1} << 24;
  Formula f(lowering);
  TensorId x = f.input(0);
  const bool is_nearest = lowering.node.get_string("mode", "nearest") == "nearest";
  for (std::size_t axis = 0; axis < lines.size(); ++axis) {
    const Line& line = lines[axis];
    if (line.is_whole()) continue;
    if (!is_nearest && line.input * line.output > most_weights)
      return "resizing from " + std::to_string(line.input) + " to " + std::to_string(line.output);
    x = is_nearest ? take_nearest(f, lowering.node, x, axis, line)
                   : interpolate(f, lowering.node, x, axis, line);
  }
  f.result(x);
  return std::nullopt;
}

}  // namespace calib8
