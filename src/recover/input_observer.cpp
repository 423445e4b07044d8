#include "recover/input_observer.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>

namespace calib8 {
namespace {

constexpr std::size_t most_elements = std::size_t{32} << 20;  ///< Of all rows, two bytes each.
constexpr std::size_t most_products = std::size_t{2} << 20;   ///< Of a depthwise layer, four bytes each.
constexpr std::size_t fewest_windows = 1024, most_windows = 2048;
constexpr std::size_t depthwise_windows = 1024;
/// Elements up to which a tensor is given out whole.
constexpr std::size_t small_tensor = 16384;
constexpr std::size_t rectangles_of_a_layer = 4;

/// Whether sums of products are held, instead of rows.
bool holds_sums(const LayerGeometry& geometry) {
  return geometry.depth == 1 && geometry.groups > 1;
}

std::size_t products_of(const LayerGeometry& geometry) {
  return geometry.groups * geometry.length() * geometry.length();
}

std::size_t wanted_windows(const LayerGeometry& geometry) {
  if (holds_sums(geometry)) return depthwise_windows;
  return std::clamp(geometry.length(), fewest_windows, most_windows);
}

std::size_t windows_of(const LayerGeometry& geometry) {
  return geometry.images * static_cast<std::size_t>(geometry.height.output * geometry.width.output);
}

/// Adds a sample's windows [window][tap][channel] to the sums and products of `channels` channels.
void add_products(const std::vector<float>& windows, std::size_t count, std::size_t taps,
                  std::size_t channels, LayerInputs& inputs) {
  constexpr std::size_t lanes = 16;
  using Lanes = Eigen::Array<float, lanes, 1>;
  for (std::size_t first = 0; first < channels; first += lanes) {
    const std::size_t used = std::min(lanes, channels - first);
    std::vector<Lanes> block(count * taps, Lanes::Zero());
    for (std::size_t i = 0; i < count * taps; ++i)
      std::copy_n(windows.data() + i * channels + first, used, block[i].data());
    for (std::size_t a = 0; a < taps; ++a) {
      Lanes sum = Lanes::Zero();
      for (std::size_t window = 0; window < count; ++window) sum += block[window * taps + a];
      for (std::size_t lane = 0; lane < used; ++lane)
        inputs.sums[(first + lane) * taps + a] +=
            static_cast<std::int32_t>(sum[static_cast<Eigen::Index>(lane)]);
      for (std::size_t b = a; b < taps; ++b) {
        Lanes product = Lanes::Zero();
        for (std::size_t window = 0; window < count; ++window)
          product += block[window * taps + a] * block[window * taps + b];
        for (std::size_t lane = 0; lane < used; ++lane)
          inputs.products[((first + lane) * taps + a) * taps + b] +=
              static_cast<std::int32_t>(product[static_cast<Eigen::Index>(lane)]);
      }
    }
  }
}

}  // namespace

InputObserver::InputObserver(const TfliteGraph& quantized, const std::vector<OperatorId>& layers,
                             Extent extent, ObservationGraph& wanted)
    : samples_(std::max<std::size_t>(extent.samples, 1)), gathered_(std::make_shared<Gathered>()) {
  double elements = 0;
  for (const OperatorId id : layers) {
    const auto geometry = layer_geometry(quantized, id);
    if (!geometry || windows_of(*geometry) == 0) continue;
    if (holds_sums(*geometry) && products_of(*geometry) > most_products) continue;
    const TfliteTensor& data = quantized[geometry->data];
    if (data.dtype != DType::int8 || !data.quantization || data.is_constant()) continue;
    layers_.push_back(
        {id, *geometry, static_cast<std::int32_t>(data.quantization->zero_points.front()), 0, {}});
    LayerInputs& inputs = gathered_->inputs.emplace_back();
    inputs.length = geometry->length();
    inputs.groups = geometry->groups;
    inputs.level = data.quantization->scales.front();
    if (!holds_sums(*geometry))
      elements +=
          static_cast<double>(extent.factor * wanted_windows(*geometry) * inputs.length * inputs.groups);
  }
  gathered_->locks = std::vector<std::mutex>(layers_.size());
  const double share = std::min(1.0, static_cast<double>(most_elements) / std::max(elements, 1.0));
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    Layer& layer = layers_[i];
    LayerInputs& inputs = gathered_->inputs[i];
    const bool sums = holds_sums(layer.geometry);
    const double windows =
        static_cast<double>(extent.factor * wanted_windows(layer.geometry)) * (sums ? 1.0 : share);
    add_patches(layer, static_cast<std::size_t>(std::ceil(windows / static_cast<double>(samples_))), wanted);
    if (sums) {
      inputs.sums.assign(inputs.groups * inputs.length, 0);
      inputs.products.assign(products_of(layer.geometry), 0);
    } else {
      inputs.rows.assign(samples_ * layer.per_sample * inputs.groups * inputs.length, 0);
    }
    inputs.count = samples_ * layer.per_sample;
  }
}

