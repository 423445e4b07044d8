// Attention over a sequence: torch.nn's MultiheadAttention and TransformerEncoder, and torchvision's networks
// around them (ViT) and of normalized channels (ConvNeXt).

#include <cmath>

#include "calib8/error.h"
#include "read/modules/module_rows.h"

namespace calib8 {
namespace {

/// x [N, length, features], as its query, key and value at once.
OnnxValueId self_attention(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const Shape sizes = build.shape(self, x, 3);
  const std::int64_t heads = self.integer("num_heads", 1), features = sizes[2];
  if (!self.tensor("in_proj_weight") || self.tensor("bias_k") || self.flag("add_zero_attn", false))
    self.fail("has keys and values of its own sizes: export the model to ONNX with torch.onnx.export");
  if (heads < 1 || features % heads != 0) self.fail("can't divide " + std::to_string(features) + " features");
  const OnnxValueId weight = build.transpose(self, build.weight(self, "in_proj_weight"), {1, 0});
  OnnxValueId qkv = build.matmul(self, x, weight);
  const OnnxValueId bias = build.weight_or_none(self, "in_proj_bias");
  if (bias.exists()) qkv = build.add(self, qkv, bias);
  const Values parts = build.split(self, qkv, {features, features, features}, 2);
  const std::int64_t each = features / heads;
  const auto by_head = [&](OnnxValueId value, std::vector<std::int64_t> order) {
    return build.transpose(self, build.reshape(self, value, {0, sizes[1], heads, each}), std::move(order));
  };
  const OnnxValueId scale = build.number(self, "scale", 1 / std::sqrt(static_cast<double>(each)));
  const OnnxValueId q = build.multiply(self, by_head(parts[0], {0, 2, 1, 3}), scale);
  const OnnxValueId weights = build.softmax(self, build.matmul(self, q, by_head(parts[1], {0, 2, 3, 1})), 3);
  const OnnxValueId y = build.matmul(self, weights, by_head(parts[2], {0, 2, 1, 3}));
  const OnnxValueId joined =
      build.reshape(self, build.transpose(self, y, {0, 2, 1, 3}), {0, sizes[1], features});
  return build.run(self, "out_proj", joined);
}

/// torch.nn's: what `activation` is, a function's name or a module.
OnnxValueId activated(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  if (self.find_child("activation")) return build.run(self, "activation", x);
  const std::string name = self.global_name("activation");
  if (name == "relu") return build.relu(self, x);
  if (name == "gelu") return build.emit(self, "Gelu", {x}, {}, "gelu");
  self.fail("has the activation '" + name + "' between its layers: export the model to ONNX");
}

OnnxValueId encoder_layer(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const PickledModule& attention = self.child("self_attn");
  if (!attention.flag("batch_first", false))
    attention.fail("takes the batch behind the sequence (batch_first=False): export the model to ONNX");
  const auto feed_forward = [&](OnnxValueId value) {
    return build.run(self, "linear2", activated(build, self, build.run(self, "linear1", value)));
  };
  if (self.flag("norm_first", false)) {
    x = build.add(self, x, self_attention(build, attention, build.run(self, "norm1", x)));
    return build.add(self, x, feed_forward(build.run(self, "norm2", x)));
  }
  x = build.run(self, "norm1", build.add(self, x, self_attention(build, attention, x)));
  return build.run(self, "norm2", build.add(self, x, feed_forward(x)));
}

OnnxValueId encoder(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  x = build.run_in_turn(self.child("layers"), x);
  return self.find_child("norm") ? build.run(self, "norm", x) : x;
}

OnnxValueId vit_block(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  x = build.add(self, self_attention(build, self.child("self_attention"), build.run(self, "ln_1", x)), x);
  return build.add(self, x, build.run(self, "mlp", build.run(self, "ln_2", x)));
}

OnnxValueId vit_encoder(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  x = build.add(self, x, build.weight(self, "pos_embedding"));
  return build.run(self, "ln", build.run(self, "layers", x));
}

/// Patches as a sequence behind a class token, which alone is classified.
OnnxValueId vit(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  x = build.run(self, "conv_proj", x);
  const Shape sizes = build.shape(self, x, 4);
  x = build.transpose(self, build.reshape(self, x, {0, sizes[1], sizes[2] * sizes[3]}), {0, 2, 1});
  x = build.run(self, "encoder", build.concat(self, {build.weight(self, "class_token"), x}, 1));
  x = build.slice(self, x, 1, 0, 1);
  return build.run(self, "heads", build.reshape(self, x, {0, -1}));
}

/// The same normalization with the channels last.
OnnxValueId layer_norm_2d(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  x = build.transpose(self, x, {0, 2, 3, 1});
  x = build.emit(self, "LayerNormalization", {x, build.weight(self, "weight"), build.weight(self, "bias")},
                 {{"axis", std::int64_t{-1}}, {"epsilon", static_cast<float>(self.number("eps", 1e-5))}});
  return build.transpose(self, x, {0, 3, 1, 2});
}

OnnxValueId convnext_block(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const OnnxValueId y = build.multiply(self, build.run(self, "block", x), build.weight(self, "layer_scale"));
  return build.add(self, y, x);
}

OnnxValueId convnext(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return build.run_named(self, x, {"features", "avgpool", "classifier"});
}

OnnxValueId permute(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return build.transpose(self, x, self.all_integers("dims"));
}

constexpr std::string_view vits = "torchvision.models.vision_transformer",
                           convnexts = "torchvision.models.convnext",
                           transformer = "torch.nn.modules.transformer";

OnnxValueId sequential(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return build.run_in_turn(self, x);
}

constexpr ModuleRow rows[] = {
    {transformer, "TransformerEncoder", encoder},
    {transformer, "TransformerEncoderLayer", encoder_layer},
    {vits, "VisionTransformer", vit},
    {vits, "Encoder", vit_encoder},
    {vits, "EncoderBlock", vit_block},
    {vits, "MLPBlock", sequential},
    {convnexts, "ConvNeXt", convnext},
    {convnexts, "CNBlock", convnext_block},
    {convnexts, "LayerNorm2d", layer_norm_2d},
    {"torchvision.ops.misc", "Permute", permute},
};

}  // namespace

std::span<const ModuleRow> transformer_rows() {
  return rows;
}

}  // namespace calib8
