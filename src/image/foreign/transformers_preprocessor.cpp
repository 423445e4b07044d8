#include "image/foreign/transformers_preprocessor.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "calib8/error.h"
#include "image/preprocessing_fields.h"

// Read off transformers 5: image_processing_*.py of the models named below. Its preprocessors resize with
// torchvision, which takes the same filters as Pillow, on tensors, and rounds at other places.

namespace calib8 {
namespace {

using nlohmann::json;

constexpr double smallest_crop = 0.05;
/// ConvNeXt squeezes pictures from this side on, and crops below.
constexpr int smallest_squeezed = 384;

std::string kind_of(const json& object) {
  for (const char* name : {"image_processor_type", "feature_extractor_type"}) {
    if (object.contains(name) && object[name].is_string()) return object[name].get<std::string>();
  }
  return {};
}

bool flag(const PreprocessingFields& fields, const char* name, bool otherwise) {
  return fields.has(name) ? fields.boolean(name) : otherwise;
}

struct Side {
  int height = 0, width = 0;
  bool shortest = false;  ///< `height` is that of the shortest edge.
};

/// {"height", "width"}, {"shortest_edge"}, or a number, which older files have: an edge where pictures are
/// cropped, both sides where not.
Side side_of(const PreprocessingFields& fields, const char* name, bool number_is_edge) {
  const json& value = fields.at(name);
  if (!value.is_object()) {
    const auto [height, width] = fields.size(name);
    return {height, width, number_is_edge && height == width && !value.is_array()};
  }
  const PreprocessingFields size(value, fields.where() + ": \"" + name + "\"");
  if (size.has("height") && size.has("width"))
    return {size.integer("height", 1, kLargestSide), size.integer("width", 1, kLargestSide), false};
  if (!size.has("shortest_edge")) fields.fail(name, "height and width, or shortest_edge");
  const int edge = size.integer("shortest_edge", 1, kLargestSide);
  return {edge, edge, true};
}

double share_kept(const PreprocessingFields& fields) {
  const double share = fields.has("crop_pct") ? fields.number("crop_pct") : 0.875;
  if (!(share >= smallest_crop && share <= 1)) fields.fail("crop_pct", "a share of the side, as 0.875");
  return share;
}

/// ConvNeXt's: `size` is that behind the crop.
void place_convnext(const PreprocessingFields& fields, const Side& side, Preprocessing& p) {
  p.height = p.width = side.height;
  if (side.height >= smallest_squeezed) return;
  p.resize_mode = ResizeMode::shortest_side;
  p.resize_height = p.resize_width = static_cast<int>(side.height / share_kept(fields));
}

void place(const PreprocessingFields& fields, const std::string& kind, Preprocessing& p) {
  const bool crops = flag(fields, "do_center_crop", fields.has("crop_size"));
  if (!flag(fields, "do_resize", true) || !fields.has("size")) return;
  const bool is_convnext = kind.starts_with("ConvNext");
  const bool is_levit = kind.starts_with("Levit");
  Side side = side_of(fields, "size", crops || is_convnext);
  if (is_convnext) return place_convnext(fields, side, p);
  if (is_levit) side.height = side.width = static_cast<int>(256.0 / 224.0 * side.height);
  if (fields.has("crop_pct")) side.height = side.width = static_cast<int>(side.height / share_kept(fields));
  Side result = side;
  if (crops && fields.has("crop_size")) result = side_of(fields, "crop_size", false);
  if (result.height > side.height || result.width > side.width)
    fields.fail("crop_size", "no larger than the size before the crop");
  p.height = result.height;
  p.width = result.width;
  if (side.shortest) p.resize_mode = ResizeMode::shortest_side;
  if (side.shortest || result.height != side.height || result.width != side.width) {
    p.resize_height = side.height;
    p.resize_width = side.width;
  }
}

void set_values(const PreprocessingFields& fields, Preprocessing& p) {
  if (!flag(fields, "do_rescale", true)) {
    p.divisor = 1;
  } else if (fields.has("rescale_factor")) {
    const double factor = fields.number("rescale_factor");
    if (!(factor > 0 && factor <= 1)) fields.fail("rescale_factor", "from 0 to 1, as 0.00392");
    // 0.00392156862745098 is 1/255.
    const double divisor = 1 / factor;
    p.divisor = std::abs(divisor - std::round(divisor)) < 1e-6 * divisor ? std::round(divisor) : divisor;
  }
  p.mean = {0, 0, 0};
  p.deviation = {1, 1, 1};
  if (!flag(fields, "do_normalize", true)) return;
  fields.require("image_mean");
  fields.require("image_std");
  p.mean = fields.channels("image_mean");
  p.deviation = fields.channels("image_std");
}

}  // namespace

bool is_transformers_preprocessor(const json& object) {
  if (!object.is_object()) return false;
  const auto has = [&](const char* name) { return object.contains(name); };
  return has("image_processor_type") || has("feature_extractor_type") ||
         (has("image_mean") && (has("do_normalize") || has("do_resize")));
}

Preprocessing preprocessing_from_transformers(const json& object, const std::string& where) {
  const PreprocessingFields fields(object, where);
  const std::string kind = kind_of(object);
  for (const char* name : {"do_pad", "do_thumbnail", "do_align_long_axis", "rescale_offset"}) {
    if (flag(fields, name, false)) fields.fail(name, "false: calib8 has no such step");
  }
  if (kind.starts_with("EfficientNet") && flag(fields, "include_top", true))
    fields.fail(fields.has("include_top") ? "include_top" : "image_std",
                "used once, and EfficientNetImageProcessor divides by it twice");
  Preprocessing p;
  p.name = kind.empty() ? "transformers" : kind;
  place(fields, kind, p);
  if (fields.has("resample")) {
    std::tie(p.library, p.interpolation) = fields.interpolation("resample");
  } else if (kind.starts_with("CLIP") || kind.starts_with("Bit") || kind.starts_with("ConvNext") ||
             kind.starts_with("Levit") || kind.starts_with("PoolFormer") || kind.starts_with("Deit") ||
             kind.starts_with("DeiT")) {
    p.interpolation = Interpolation::bicubic;
  }
  if (flag(fields, "do_flip_channel_order", false)) p.channel_order = ChannelOrder::bgr;
  set_values(fields, p);
  check_values(p, where);
  return p;
}

}  // namespace calib8
