#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "calib8/error.h"
#include "image/preprocess.h"
#include "image/preprocessing_names.h"

namespace calib8 {
namespace {

std::string describe_filter(const Preprocessing& p) {
  const bool weighs = p.interpolation != Interpolation::nearest;
  const char* antialiased = p.library == ResizeLibrary::opencv ? ", not antialiased" : ", antialiased";
  return fmt::format("{}{}", name_of_interpolation(p.library, p.interpolation), weighs ? antialiased : "");
}

std::string describe_geometry(const Preprocessing& p) {
  const std::string filter = describe_filter(p);
  const int resize_height = p.resize_height > 0 ? p.resize_height : p.height;
  const int resize_width = p.resize_width > 0 ? p.resize_width : p.width;
  const std::string crop = fmt::format("center crop {}x{} (height x width)", p.height, p.width);
  switch (p.resize_mode) {
    case ResizeMode::exact:
      if (resize_height == p.height && resize_width == p.width)
        return fmt::format("resize to {}x{} (height x width, {})", p.height, p.width, filter);
      return fmt::format("resize to {}x{} ({}), {}", resize_height, resize_width, filter, crop);
    case ResizeMode::shortest_side:
      return fmt::format("resize the shortest side to {} ({}), {}",
                         p.resize_height > 0 ? p.resize_height : std::min(p.height, p.width), filter, crop);
    case ResizeMode::cover:
      return fmt::format("resize to cover {}x{} ({}), {}", resize_height, resize_width, filter, crop);
    case ResizeMode::letterbox:
      return fmt::format("fit into {}x{} (height x width, {}), pad with {}", p.height, p.width, filter,
                         p.pad_value);
  }
  throw Error(ErrorCode::internal, "not a ResizeMode");
}

const char* describe_channels(ChannelOrder order) {
  switch (order) {
    case ChannelOrder::rgb:
      return "RGB";
    case ChannelOrder::bgr:
      return "BGR";
    case ChannelOrder::gray:
      return "gray";
  }
  throw Error(ErrorCode::internal, "not a ChannelOrder");
}

std::string describe_values(const Preprocessing& p) {
  const bool is_plain = std::ranges::all_of(p.mean, [](float m) { return m == 0; }) &&
                        std::ranges::all_of(p.deviation, [](float d) { return d == 1; });
  const std::string scale = "scale " + scale_text(p.divisor);
  if (is_plain) return scale + ", no mean and std";
  return fmt::format("{}, mean [{}], std [{}]", scale, fmt::join(p.mean, ", "), fmt::join(p.deviation, ", "));
}

}  // namespace

std::string describe(const Preprocessing& p) {
  return fmt::format("{}{}, {}, {}", p.exif_orientation ? "turn as EXIF says, " : "", describe_geometry(p),
                     describe_channels(p.channel_order), describe_values(p));
}

}  // namespace calib8
