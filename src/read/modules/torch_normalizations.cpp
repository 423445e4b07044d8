// torch.nn's normalizations: torch/nn/modules/batchnorm.py, normalization.py and instancenorm.py.

#include <algorithm>

#include "calib8/error.h"
#include "read/modules/module_rows.h"

namespace calib8 {
namespace {

OnnxValueId filled(ForwardBuilder& build, const PickledModule& self, std::string_view part,
                   const Shape& shape, float value) {
  const auto count = element_count(shape);
  constexpr std::int64_t most = 1 << 24;
  if (!count || *count > most) self.fail("normalizes more channels than any network has");
  return build.constant(self, part,
                        make_tensor(shape, std::vector<float>(static_cast<std::size_t>(*count), value)));
}

/// The parameter, or what stands for it where the module has none.
OnnxValueId weight_or(ForwardBuilder& build, const PickledModule& self, std::string_view name,
                      const Shape& shape, float value) {
  const OnnxValueId weight = build.weight_or_none(self, name);
  return weight.exists() ? weight : filled(build, self, name, shape, value);
}

float epsilon_of(const PickledModule& self) {
  return static_cast<float>(self.number("eps", 1e-5));
}

std::int64_t channels_of(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const Shape sizes = build.shape(self, x);
  if (sizes.size() < 2) self.fail("normalizes channels, and is given " + to_string(sizes));
  return sizes[1];
}

OnnxValueId batch_norm(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  if (!self.tensor("running_mean") || !self.tensor("running_var"))
    self.fail(
        "normalizes by the batch's own statistics (track_running_stats=False), which a single image doesn't "
        "have: train it with running statistics");
  const Shape shape{channels_of(build, self, x)};
  return build.emit(self, "BatchNormalization",
                    {x, weight_or(build, self, "weight", shape, 1), weight_or(build, self, "bias", shape, 0),
                     build.weight(self, "running_mean"), build.weight(self, "running_var")},
                    {{"epsilon", epsilon_of(self)}});
}

OnnxValueId layer_norm(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const std::vector<std::int64_t> sizes = self.all_integers("normalized_shape");
  const Shape shape(sizes.begin(), sizes.end());
  Values inputs{x, weight_or(build, self, "weight", shape, 1)};
  if (const OnnxValueId bias = build.weight_or_none(self, "bias"); bias.exists()) inputs.push_back(bias);
  return build.emit(self, "LayerNormalization", inputs,
                    {{"axis", -static_cast<std::int64_t>(sizes.size())}, {"epsilon", epsilon_of(self)}});
}

/// x / sqrt(mean(x * x) + eps) * weight, over the last dimensions.
OnnxValueId rms_norm(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const auto count = static_cast<std::int64_t>(self.all_integers("normalized_shape").size());
  std::vector<std::int64_t> axes;
  for (std::int64_t i = 0; i < count; ++i) axes.push_back(i - count);
  const OnnxValueId mean = build.emit(
      self, "ReduceMean", {build.multiply(self, x, x), build.integers(self, "axes", axes)}, {}, "mean");
  constexpr double smallest = 1.1920928955078125e-07;  // of float32, PyTorch's default
  const OnnxValueId root = build.emit(
      self, "Sqrt", {build.add(self, mean, build.number(self, "eps", self.number("eps", smallest)))}, {},
      "sqrt");
  const OnnxValueId y = build.emit(self, "Div", {x, root}, {}, "div");
  const OnnxValueId weight = build.weight_or_none(self, "weight");
  return weight.exists() ? build.multiply(self, y, weight) : y;
}

/// [C] beside [N, C, ...]
OnnxValueId for_channels(ForwardBuilder& build, const PickledModule& self, OnnxValueId weight,
                         std::size_t rank) {
  std::vector<std::int64_t> aligned(rank - 1, 1);
  aligned.front() = -1;
  return build.reshape(self, weight, aligned);
}

/// Each group normalized like an instance, [N, groups, ...], and then each channel scaled.
OnnxValueId group_norm(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const std::int64_t channels = channels_of(build, self, x), groups = self.integer("num_groups", 1);
  if (groups < 1 || channels % groups != 0)
    self.fail("can't divide " + std::to_string(channels) + " channels");
  const Shape sizes = build.shape(self, x);
  OnnxValueId y = build.reshape(self, x, {0, groups, -1});
  y = build.emit(self, "InstanceNormalization",
                 {y, filled(build, self, "scale", {groups}, 1), filled(build, self, "shift", {groups}, 0)},
                 {{"epsilon", epsilon_of(self)}}, "normalized");
  std::vector<std::int64_t> back(sizes.begin(), sizes.end());
  back[0] = 0;
  y = build.reshape(self, y, back);
  const OnnxValueId weight = build.weight_or_none(self, "weight"), bias = build.weight_or_none(self, "bias");
  if (weight.exists()) y = build.multiply(self, y, for_channels(build, self, weight, sizes.size()));
  if (bias.exists()) y = build.add(self, y, for_channels(build, self, bias, sizes.size()));
  return y;
}

OnnxValueId instance_norm(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  if (self.tensor("running_mean")) return batch_norm(build, self, x);
  const Shape shape{channels_of(build, self, x)};
  return build.emit(self, "InstanceNormalization",
                    {x, weight_or(build, self, "weight", shape, 1), weight_or(build, self, "bias", shape, 0)},
                    {{"epsilon", epsilon_of(self)}});
}

OnnxValueId local_response_norm(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return build.emit(self, "LRN", {x},
                    {{"size", self.integer("size", 5)},
                     {"alpha", static_cast<float>(self.number("alpha", 1e-4))},
                     {"beta", static_cast<float>(self.number("beta", 0.75))},
                     {"bias", static_cast<float>(self.number("k", 1))}});
}

constexpr std::string_view batch = "torch.nn.modules.batchnorm", instance = "torch.nn.modules.instancenorm",
                           normalization = "torch.nn.modules.normalization";

constexpr ModuleRow rows[] = {
    {batch, "BatchNorm1d", batch_norm},
    {batch, "BatchNorm2d", batch_norm},
    {batch, "BatchNorm3d", batch_norm},
    {batch, "SyncBatchNorm", batch_norm},
    {"torchvision.ops.misc", "FrozenBatchNorm2d", batch_norm},
    {normalization, "LayerNorm", layer_norm},
    {normalization, "RMSNorm", rms_norm},
    {normalization, "GroupNorm", group_norm},
    {normalization, "LocalResponseNorm", local_response_norm},
    {instance, "InstanceNorm1d", instance_norm},
    {instance, "InstanceNorm2d", instance_norm},
    {instance, "InstanceNorm3d", instance_norm},
};

}  // namespace

std::span<const ModuleRow> torch_normalization_rows() {
  return rows;
}

}  // namespace calib8
