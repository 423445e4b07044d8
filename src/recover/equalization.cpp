#include "recover/equalization.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "base/range.h"
#include "ops/tflite_op.h"
#include "optimize/forms/channel_groups.h"
#include "run/observation_graph.h"
#include "run/observer.h"

namespace calib8 {
namespace {

constexpr std::size_t most_samples = 32;
/// Values of a tensor that are looked at, per sample: whole pixels.
constexpr std::size_t values_looked_at = 16384;
/// Channels that show little, or nothing, grow by no more than this.
constexpr double least_factor = 1.0 / 64;
/// Of a group's noise that remains where equalizing is worth its while.
constexpr double most_noise_left = 0.25;

/// The least and the largest value of each channel.
class ChannelExtremes {
 public:
  ChannelExtremes(const TfliteGraph& graph, const std::vector<TensorId>& tensors, ObservationGraph& wanted) {
    for (const TensorId tensor : tensors) {
      positions_.push_back(wanted.pixels(tensor, values_looked_at));
      seen_.emplace_back(static_cast<std::size_t>(graph[tensor].shape.back()), Range{0, 0});
    }
  }

  void consume(std::size_t /*sample*/, const ModelInstance& model) {
    for (std::size_t i = 0; i < positions_.size(); ++i) {
      for (const std::size_t position : positions_[i]) {
        const std::span<const float> values = model.float_output(position);
        std::vector<Range>& channels = seen_[i];
        for (std::size_t v = 0; v < values.size(); ++v) {
          Range& channel = channels[v % channels.size()];
          channel = hull(channel, {values[v], values[v]});
        }
      }
    }
  }
  void merge(const ChannelExtremes& other) {
    for (std::size_t i = 0; i < seen_.size(); ++i) {
      for (std::size_t c = 0; c < seen_[i].size(); ++c) seen_[i][c] = hull(seen_[i][c], other.seen_[i][c]);
    }
  }
  /// With zero; of each tensor, by channel.
  const std::vector<std::vector<Range>>& seen() const { return seen_; }

 private:
  std::vector<std::vector<std::size_t>> positions_;
  std::vector<std::vector<Range>> seen_;
};

std::vector<std::vector<Range>> observe_channels(const FloatModel& model,
                                                 const std::vector<TensorId>& tensors,
                                                 const SampleSource& samples,
                                                 const std::shared_ptr<const LiteRt>& litert, int threads) {
  std::vector<std::size_t> chosen(std::min(samples.size(), most_samples));
  std::iota(chosen.begin(), chosen.end(), 0);
  ObservationGraph wanted(model.graph);
  const ChannelExtremes fresh(model.graph, tensors, wanted);
  RunnableModel runnable = wanted.write([&](const TfliteGraph& variant, const TfliteFileOptions& file) {
    return model.constants.file_of(variant, file);
  });
  runnable.weight_bytes = model.constants.file_size();
  ModelPool pool(litert, {runnable}, {threads, chosen.size(), "comparing channels"});
  StepCounter progress({}, chosen.size());
  return observe(pool, samples, chosen, fresh, progress).seen();
}

/// How much of its tensor's range a channel takes.
double share_of(Range channel, Range tensor) {
  const double above = tensor.high > 0 ? static_cast<double>(channel.high) / tensor.high : 0.0;
  const double below = tensor.low < 0 ? static_cast<double>(channel.low) / tensor.low : 0.0;
  return std::max(above, below);
}

/// What to divide each channel by, in (0, 1].
std::vector<double> factors_of(const ChannelGroup& group, std::span<const std::vector<Range>> channels,
                               bool is_read_by_depthwise_alone) {
  std::vector<double> factors(group.channels, 0);
  for (const std::vector<Range>& of_tensor : channels) {
    const Range all = std::accumulate(of_tensor.begin(), of_tensor.end(), Range{0, 0}, hull);
    for (std::size_t c = 0; c < factors.size(); ++c)
      factors[c] = std::max(factors[c], share_of(of_tensor[c], all));
  }
  for (double& factor : factors) {
    factor = std::clamp(factor, least_factor, 1.0);
    if (!is_read_by_depthwise_alone) factor = std::sqrt(factor);
  }
  return factors;
}

/// Of the noise that one scale for all channels brings.
double noise_left(const std::vector<double>& factors) {
  const double sum =
      std::accumulate(factors.begin(), factors.end(), 0.0, [](double all, double f) { return all + f * f; });
  return sum / static_cast<double>(factors.size());
}

}  // namespace

std::optional<EqualizedGraph> equalize_channels(const FloatModel& model, const SampleSource& samples,
                                                const std::shared_ptr<const LiteRt>& litert, int threads) {
  const std::vector<ChannelGroup> groups = find_channel_groups(model.graph);
  std::vector<TensorId> tensors;
  for (const ChannelGroup& group : groups)
    tensors.insert(tensors.end(), group.tensors.begin(), group.tensors.end());
  if (tensors.empty()) return std::nullopt;
  const auto channels = observe_channels(model, tensors, samples, litert, threads);
  EqualizedGraph result{model.graph, {}, {}};
  std::size_t first = 0;
  for (const ChannelGroup& group : groups) {
    const auto own = std::span(channels).subspan(first, group.tensors.size());
    first += group.tensors.size();
    const bool depthwise_alone = std::ranges::all_of(
        group.readers, [&](OperatorId id) { return model.graph[id].is<tflite::DepthwiseConv2D>(); });
    const std::vector<double> factors = factors_of(group, own, depthwise_alone);
    if (noise_left(factors) > most_noise_left) continue;
    scale_channels(result.graph, group, factors);
    result.changed.insert(result.changed.end(), group.tensors.begin(), group.tensors.end());
    result.layers.insert(result.layers.end(), group.readers.begin(), group.readers.end());
  }
  if (result.changed.empty()) return std::nullopt;
  return result;
}

}  // namespace calib8
