// torch.nn.functional.interpolate.

#include <cmath>
#include <numeric>

#include "torch_program/operator_rows.h"
#include "torch_program/windows.h"

namespace calib8 {
namespace {

struct Method {
  std::string mode, coordinates, nearest;
  bool antialias = false;
};

OperatorCall::Attributes attributes_of(const OperatorCall& call, const Method& method) {
  OperatorCall::Attributes attributes = {{"mode", method.mode},
                                         {"coordinate_transformation_mode", method.coordinates}};
  if (!method.nearest.empty()) attributes["nearest_mode"] = method.nearest;
  if (method.mode == "cubic") attributes["cubic_coeff_a"] = -0.75f;
  if (method.antialias) attributes["antialias"] = std::int64_t{1};
  if (call.flag("align_corners", false))
    attributes["coordinate_transformation_mode"] = std::string("align_corners");
  return attributes;
}

/// By factors where the file says factors, which needn't be those of the sizes.
OnnxValueId resize(OperatorCall& call, std::size_t spatial, const Method& method) {
  const OnnxValueId x = call.tensor(call.has("input") ? "input" : "self");
  const Shape sizes = call.shape(x);
  if (sizes.size() != spatial + 2)
    call.fail("resizes " + std::to_string(spatial) + " dimensions, and is given " + to_string(sizes));
  OperatorCall::Attributes attributes = attributes_of(call, method);
  if (!call.has("output_size")) {
    std::vector<float> scales(2, 1);
    for (const double scale : call.numbers("scale_factors")) scales.push_back(static_cast<float>(scale));
    if (scales.size() != sizes.size()) call.fail("has factors for other dimensions than there are");
    const Shape count{static_cast<std::int64_t>(scales.size())};
    return call.emit("Resize", {x, OnnxValueId{}, call.constant(make_tensor(count, std::move(scales)))},
                     attributes);
  }
  const Integers wanted = call.window("output_size", spatial, 1, 1);
  if (std::equal(wanted.begin(), wanted.end(), sizes.begin() + 2)) return x;
  Integers axes(spatial);
  std::iota(axes.begin(), axes.end(), std::int64_t{2});
  attributes["axes"] = axes;
  return call.emit("Resize", {x, OnnxValueId{}, OnnxValueId{}, call.integers_constant(wanted)}, attributes);
}

template <std::size_t Rank>
OnnxValueId nearest(OperatorCall& call) {
  return resize(call, Rank, {"nearest", "asymmetric", "floor"});
}

template <std::size_t Rank>
OnnxValueId nearest_exact(OperatorCall& call) {
  return resize(call, Rank, {"nearest", "half_pixel", "round_prefer_ceil"});
}

template <std::size_t Rank>
OnnxValueId linear(OperatorCall& call) {
  return resize(call, Rank, {"linear", "half_pixel", ""});
}

OnnxValueId cubic(OperatorCall& call) {
  return resize(call, 2, {"cubic", "half_pixel", ""});
}
OnnxValueId smooth_linear(OperatorCall& call) {
  return resize(call, 2, {"linear", "half_pixel", "", true});
}
OnnxValueId smooth_cubic(OperatorCall& call) {
  return resize(call, 2, {"cubic", "half_pixel", "", true});
}

constexpr OperatorRow rows[] = {
    {"aten.upsample_nearest1d", nearest<1>},
    {"aten.upsample_nearest2d", nearest<2>},
    {"aten.upsample_nearest3d", nearest<3>},
    {"aten._upsample_nearest_exact1d", nearest_exact<1>},
    {"aten._upsample_nearest_exact2d", nearest_exact<2>},
    {"aten._upsample_nearest_exact3d", nearest_exact<3>},
    {"aten.upsample_linear1d", linear<1>},
    {"aten.upsample_bilinear2d", linear<2>},
    {"aten.upsample_trilinear3d", linear<3>},
    {"aten.upsample_bicubic2d", cubic},
    {"aten._upsample_bilinear2d_aa", smooth_linear},
    {"aten._upsample_bicubic2d_aa", smooth_cubic},
};

}  // namespace

std::span<const OperatorRow> resize_operators() {
  return rows;
}

}  // namespace calib8
