#include <cmath>

#include "read/architectures/architecture.h"

// Dosovitskiy et al., "An Image is Worth 16x16 Words" (2020).

namespace calib8 {
namespace {

constexpr float epsilon = 1e-6f;

struct Variant {
  std::int64_t patch, layers, heads, width, hidden;
};

/// [N, T, width] -> [N, heads, T, width / heads], or with the last two exchanged.
OnnxValueId split_heads(ModuleBuilder& build, OnnxValueId x, const std::string& name, const Variant& variant,
                        bool transposed) {
  x = build.reshape(x, name + ".heads", {0, 0, variant.heads, variant.width / variant.heads});
  return build.transpose(
      x, name, transposed ? std::vector<std::int64_t>{0, 2, 3, 1} : std::vector<std::int64_t>{0, 2, 1, 3});
}

OnnxValueId self_attention(ModuleBuilder& build, OnnxValueId x, const std::string& name,
                           const Variant& variant) {
  OnnxEmitter& emitter = build.emitter();
  const std::int64_t width = variant.width;
  const OnnxValueId weight = build.parameter(name, "in_proj_weight", {3 * width, width});
  const OnnxValueId bias = build.parameter(name, "in_proj_bias", {3 * width});
  const OnnxValueId all = build.product(x, name + ".in_proj", weight, bias);
  const auto part = [&](const char* what, std::int64_t index) {
    const std::string place = build.prefix() + name + "." + what;
    return emitter.emit(
        "Slice", place,
        {all, emitter.integers(place + ".begin", {index * width}),
         emitter.integers(place + ".end", {(index + 1) * width}), emitter.integers(place + ".axis", {2})});
  };
  const OnnxValueId query = split_heads(build, part("query", 0), name + ".q", variant, false);
  const OnnxValueId key = split_heads(build, part("key", 1), name + ".k", variant, true);
  const OnnxValueId value = split_heads(build, part("value", 2), name + ".v", variant, false);
  const std::string place = build.prefix() + name;
  const float factor = 1.0f / std::sqrt(static_cast<float>(width / variant.heads));
  const OnnxValueId scaled =
      emitter.emit("Mul", place + ".scaled", {query, emitter.number(place + ".factor", factor)});
  const OnnxValueId scores = emitter.emit("MatMul", place + ".scores", {scaled, key});
  const OnnxValueId shares =
      emitter.emit("Softmax", place + ".softmax", {scores}, {{"axis", std::int64_t{-1}}});
  OnnxValueId y = emitter.emit("MatMul", place + ".mixed", {shares, value});
  y = build.transpose(y, name + ".joined", {0, 2, 1, 3});
  y = build.reshape(y, name + ".tokens", {0, 0, width});
  return build.linear_last(y, name + ".out_proj", width, width);
}

OnnxValueId layer(ModuleBuilder& build, OnnxValueId x, const std::string& name, const Variant& variant) {
  OnnxValueId y = build.layer_norm(x, name + ".ln_1", variant.width, epsilon);
  y = self_attention(build, y, name + ".self_attention", variant);
  x = build.add(y, x, name + ".attended");
  y = build.layer_norm(x, name + ".ln_2", variant.width, epsilon);
  y = build.linear_last(y, name + ".mlp.0", variant.width, variant.hidden);
  y = build.gelu(y, name + ".mlp.1");
  y = build.linear_last(y, name + ".mlp.3", variant.hidden, variant.width);
  return build.add(x, y, name);
}

/// [1, 1, width] for each image of the batch.
OnnxValueId class_tokens(ModuleBuilder& build, OnnxValueId image, const Variant& variant) {
  OnnxEmitter& emitter = build.emitter();
  const OnnxValueId token = build.parameter("class_token", {1, 1, variant.width});
  const std::string place = build.prefix() + "class_tokens";
  const OnnxValueId batch = emitter.emit("Shape", place + ".batch", {image},
                                         {{"start", std::int64_t{0}}, {"end", std::int64_t{1}}});
  const OnnxValueId shape = emitter.emit("Concat", place + ".shape",
                                         {batch, emitter.integers(place + ".token", {1, variant.width})},
                                         {{"axis", std::int64_t{0}}});
  return emitter.emit("Expand", place, {token, shape});
}

Features features(ModuleBuilder& build, OnnxValueId image, const Architecture& self) {
  const Variant& variant = *static_cast<const Variant*>(self.variant);
  const auto [height, width] = build.image_size();
  const std::int64_t patches = (height / variant.patch) * (width / variant.patch);
  const OnnxValueId tokens = class_tokens(build, image, variant);
  OnnxValueId x = build.convolution(image, "conv_proj",
                                    {.in_channels = build.image_channels(),
                                     .out_channels = variant.width,
                                     .kernel = variant.patch,
                                     .stride = variant.patch,
                                     .padding = 0,
                                     .bias = true});
  x = build.reshape(x, "patches", {0, variant.width, patches});
  x = build.transpose(x, "patches_last", {0, 2, 1});
  x = build.emitter().emit("Concat", build.prefix() + "tokens", {tokens, x}, {{"axis", std::int64_t{1}}});
  x = build.add(x, build.parameter("encoder", "pos_embedding", {1, patches + 1, variant.width}),
                "encoder.placed");
  for (std::int64_t index = 0; index < variant.layers; ++index)
    x = layer(build, x, "encoder.layers.encoder_layer_" + std::to_string(index), variant);
  x = build.layer_norm(x, "encoder.ln", variant.width, epsilon);
  OnnxEmitter& emitter = build.emitter();
  const OnnxValueId first =
      emitter.constant(build.prefix() + "first", make_tensor<std::int64_t>({}, std::vector<std::int64_t>{0}));
  x = emitter.emit("Gather", build.prefix() + "class", {x, first}, {{"axis", std::int64_t{1}}});
  return {x, variant.width};
}

OnnxValueId classifier(ModuleBuilder& build, Features input, std::int64_t num_classes) {
  return build.linear(input.value, "heads.head", input.channels, num_classes);
}

constexpr Variant b_16{16, 12, 12, 768, 3072}, b_32{32, 12, 12, 768, 3072}, l_16{16, 24, 16, 1024, 4096},
    l_32{32, 24, 16, 1024, 4096}, h_14{14, 32, 16, 1280, 5120};

constexpr Architecture vit(std::string_view name, const Variant& variant) {
  return {name, &features, &classifier, "heads.head.weight", &variant};
}

constexpr Architecture architectures[] = {
    vit("vit_b_16", b_16), vit("vit_b_32", b_32), vit("vit_l_16", l_16),
    vit("vit_l_32", l_32), vit("vit_h_14", h_14),
};

}  // namespace

std::span<const Architecture> vision_transformer_architectures() {
  return architectures;
}

}  // namespace calib8