void InputObserver::add_patches(Layer& layer, std::size_t wanted_windows, ObservationGraph& wanted) const {
  const LayerGeometry& geometry = layer.geometry;
  const WindowAxis &height = geometry.height, &width = geometry.width;
  layer.per_sample = std::min(wanted_windows, windows_of(geometry));
  const std::size_t elements =
      geometry.images * geometry.channels * static_cast<std::size_t>(height.input * width.input);
  if (elements <= small_tensor || windows_of(geometry) <= wanted_windows || geometry.images > 1) {
    layer.patches.push_back({wanted.whole(geometry.data), 0, 0, height.input, width.input, 0, 0,
                             height.output, width.output, geometry.images});
    return;
  }
  const double windows = static_cast<double>(wanted_windows) / rectangles_of_a_layer;
  const auto side = static_cast<std::ptrdiff_t>(std::ceil(std::sqrt(windows)));
  layer.per_sample = 0;
  for (std::size_t i = 0; i < rectangles_of_a_layer; ++i) {
    Patch patch;
    patch.rows = std::min(side, height.output);
    patch.columns = std::min(
        static_cast<std::ptrdiff_t>(std::ceil(windows / static_cast<double>(patch.rows))), width.output);
    const auto [down, across] = wanted.next_place();
    patch.first_row = place_in(height.output - patch.rows, down);
    patch.first_column = place_in(width.output - patch.columns, across);
    const auto rows = height.reach(patch.first_row, patch.first_row + patch.rows - 1);
    const auto columns = width.reach(patch.first_column, patch.first_column + patch.columns - 1);
    patch.top = rows.first, patch.height = rows.second - rows.first + 1;
    patch.left = columns.first, patch.width = columns.second - columns.first + 1;
    patch.output = wanted.part(geometry.data, {0, patch.top, patch.left, 0},
                               {1, patch.height, patch.width, static_cast<std::int64_t>(geometry.channels)});
    layer.patches.push_back(patch);
    layer.per_sample += static_cast<std::size_t>(patch.rows * patch.columns);
  }
}

void InputObserver::consume(std::size_t sample, const ModelInstance& model) {
  for (std::size_t i = 0; i < layers_.size(); ++i)
    gather(layers_[i], sample, model, gathered_->inputs[i], gathered_->locks[i]);
}

void InputObserver::gather(const Layer& layer, std::size_t sample, const ModelInstance& model,
                           LayerInputs& inputs, std::mutex& lock) const {
  const LayerGeometry& geometry = layer.geometry;
  const bool sums = holds_sums(geometry);
  const std::size_t taps = geometry.taps(), channels = geometry.channels, depth = geometry.depth;
  std::vector<float> windows(sums ? layer.per_sample * taps * channels : 0);
  std::size_t done = 0;
  /// Copies a pixel's channels to where a tap of the window that is next has them.
  const auto take = [&](const std::int8_t* pixel, std::size_t tap) {
    const auto level = [&](std::size_t channel) { return pixel[channel] - layer.zero_point; };
    if (sums) {
      float* to = windows.data() + (done * taps + tap) * channels;
      for (std::size_t channel = 0; channel < channels; ++channel)
        to[channel] = static_cast<float>(level(channel));
      return;
    }
    std::int16_t* to =
        inputs.rows.data() + (sample * layer.per_sample + done) * inputs.groups * inputs.length + tap * depth;
    for (std::size_t group = 0; group < inputs.groups; ++group) {
      for (std::size_t i = 0; i < depth; ++i)
        to[group * inputs.length + i] = static_cast<std::int16_t>(level(group * depth + i));
    }
  };
  for (const Patch& patch : layer.patches) {
    const auto* const levels = reinterpret_cast<const std::int8_t*>(model.raw_output(patch.output).data());
    const auto in_image = static_cast<std::size_t>(patch.rows * patch.columns);
    const std::size_t there = patch.images * in_image;
    const std::size_t looked_at = std::min(there, layer.per_sample - done);
    for (std::size_t i = 0; i < looked_at; ++i, ++done) {
      // evenly over the patch, at other places in each sample
      const std::size_t window = (i * there / looked_at + sample) % there;
      const auto image = static_cast<std::ptrdiff_t>(window / in_image);
      const auto within = static_cast<std::ptrdiff_t>(window % in_image);
      const std::ptrdiff_t row = patch.first_row + within / patch.columns;
      const std::ptrdiff_t column = patch.first_column + within % patch.columns;
      for (std::size_t tap = 0; tap < taps; ++tap) {
        const auto y = geometry.height.meets(row, static_cast<std::ptrdiff_t>(tap) / geometry.width.window);
        const auto x = geometry.width.meets(column, static_cast<std::ptrdiff_t>(tap) % geometry.width.window);
        if (!y || !x) continue;  // zero, as it was made
        const std::ptrdiff_t pixel = (image * patch.height + *y - patch.top) * patch.width + *x - patch.left;
        take(levels + pixel * static_cast<std::ptrdiff_t>(channels), tap);
      }
    }
  }
  if (!sums) return;
  const std::lock_guard guard(lock);
  add_products(windows, done, taps, channels, inputs);
}

InputsOfLayers InputObserver::take() {
  InputsOfLayers result;
  for (std::size_t i = 0; i < layers_.size(); ++i)
    result.emplace(layers_[i].id, std::move(gathered_->inputs[i]));
  return result;
}

}  // namespace calib8
