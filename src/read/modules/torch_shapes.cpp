// torch.nn's modules that move elements or contain others: containers, padding, resizing, flattening, and
// those that do nothing when a network isn't training.

#include <algorithm>
#include <numeric>

#include "calib8/error.h"
#include "read/modules/module_rows.h"
#include "read/modules/padding.h"

namespace calib8 {
namespace {

using Integers = std::vector<std::int64_t>;

OnnxValueId sequential(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return build.run_in_turn(self, x);
}

OnnxValueId identity(ForwardBuilder&, const PickledModule&, OnnxValueId x) {
  return x;
}

/// torch.nn's pads begin with the last dimension, before and behind it.
template <std::size_t Rank>
Integers pads_of(const PickledModule& self) {
  const Integers given = self.integers("padding", 2 * Rank, {});
  if (given.empty()) self.fail("has no padding");
  Integers pads(2 * Rank);
  for (std::size_t i = 0; i < Rank; ++i) {
    pads[Rank - 1 - i] = given[2 * i];
    pads[2 * Rank - 1 - i] = given[2 * i + 1];
  }
  return pads;
}

template <std::size_t Rank>
OnnxValueId pad_with_value(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return pad(build, self, x, pads_of<Rank>(self), "zeros", self.number("value", 0));
}

template <std::size_t Rank, const char* Mode>
OnnxValueId pad_with_own(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return pad(build, self, x, pads_of<Rank>(self), Mode);
}

/// `scale_factor`, one for all spatial dimensions or one for each, as Resize takes it.
std::vector<float> scales_of(const PickledModule& self, std::size_t rank) {
  std::vector<float> scales(rank, 1);
  const std::vector<double> given = self.numbers("scale_factor", rank - 2);
  std::ranges::transform(given, scales.begin() + 2, [](double scale) { return static_cast<float>(scale); });
  return scales;
}

OnnxValueId resize(ForwardBuilder& build, const PickledModule& self, OnnxValueId x, const std::string& mode,
                   bool align_corners) {
  const Shape sizes = build.shape(self, x);
  if (sizes.size() < 3) self.fail("resizes a value without height and width");
  ForwardBuilder::Attributes attributes = {{"mode", std::string("linear")},
                                           {"coordinate_transformation_mode", std::string("half_pixel")}};
  if (mode == "nearest") {
    attributes = {{"mode", mode},
                  {"coordinate_transformation_mode", std::string("asymmetric")},
                  {"nearest_mode", std::string("floor")}};
  } else if (mode == "bicubic") {
    attributes["mode"] = std::string("cubic");
    attributes["cubic_coeff_a"] = -0.75f;
  } else if (mode != "bilinear" && mode != "linear" && mode != "trilinear") {
    self.fail("resizes by '" + mode + "': export the model to ONNX");
  }
  if (align_corners) attributes["coordinate_transformation_mode"] = std::string("align_corners");
  if (self.is_none("size")) {
    const std::vector<float> scales = scales_of(self, sizes.size());
    const Shape count{static_cast<std::int64_t>(scales.size())};
    return build.emit(self, "Resize",
                      {x, OnnxValueId{}, build.constant(self, "scales", make_tensor(count, scales))},
                      attributes);
  }
  // The batch may be left open, so it has no size here.
  Integers axes(sizes.size() - 2);
  std::iota(axes.begin(), axes.end(), std::int64_t{2});
  attributes["axes"] = axes;
  const Integers wanted = self.integers("size", axes.size(), {});
  return build.emit(self, "Resize", {x, OnnxValueId{}, OnnxValueId{}, build.integers(self, "sizes", wanted)},
                    attributes);
}

OnnxValueId upsample(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return resize(build, self, x, self.text("mode", "nearest"), self.flag("align_corners", false));
}

/// Dimensions `start_dim` to `end_dim` as one.
OnnxValueId flatten(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const Shape sizes = build.shape(self, x);
  const auto rank = static_cast<std::int64_t>(sizes.size());
  std::int64_t first = self.integer("start_dim", 1), last = self.integer("end_dim", -1);
  if (first < 0) first += rank;
  if (last < 0) last += rank;
  if (first < 1 || last >= rank || first > last)
    self.fail("flattens dimensions " + std::to_string(first) + " to " + std::to_string(last) + " of " +
              to_string(sizes));
  if (first == last) return x;
  if (first == 1 && last == rank - 1) return build.flatten(self, x);
  Integers flat(sizes.begin(), sizes.begin() + first);
  flat[0] = 0;
  std::int64_t count = 1;
  for (std::int64_t i = first; i <= last; ++i) count *= sizes[static_cast<std::size_t>(i)];
  flat.push_back(count);
  flat.insert(flat.end(), sizes.begin() + last + 1, sizes.end());
  return build.reshape(self, x, flat);
}

OnnxValueId unflatten(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const Shape sizes = build.shape(self, x);
  const auto rank = static_cast<std::int64_t>(sizes.size());
  std::int64_t axis = self.integer("dim", 1);
  if (axis < 0) axis += rank;
  if (axis < 1 || axis >= rank) self.fail("unflattens a dimension that isn't there");
  const Integers parts = self.all_integers("unflattened_size");
  Integers whole(sizes.begin(), sizes.begin() + axis);
  whole[0] = 0;
  whole.insert(whole.end(), parts.begin(), parts.end());
  whole.insert(whole.end(), sizes.begin() + axis + 1, sizes.end());
  return build.reshape(self, x, whole);
}

OnnxValueId pixel_shuffle(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  return build.emit(self, "DepthToSpace", {x},
                    {{"blocksize", self.integer("upscale_factor", 1)}, {"mode", std::string("CRD")}});
}

/// [N, C, H * r, W * r] -> [N, C * r * r, H, W], a channel's elements side by side.
OnnxValueId pixel_unshuffle(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const Shape sizes = build.shape(self, x, 4);
  const std::int64_t r = self.integer("downscale_factor", 1);
  if (r < 1 || sizes[2] % r != 0 || sizes[3] % r != 0) self.fail("can't divide " + to_string(sizes));
  const std::int64_t height = sizes[2] / r, width = sizes[3] / r;
  x = build.reshape(self, x, {0, sizes[1], height, r, width, r});
  x = build.transpose(self, x, {0, 1, 3, 5, 2, 4});
  return build.reshape(self, x, {0, sizes[1] * r * r, height, width});
}

OnnxValueId channel_shuffle(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const Shape sizes = build.shape(self, x, 4);
  const std::int64_t groups = self.integer("groups", 1);
  if (groups < 1 || sizes[1] % groups != 0) self.fail("can't divide " + to_string(sizes));
  x = build.reshape(self, x, {0, groups, sizes[1] / groups, sizes[2], sizes[3]});
  x = build.transpose(self, x, {0, 2, 1, 3, 4});
  return build.reshape(self, x, {0, sizes[1], sizes[2], sizes[3]});
}

constexpr char reflect[] = "reflect", replicate[] = "replicate", circular[] = "circular";
constexpr std::string_view padding = "torch.nn.modules.padding", dropout = "torch.nn.modules.dropout",
                           upsampling = "torch.nn.modules.upsampling";

constexpr ModuleRow rows[] = {
    {"torch.nn.modules.container", "Sequential", sequential},
    {"torch.nn.modules.linear", "Identity", identity},
    {dropout, "Dropout", identity},
    {dropout, "Dropout1d", identity},
    {dropout, "Dropout2d", identity},
    {dropout, "Dropout3d", identity},
    {dropout, "AlphaDropout", identity},
    {dropout, "FeatureAlphaDropout", identity},
    {"torch.nn.modules.flatten", "Flatten", flatten},
    {"torch.nn.modules.flatten", "Unflatten", unflatten},
    {"torch.nn.modules.pixelshuffle", "PixelShuffle", pixel_shuffle},
    {"torch.nn.modules.pixelshuffle", "PixelUnshuffle", pixel_unshuffle},
    {"torch.nn.modules.channelshuffle", "ChannelShuffle", channel_shuffle},
    {upsampling, "Upsample", upsample},
    {upsampling, "UpsamplingNearest2d", upsample},
    {upsampling, "UpsamplingBilinear2d", upsample},
    {padding, "ZeroPad1d", pad_with_value<1>},
    {padding, "ZeroPad2d", pad_with_value<2>},
    {padding, "ZeroPad3d", pad_with_value<3>},
    {padding, "ConstantPad1d", pad_with_value<1>},
    {padding, "ConstantPad2d", pad_with_value<2>},
    {padding, "ConstantPad3d", pad_with_value<3>},
    {padding, "ReflectionPad1d", pad_with_own<1, reflect>},
    {padding, "ReflectionPad2d", pad_with_own<2, reflect>},
    {padding, "ReplicationPad1d", pad_with_own<1, replicate>},
    {padding, "ReplicationPad2d", pad_with_own<2, replicate>},
    {padding, "CircularPad1d", pad_with_own<1, circular>},
    {padding, "CircularPad2d", pad_with_own<2, circular>},
};

}  // namespace

OnnxValueId pad(ForwardBuilder& build, const PickledModule& self, OnnxValueId x, const Integers& pads,
                const std::string& mode, double value) {
  constexpr std::int64_t largest = 1 << 20;
  const std::size_t rank = build.shape(self, x).size(), padded = pads.size() / 2;
  if (rank < padded + 1) self.fail("pads more dimensions than its input has");
  if (std::ranges::any_of(pads, [](std::int64_t p) { return p < -largest || p > largest; }))
    self.fail("pads by more than any image has");
  Integers whole(2 * rank, 0);
  std::copy_n(pads.begin(), padded, whole.begin() + static_cast<std::ptrdiff_t>(rank - padded));
  std::copy_n(pads.begin() + static_cast<std::ptrdiff_t>(padded), padded,
              whole.begin() + static_cast<std::ptrdiff_t>(2 * rank - padded));
  const OnnxValueId amounts = build.integers(self, "pads", whole);
  if (mode == "zeros")
    return build.emit(self, "Pad", {x, amounts, build.number(self, "pads.value", value)},
                      {{"mode", std::string("constant")}}, "pad");
  const std::string spelled = mode == "reflect" ? "reflect" : mode == "replicate" ? "edge" : "wrap";
  if (spelled == "wrap" && mode != "circular") self.fail("pads by '" + mode + "', which calib8 doesn't know");
  return build.emit(self, "Pad", {x, amounts}, {{"mode", spelled}}, "pad");
}

std::span<const ModuleRow> torch_shape_rows() {
  return rows;
}

}  // namespace calib8
