#include "pipeline/preprocessing/preprocessing_mistakes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "image/preprocessing_names.h"

namespace calib8 {
namespace {

/// The share that "resize to 256, crop 224" keeps.
constexpr const char* kUsualCrop = "0.875";

/// What pixels 0 and 255 of a channel become.
std::pair<double, double> ends(const Preprocessing& p, std::size_t channel) {
  const double mean = p.mean[channel], deviation = p.deviation[channel];
  return {-mean / deviation, (255 / p.divisor - mean) / deviation};
}

/// Whether no value differs by more than a hundredth of the range: 1/127.5 - 1 is the same as mean and std
/// 0.5.
bool same_values(const Preprocessing& a, const Preprocessing& b) {
  for (std::size_t c = 0; c < a.mean.size(); ++c) {
    const auto [a_low, a_high] = ends(a, c);
    const auto [b_low, b_high] = ends(b, c);
    const double tolerance = 0.01 * std::abs(a_high - a_low);
    if (std::abs(a_low - b_low) > tolerance || std::abs(a_high - b_high) > tolerance) return false;
  }
  return true;
}

/// One value stands for all channels.
Preprocessing with_values(Preprocessing p, double divisor, std::vector<float> mean,
                          std::vector<float> deviation) {
  const auto channels = static_cast<std::size_t>(channel_count(p));
  if (mean.size() == 1) mean.resize(channels, mean[0]);
  if (deviation.size() == 1) deviation.resize(channels, deviation[0]);
  p.divisor = divisor;
  p.mean = std::move(mean);
  p.deviation = std::move(deviation);
  return p;
}

/// 255 - pixel in place of the pixel.
Preprocessing inverted(Preprocessing p) {
  for (float& mean : p.mean) mean = static_cast<float>(255 / p.divisor) - mean;
  for (float& deviation : p.deviation) deviation = -deviation;
  return p;
}

void add_values(const Preprocessing& declared, std::vector<Mistake>& mistakes) {
  const Preprocessing imagenet;
  std::vector<Mistake> candidates;
  if (channel_count(declared) == 3) {
    candidates.push_back({"ImageNet's mean and std",
                          with_values(declared, imagenet.divisor, imagenet.mean, imagenet.deviation)});
  }
  candidates.push_back({"values 0..1, no mean and std", with_values(declared, 255, {0}, {1})});
  candidates.push_back({"values 0..255", with_values(declared, 1, {0}, {1})});
  candidates.push_back({"values -1..1", with_values(declared, 255, {0.5f}, {0.5f})});
  candidates.push_back({"inverted values", inverted(declared)});
  for (Mistake& candidate : candidates) {
    if (!same_values(candidate.preprocessing, declared)) mistakes.push_back(std::move(candidate));
  }
}

void add_channel_order(const Preprocessing& declared, std::vector<Mistake>& mistakes) {
  if (declared.channel_order == ChannelOrder::gray) return;
  const bool bgr = declared.channel_order == ChannelOrder::bgr;
  Preprocessing p = declared;
  p.channel_order = bgr ? ChannelOrder::rgb : ChannelOrder::bgr;
  mistakes.push_back({bgr ? "RGB channel order" : "BGR channel order", std::move(p)});
}

bool is_plain_resize(const Preprocessing& p) {
  return p.resize_mode == ResizeMode::exact && (p.resize_height == 0 || p.resize_height == p.height) &&
         (p.resize_width == 0 || p.resize_width == p.width);
}

void add_geometry(const Preprocessing& declared, std::vector<Mistake>& mistakes) {
  Preprocessing p = declared;
  p.resize_width = 0;
  if (is_plain_resize(declared)) {
    p.resize_mode = ResizeMode::shortest_side;
    p.resize_height = static_cast<int>(std::floor(std::min(p.height, p.width) / 0.875));
    mistakes.push_back({"resize of the shortest side and center crop", std::move(p)});
  } else {
    p.resize_mode = ResizeMode::exact;
    p.resize_height = 0;
    mistakes.push_back({"plain resize without crop", std::move(p)});
  }
  Preprocessing other = declared;
  const bool opencv = declared.library == ResizeLibrary::opencv;
  other.library = opencv ? ResizeLibrary::pillow : ResizeLibrary::opencv;
  mistakes.push_back({opencv ? "antialiased resize" : "resize without antialiasing", std::move(other)});
}

}  // namespace

std::vector<Mistake> usual_mistakes(const Preprocessing& declared) {
  std::vector<Mistake> mistakes;
  add_channel_order(declared, mistakes);
  add_values(declared, mistakes);
  add_geometry(declared, mistakes);
  return mistakes;
}

std::string flags_for(const Preprocessing& declared, const Preprocessing& wanted) {
  std::vector<std::string> flags;
  if (wanted.channel_order != declared.channel_order)
    flags.push_back(fmt::format("--channel-order {}", name_of(wanted.channel_order)));
  if (wanted.divisor != declared.divisor) flags.push_back("--scale " + scale_text(wanted.divisor));
  if (wanted.mean != declared.mean) flags.push_back(fmt::format("--mean {}", fmt::join(wanted.mean, ",")));
  if (wanted.deviation != declared.deviation)
    flags.push_back(fmt::format("--std {}", fmt::join(wanted.deviation, ",")));
  if (wanted.resize_mode != declared.resize_mode || wanted.resize_height != declared.resize_height ||
      wanted.resize_width != declared.resize_width) {
    flags.push_back(fmt::format("--resize-mode {}", name_of(wanted.resize_mode)));
    if (wanted.resize_mode == ResizeMode::shortest_side)
      flags.push_back(fmt::format("--crop {}", kUsualCrop));
  }
  if (wanted.interpolation != declared.interpolation || wanted.library != declared.library)
    flags.push_back(
        fmt::format("--interpolation {}", name_of_interpolation(wanted.library, wanted.interpolation)));
  return fmt::format("{}", fmt::join(flags, " "));
}

bool same_geometry(const Preprocessing& a, const Preprocessing& b) {
  Preprocessing as_b = a;
  as_b.mean = b.mean;
  as_b.deviation = b.deviation;
  as_b.divisor = b.divisor;
  as_b.name = b.name;
  if ((a.channel_order == ChannelOrder::gray) == (b.channel_order == ChannelOrder::gray))
    as_b.channel_order = b.channel_order;
  return as_b == b;
}

}  // namespace calib8
