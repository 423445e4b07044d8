#include <algorithm>

#include "random_onnx.h"

namespace calib8::property {
namespace {

using Value = OnnxGrowth::Value;
using MaybeValue = std::optional<Value>;

/// Weights as trained ones are, and as they should not be: dead filters, one that dwarfs the others, wild
/// sizes.
Value weights(OnnxGrowth& growth, const Shape& shape, std::size_t channel_axis) {
  RandomNumbers& random = growth.random;
  const auto fan_in = static_cast<double>(count_of(shape)) / static_cast<double>(shape[channel_axis]);
  std::vector<float> values = random_values(random, count_of(shape), random.magnitude() / std::sqrt(fan_in));
  if (random.chance(0.3)) {
    const Ints strides = strides_of(shape);
    std::vector<double> factor(static_cast<std::size_t>(shape[channel_axis]), 1);
    for (double& f : factor) {
      if (random.chance(0.2)) f = random.pick({0.0, 1e-7, 100.0, random.magnitude()});
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto channel = static_cast<std::int64_t>(i) / strides[channel_axis] % shape[channel_axis];
      values[i] = static_cast<float>(values[i] * factor[static_cast<std::size_t>(channel)]);
    }
  }
  // A shared head: the same weights behind several layers.
  if (random.chance(0.15)) {
    for (const Value value : growth.all_constants())
      if (growth.shape_of(value) == shape && random.chance(0.5)) return value;
  }
  return growth.constant(make_tensor(shape, std::move(values)));
}

/// Strides, dilations and pads for windows of `kernel` over a node's spatial dimensions.
Attributes window_attributes(OnnxGrowth& growth, const Shape& kernel, bool dilates,
                             bool pads_less_than_kernel) {
  RandomNumbers& random = growth.random;
  Attributes attributes;
  const auto draw = [&](std::int64_t low, std::int64_t high, std::size_t count) {
    Ints values(count);
    for (std::int64_t& value : values) value = random.between(low, high);
    return values;
  };
  if (random.chance(0.5)) attributes.emplace("strides", draw(1, 3, kernel.size()));
  if (dilates && random.chance(0.25)) attributes.emplace("dilations", draw(1, 2, kernel.size()));
  if (random.chance(0.15)) {
    attributes.emplace("auto_pad", std::string(random.pick({"SAME_UPPER", "SAME_LOWER", "VALID"})));
  } else if (random.chance(0.6)) {
    Ints pads(2 * kernel.size());
    for (std::size_t i = 0; i < pads.size(); ++i) {
      const std::int64_t size = kernel[i % kernel.size()];
      pads[i] = random.chance(0.6) ? size / 2 : random.between(0, pads_less_than_kernel ? size - 1 : 2);
    }
    attributes.emplace("pads", std::move(pads));
  }
  return attributes;
}

Shape random_kernel(OnnxGrowth& growth, const Shape& x) {
  Shape kernel;
  const bool is_square = growth.random.chance(0.7);
  for (std::size_t i = 2; i < x.size(); ++i)
    kernel.push_back(is_square && !kernel.empty()
                         ? kernel[0]
                         : growth.random.between(1, std::min<std::int64_t>(x[i] + 1, 5)));
  return kernel;
}

/// What follows a convolution in most networks.
void add_usual_followers(OnnxGrowth& growth, Value y) {
  RandomNumbers& random = growth.random;
  const Shape channels{growth.shape_of(y)[1]};
  if (random.chance(0.2)) {
    std::vector<float> variance(static_cast<std::size_t>(channels[0]));
    for (float& value : variance) value = static_cast<float>(random.uniform(0.1, 3));
    if (const auto normalized = growth.add_one(
            "BatchNormalization", {y, growth.random_constant(channels, 1),
                                   growth.random_constant(channels, 1), growth.random_constant(channels, 1),
                                   growth.constant(make_tensor(channels, std::move(variance)))}))
      y = *normalized;
  }
  if (random.chance(0.3)) growth.add_one("Relu", {y});
}

bool add_conv(OnnxGrowth& growth) {
  RandomNumbers& random = growth.random;
  const MaybeValue x = growth.image();
  if (!x) return false;
  const Shape from = growth.shape_of(*x);
  std::int64_t group = 1;
  if (random.chance(0.25)) group = from[1];
  if (random.chance(0.15) && from[1] % 2 == 0) group = from[1] / 2;
  Shape shape = random_kernel(growth, from);
  const Attributes windows = window_attributes(growth, shape, true, false);
  shape.insert(shape.begin(), {group * random.between(1, group > 1 ? 2 : 8), from[1] / group});
  Attributes attributes = windows;
  if (group > 1) attributes.emplace("group", group);
  std::vector<std::optional<Value>> inputs{x, weights(growth, shape, 0)};
  if (random.chance(0.6)) inputs.push_back(growth.random_constant({shape[0]}));
  const MaybeValue y = growth.add_one("Conv", inputs, attributes);
  if (y) add_usual_followers(growth, *y);
  // A head that reads several scales: the same weights and bias once more.
  if (y && random.chance(0.15)) {
    const MaybeValue other =
        growth.activation([&](const Shape& s) { return s.size() == from.size() && s[1] == from[1]; });
    inputs[0] = other;
    if (other) growth.add_one("Conv", inputs, attributes);
  }
  return y.has_value();
}

bool add_conv_transpose(OnnxGrowth& growth) {
  RandomNumbers& random = growth.random;
  const MaybeValue x = growth.image();
  if (!x) return false;
  const Shape from = growth.shape_of(*x);
  Shape shape = random_kernel(growth, from);
  Attributes attributes = window_attributes(growth, shape, true, true);
  attributes.erase("auto_pad");
  std::int64_t group = 1;
  if (random.chance(0.3)) group = from[1] % 2 == 0 && random.chance(0.5) ? from[1] / 2 : from[1];
  if (group > 1) attributes.emplace("group", group);
  if (random.chance(0.2) && attributes.contains("strides")) {
    Ints extra;
    for (const std::int64_t stride : std::get<Ints>(attributes.at("strides")))
      extra.push_back(random.between(0, stride - 1));
    attributes.emplace("output_padding", extra);
  }
  shape.insert(shape.begin(), {from[1], random.between(1, group > 1 ? 2 : 6)});
  std::vector<std::optional<Value>> inputs{x, weights(growth, shape, 1)};
  if (random.chance(0.6)) inputs.push_back(growth.random_constant({group * shape[1]}));
  return growth.add_one("ConvTranspose", inputs, attributes).has_value();
}

bool add_pool(OnnxGrowth& growth, const std::string& op) {
  const bool over_volume = growth.random.chance(0.15);
  const MaybeValue x =
      over_volume ? growth.activation([](const Shape& shape) { return shape.size() == 5; }) : growth.image();
  if (!x) return false;
  const Shape kernel = random_kernel(growth, growth.shape_of(*x));
  Attributes attributes = window_attributes(growth, kernel, false, true);
  attributes.emplace("kernel_shape", kernel);
  if (growth.random.chance(0.25) && !attributes.contains("auto_pad"))
    attributes.emplace("ceil_mode", std::int64_t{1});
  if (op == "AveragePool" && growth.random.chance(0.4))
    attributes.emplace("count_include_pad", std::int64_t{1});
  return growth.add_one(op, {x}, attributes).has_value();
}
bool add_max_pool(OnnxGrowth& growth) {
  return add_pool(growth, "MaxPool");
}
bool add_average_pool(OnnxGrowth& growth) {
  return add_pool(growth, "AveragePool");
}

bool add_global_pool(OnnxGrowth& growth) {
  const MaybeValue x = growth.image();
  return x && growth.add_one("GlobalAveragePool", {x});
}
bool add_global_max_pool(OnnxGrowth& growth) {
  const MaybeValue x = growth.image();
  return x && growth.add_one("GlobalMaxPool", {x});
}

bool add_gemm(OnnxGrowth& growth) {
  RandomNumbers& random = growth.random;
  const MaybeValue a = growth.activation([](const Shape& shape) { return shape.size() == 2; });
  if (!a) return false;
  const Shape from = growth.shape_of(*a);
  Attributes attributes;
  const bool turns_a = random.chance(0.15), turns_b = random.chance(0.6);
  if (turns_a) attributes.emplace("transA", std::int64_t{1});
  if (turns_b) attributes.emplace("transB", std::int64_t{1});
  const std::int64_t depth = from[turns_a ? 0 : 1], rows = from[turns_a ? 1 : 0],
                     columns = random.between(1, 10);
  std::vector<std::optional<Value>> inputs{a};
  const bool is_constant = random.chance(0.8);
  std::int64_t width = columns;
  if (is_constant) {
    inputs.push_back(
        weights(growth, turns_b ? Shape{columns, depth} : Shape{depth, columns}, turns_b ? 0 : 1));
    if (random.chance(0.15)) attributes.emplace("alpha", static_cast<float>(random.normal()));
  } else {
    const MaybeValue b = growth.activation(
        [&](const Shape& shape) { return shape.size() == 2 && shape[turns_b ? 1 : 0] == depth; });
    if (!b) return false;
    inputs.push_back(b);
    width = growth.shape_of(*b)[turns_b ? 0 : 1];
  }
  if (random.chance(0.6)) {
    inputs.push_back(
        growth.random_constant(random.pick<Shape>({{width}, {1, width}, {1}, {}, {rows, width}, {rows, 1}})));
  }
  return growth.add_one("Gemm", inputs, attributes).has_value();
}

bool add_matmul(OnnxGrowth& growth) {
  RandomNumbers& random = growth.random;
  const MaybeValue a =
      growth.activation([](const Shape& shape) { return !shape.empty() && shape.size() <= 4; });
  if (!a) return false;
  const std::int64_t depth = growth.shape_of(*a).back();
  MaybeValue b;
  if (random.chance(0.4)) {
    b = growth.activation([&](const Shape& shape) {
      if (shape.empty() || shape.size() > 4 ||
          (shape.size() == 1 ? shape[0] : shape[shape.size() - 2]) != depth)
        return false;
      return shape.size() <= 2 || shape.size() == growth.rank_of(*a);
    });
    if (!b && growth.rank_of(*a) >= 2) {  // attention's q k^T
      Ints permutation;
      for (std::size_t i = 0; i < growth.rank_of(*a); ++i)
        permutation.push_back(static_cast<std::int64_t>(i));
      std::swap(permutation[permutation.size() - 1], permutation[permutation.size() - 2]);
      b = growth.add_one("Transpose", {a}, {{"perm", permutation}});
    }
  } else {
    b = weights(growth, {depth, random.between(1, 8)}, 1);
  }
  if (!b) return false;
  const MaybeValue y = growth.add_one("MatMul", {a, b}, {});
  if (y && growth.is_constant(*b) && random.chance(0.5))
    growth.add_one("Add", {y, growth.random_constant({growth.shape_of(*y).back()})});
  return y.has_value();
}

/// Forms that TFLite has: nearest by whole factors, linear by any.
bool add_resize(OnnxGrowth& growth) {
  RandomNumbers& random = growth.random;
  const MaybeValue x = growth.activation([](const Shape& shape) { return shape.size() == 4; });
  if (!x) return false;
  const Shape from = growth.shape_of(*x);
  Attributes attributes;
  std::vector<float> scales{1, 1};
  Ints sizes{from[0], from[1]};
  const bool is_linear = random.chance(0.5);
  bool uses_scales = random.chance(0.5);
  if (is_linear) {
    attributes.emplace("mode", std::string("linear"));
    const std::string mode = random.pick({"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"});
    if (mode != "half_pixel" || random.chance(0.5))
      attributes.emplace("coordinate_transformation_mode", mode);
    uses_scales = uses_scales && mode != "align_corners";
  } else if (random.chance(0.7)) {
    attributes.emplace("coordinate_transformation_mode", std::string("asymmetric"));
    attributes.emplace("nearest_mode", std::string("floor"));
  }
  for (std::size_t i = 2; i < 4; ++i) {
    const std::int64_t factor = random.between(1, 3);
    scales.push_back(static_cast<float>(factor));
    sizes.push_back(is_linear && !uses_scales ? random.between(2, 9) : from[i] * factor);
  }
  std::vector<std::optional<Value>> inputs{x, std::nullopt, std::nullopt, std::nullopt};
  if (uses_scales) {
    inputs[2] = growth.constant(make_tensor({4}, scales));
    inputs.pop_back();
  } else {
    inputs[3] = integer_operand(growth, sizes);
  }
  return growth.add_one("Resize", inputs, attributes).has_value();
}

/// A DFT of real numbers, or of what another gave.
bool add_transform(OnnxGrowth& growth) {
  RandomNumbers& random = growth.random;
  MaybeValue x = growth.activation(
      [](const Shape& shape) { return shape.size() >= 2 && shape.size() <= 4 && shape.back() <= 2; });
  if (!x || random.chance(0.4)) {
    x = growth.activation([](const Shape& shape) { return !shape.empty() && shape.size() <= 3; });
    if (!x) return false;
    x = growth.add_one("Unsqueeze", {x, integer_operand(growth, {-1})});
    if (!x) return false;
  }
  const Shape shape = growth.shape_of(*x);
  const bool is_real = shape.back() == 1;
  Attributes attributes;
  if (is_real && random.chance(0.5)) attributes.emplace("onesided", std::int64_t{1});
  if (!is_real && random.chance(0.5)) attributes.emplace("inverse", std::int64_t{1});
  const std::int64_t axis = random.between(0, static_cast<std::int64_t>(shape.size()) - 2);
  std::vector<std::optional<Value>> inputs{x, std::nullopt, std::nullopt};
  if (random.chance(0.3)) inputs[1] = growth.constant(make_tensor<std::int64_t>({}, {random.between(1, 12)}));
  if (random.chance(0.5)) inputs[2] = growth.constant(make_tensor<std::int64_t>({}, {axis}));
  return growth.add_one("DFT", inputs, attributes).has_value();
}

/// Of frames, under a window or none.
bool add_transform_of_frames(OnnxGrowth& growth) {
  RandomNumbers& random = growth.random;
  MaybeValue x = growth.activation([](const Shape& shape) { return shape.size() == 2 && shape[1] >= 4; });
  if (!x) return false;
  x = growth.add_one("Unsqueeze", {x, integer_operand(growth, {2})});
  if (!x) return false;
  const std::int64_t length = random.between(2, std::min<std::int64_t>(growth.shape_of(*x)[1], 8));
  const auto number = [&](std::int64_t value) {
    return growth.constant(make_tensor<std::int64_t>({}, {value}));
  };
  std::vector<std::optional<Value>> inputs{x, number(random.between(1, 3)), std::nullopt, std::nullopt};
  const bool has_window = random.chance(0.6);
  if (has_window) inputs[2] = growth.random_constant({length});
  if (!has_window || random.chance(0.5)) inputs[3] = number(length);
  Attributes attributes;
  if (random.chance(0.4)) attributes.emplace("onesided", std::int64_t{0});
  return growth.add_one("STFT", inputs, attributes).has_value();
}

}  // namespace

const std::vector<OnnxStep>& window_steps() {
  static const std::vector<OnnxStep> steps = {
      {"Conv", 8, add_conv},
      {"ConvTranspose", 1.2, add_conv_transpose},
      {"MaxPool", 1.5, add_max_pool},
      {"AveragePool", 1.5, add_average_pool},
      {"GlobalAveragePool", 0.7, add_global_pool},
      {"GlobalMaxPool", 0.5, add_global_max_pool},
      {"Gemm", 2, add_gemm},
      {"MatMul", 2.5, add_matmul},
      {"Resize", 1.2, add_resize},
      {"DFT", 0.6, add_transform},
      {"STFT", 0.8, add_transform_of_frames},
  };
  return steps;
}

}  // namespace calib8::property
