// Normalizations of aten.

#include <algorithm>

#include "torch_program/operator_rows.h"

namespace calib8 {
namespace {

constexpr const char* in_training = "is in training mode: export the model after model.eval()";

/// The argument, or a tensor of one number where there is none.
OnnxValueId given_or(OperatorCall& call, std::string_view name, const Shape& shape, double value) {
  const OnnxValueId given = call.tensor_or_none(name);
  if (given.exists()) return given;
  constexpr std::int64_t most = 1 << 24;
  const auto count = element_count(shape);
  if (!count || *count > most) call.fail("normalizes more channels than any network has");
  return call.constant(
      make_tensor(shape, std::vector<float>(static_cast<std::size_t>(*count), static_cast<float>(value))));
}

float epsilon(const OperatorCall& call, double fallback = 1e-5) {
  return static_cast<float>(call.number("eps", fallback));
}

std::int64_t channels_of(const OperatorCall& call, OnnxValueId x) {
  const Shape sizes = call.shape(x);
  if (sizes.size() < 2) call.fail("normalizes channels, and is given " + to_string(sizes));
  return sizes[1];
}

OnnxValueId by_statistics(OperatorCall& call, OnnxValueId x) {
  const Shape channels{channels_of(call, x)};
  return call.emit("BatchNormalization",
                   {x, given_or(call, "weight", channels, 1), given_or(call, "bias", channels, 0),
                    call.tensor("running_mean"), call.tensor("running_var")},
                   {{"epsilon", epsilon(call)}});
}

/// Each channel of each sample by its own mean and variance.
OnnxValueId by_instance(OperatorCall& call, OnnxValueId x) {
  const Shape channels{channels_of(call, x)};
  return call.emit("InstanceNormalization",
                   {x, given_or(call, "weight", channels, 1), given_or(call, "bias", channels, 0)},
                   {{"epsilon", epsilon(call)}});
}

OnnxValueId batch_norm(OperatorCall& call) {
  if (call.flag("training", false) || !call.has("running_mean")) call.fail(in_training);
  return by_statistics(call, call.tensor("input"));
}

Values with_statistics(OnnxValueId y) {
  return {y, OnnxValueId{}, OnnxValueId{}};
}

Values batch_norm_with_statistics(OperatorCall& call) {
  return with_statistics(batch_norm(call));
}

/// The batch's own statistics, which are an instance's where the batch is one.
Values batch_norm_of_batch(OperatorCall& call) {
  if (call.has("running_mean")) return batch_norm_with_statistics(call);
  const OnnxValueId x = call.tensor("input");
  if (call.rank(x) < 3 || call.shape(x)[0] != 1) call.fail(in_training);
  return with_statistics(by_instance(call, x));
}

OnnxValueId instance_norm(OperatorCall& call) {
  const OnnxValueId x = call.tensor("input");
  if (call.flag("use_input_stats", true)) return by_instance(call, x);
  return by_statistics(call, x);
}

Shape normalized_shape(const OperatorCall& call) {
  const Integers sizes = call.integers("normalized_shape");
  if (sizes.empty()) call.fail("has no normalized_shape: the file is damaged, get it anew");
  return {sizes.begin(), sizes.end()};
}

OnnxValueId layer_norm(OperatorCall& call) {
  const Shape shape = normalized_shape(call);
  Values inputs{call.tensor("input"), given_or(call, "weight", shape, 1)};
  if (const OnnxValueId bias = call.tensor_or_none("bias"); bias.exists()) inputs.push_back(bias);
  return call.emit("LayerNormalization", inputs,
                   {{"axis", -static_cast<std::int64_t>(shape.size())}, {"epsilon", epsilon(call)}});
}

Values layer_norm_with_statistics(OperatorCall& call) {
  return with_statistics(layer_norm(call));
}

/// x / sqrt(mean(x * x) + eps) * weight, over the last dimensions.
OnnxValueId rms_norm(OperatorCall& call) {
  const OnnxValueId x = call.tensor("input");
  const auto count = static_cast<std::int64_t>(normalized_shape(call).size());
  Integers axes;
  for (std::int64_t i = 0; i < count; ++i) axes.push_back(i - count);
  constexpr double smallest = 1.1920928955078125e-07;  // of float32, PyTorch's default
  const OnnxValueId mean = call.reduce("ReduceMean", call.emit("Mul", {x, x}), axes, true);
  const OnnxValueId root =
      call.emit("Sqrt", {call.emit("Add", {mean, call.number_constant(call.number("eps", smallest))})});
  const OnnxValueId y = call.emit("Div", {x, root});
  return call.has("weight") ? call.emit("Mul", {y, call.tensor("weight")}) : y;
}

Values rms_norm_with_statistics(OperatorCall& call) {
  return {rms_norm(call), OnnxValueId{}};
}

/// Each group normalized like an instance, [N, groups, ...], and then each channel scaled.
OnnxValueId by_groups(OperatorCall& call, std::int64_t groups) {
  const OnnxValueId x = call.tensor("input");
  const Shape sizes = call.shape(x);
  const std::int64_t channels = channels_of(call, x);
  if (groups < 1 || channels < 1 || channels % groups != 0)
    call.fail("can't divide " + std::to_string(channels) + " channels by " + std::to_string(groups));
  std::int64_t others = channels / groups;
  for (std::size_t i = 2; i < sizes.size(); ++i) others *= sizes[i];
  OnnxValueId y = call.reshape(x, {sizes[0], groups, others});
  const auto each = [&](float value) {
    return call.constant(
        make_tensor<float>({groups}, std::vector<float>(static_cast<std::size_t>(groups), value)));
  };
  y = call.emit("InstanceNormalization", {y, each(1), each(0)}, {{"epsilon", epsilon(call)}});
  y = call.reshape(y, sizes);
  Shape aligned(sizes.size() - 1, 1);
  aligned[0] = channels;
  const auto parameter = [&](std::string_view name) {
    const OnnxValueId value = call.tensor_or_none(name);
    return value.exists() ? call.reshape(value, aligned) : value;
  };
  const OnnxValueId weight = parameter("weight"), bias = parameter("bias");
  if (weight.exists()) y = call.emit("Mul", {y, weight});
  return bias.exists() ? call.emit("Add", {y, bias}) : y;
}

OnnxValueId group_norm(OperatorCall& call) {
  return by_groups(call, call.integer("num_groups"));
}

Values group_norm_with_statistics(OperatorCall& call) {
  return with_statistics(by_groups(call, call.integer("group")));
}

constexpr OperatorRow rows[] = {
    {"aten.batch_norm", batch_norm},
    {"aten._native_batch_norm_legit_no_training", batch_norm_with_statistics},
    {"aten._native_batch_norm_legit", batch_norm_of_batch},
    {"aten.native_batch_norm", batch_norm_of_batch},
    {"aten.instance_norm", instance_norm},
    {"aten.layer_norm", layer_norm},
    {"aten.native_layer_norm", layer_norm_with_statistics},
    {"aten.rms_norm", rms_norm},
    {"aten._fused_rms_norm", rms_norm_with_statistics},
    {"aten.group_norm", group_norm},
    {"aten.native_group_norm", group_norm_with_statistics},
};

}  // namespace

std::span<const OperatorRow> normalization_operators() {
  return rows;
}

}  // namespace calib8
