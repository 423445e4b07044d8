#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "image/preprocess.h"

namespace calib8 {

/// The words by which flags, files and the metadata name the parts of a preprocessing.

/// "bilinear" (Pillow's), "opencv-bilinear"; also nearest, bicubic, lanczos.
std::string name_of_interpolation(ResizeLibrary library, Interpolation interpolation);
/// Nothing where the word is none of them; any case.
std::optional<std::pair<ResizeLibrary, Interpolation>> parse_interpolation(std::string_view word);

/// "exact", "shortest-side", "cover", "letterbox"
std::string_view name_of(ResizeMode mode);
std::optional<ResizeMode> parse_resize_mode(std::string_view word);

/// "rgb", "bgr", "gray"
std::string_view name_of(ChannelOrder order);
std::optional<ChannelOrder> parse_channel_order(std::string_view word);

/// "1/255" for 255, "1" for 1
std::string scale_text(double divisor);

/// A positive number: decimal ("0.875") or a fraction of two ("240/255"). Nothing for all else.
struct Fraction {
  double numerator = 1;
  double denominator = 1;
};
std::optional<Fraction> parse_fraction(std::string_view text);

/// The divisor of a scale. A decimal scale within 1e-6 of one over an integer is that: 0.00392156 is 1/255.
double divisor_of(const Fraction& scale);

/// All words of a kind, for messages: "nearest, bilinear, ...".
inline constexpr std::string_view kInterpolationWords =
    "nearest, bilinear, bicubic, lanczos, opencv-nearest, opencv-bilinear, opencv-bicubic, opencv-lanczos";
inline constexpr std::string_view kResizeModeWords = "exact, shortest-side, cover, letterbox";
inline constexpr std::string_view kChannelOrderWords = "rgb, bgr, gray";

}  // namespace calib8
