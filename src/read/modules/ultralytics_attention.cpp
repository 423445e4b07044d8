// Ultralytics' attention over the pixels of a feature map (YOLOv10 to YOLO26).

#include <cmath>

#include "calib8/error.h"
#include "read/modules/module_rows.h"

namespace calib8 {
namespace {

/// v * softmax(transposed(q) * k * scale) for q, k, v of [batch, heads, features, pixels].
OnnxValueId attend(ForwardBuilder& build, const PickledModule& self, const Values& parts, double scale) {
  const OnnxValueId q = build.multiply(self, parts[0], build.number(self, "scale", scale));
  const OnnxValueId weights =
      build.softmax(self, build.matmul(self, build.transpose(self, q, {0, 1, 3, 2}), parts[1]), 3);
  return build.matmul(self, parts[2], build.transpose(self, weights, {0, 1, 3, 2}));
}

OnnxValueId attention(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const Shape sizes = build.shape(self, x, 4);
  const std::int64_t heads = self.integer("num_heads", 1), key = self.integer("key_dim", 0),
                     head = self.integer("head_dim", 0), pixels = sizes[2] * sizes[3];
  const OnnxValueId qkv = build.reshape(self, build.run(self, "qkv", x), {0, heads, 2 * key + head, pixels});
  const Values parts = build.split(self, qkv, {key, key, head}, 2);
  const std::vector<std::int64_t> map = {0, sizes[1], sizes[2], sizes[3]};
  const OnnxValueId y =
      build.reshape(self, attend(build, self, parts, self.number("scale", 1 / std::sqrt(key))), map);
  const OnnxValueId position = build.run(self, "pe", build.reshape(self, parts[2], map));
  return build.run(self, "proj", build.add(self, y, position));
}

/// Attention within each of `area` equal parts of the pixels.
OnnxValueId area_attention(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const Shape sizes = build.shape(self, x, 4);
  const std::int64_t heads = self.integer("num_heads", 1), head = self.integer("head_dim", 0),
                     area = self.integer("area", 1), pixels = sizes[2] * sizes[3];
  const std::int64_t channels = self.integer("all_head_dim", heads * head);
  if (heads < 1 || head < 1 || area < 1 || pixels % area != 0 || channels != heads * head)
    self.fail("divides " + std::to_string(pixels) + " pixels in " + std::to_string(area) +
              " areas, which it can't: name another --input-size");
  OnnxValueId qkv = build.reshape(self, build.run(self, "qkv", x), {0, 3 * channels, pixels});
  qkv = build.reshape(self, build.transpose(self, qkv, {0, 2, 1}), {-1, pixels / area, heads, 3 * head});
  const Values parts = build.split(self, build.transpose(self, qkv, {0, 2, 3, 1}), {head, head, head}, 2);
  const auto as_map = [&](OnnxValueId value) {
    value = build.transpose(self, value, {0, 3, 1, 2});
    value = build.reshape(self, value, {-1, sizes[2], sizes[3], channels});
    return build.transpose(self, value, {0, 3, 1, 2});
  };
  const OnnxValueId y = as_map(attend(build, self, parts, 1 / std::sqrt(static_cast<double>(head))));
  return build.run(self, "proj", build.add(self, y, build.run(self, "pe", as_map(parts[2]))));
}

OnnxValueId with_residual(ForwardBuilder& build, const PickledModule& self, const char* name, OnnxValueId x,
                          bool adds = true) {
  const OnnxValueId y = build.run(self, name, x);
  return adds ? build.add(self, x, y) : y;
}

OnnxValueId psa_block(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const bool adds = self.flag("add", true);
  return with_residual(build, self, "ffn", with_residual(build, self, "attn", x, adds), adds);
}

OnnxValueId psa(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const Values parts = build.halves(self, build.run(self, "cv1", x));
  const OnnxValueId y = with_residual(build, self, "ffn", with_residual(build, self, "attn", parts[1]));
  return build.run(self, "cv2", build.concat(self, {parts[0], y}, 1));
}

OnnxValueId area_block(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return with_residual(build, self, "mlp", with_residual(build, self, "attn", x));
}

OnnxValueId a2c2f(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const Values parts = build.run_dense(self.child("m"), {build.run(self, "cv1", x)});
  const OnnxValueId y = build.run(self, "cv2", build.concat(self, parts, 1));
  const OnnxValueId gamma = build.weight_or_none(self, "gamma");
  if (!gamma.exists()) return y;
  return build.add(self, x, build.multiply(self, build.reshape(self, gamma, {1, -1, 1, 1}), y));
}

constexpr std::string_view blocks = "ultralytics.nn.modules.block";

constexpr ModuleRow rows[] = {
    {blocks, "Attention", attention}, {blocks, "AAttn", area_attention},
    {blocks, "PSABlock", psa_block},  {blocks, "PSA", psa},
    {blocks, "ABlock", area_block},   {blocks, "A2C2f", a2c2f},
};

}  // namespace

std::span<const ModuleRow> ultralytics_attention_rows() {
  return rows;
}

}  // namespace calib8
