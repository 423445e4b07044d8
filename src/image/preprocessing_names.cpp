#include "image/preprocessing_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "calib8/error.h"

namespace calib8 {
namespace {

template <class T>
struct Word {
  std::string_view word;
  T value;
};

constexpr std::array<Word<Interpolation>, 4> kInterpolations = {{{"nearest", Interpolation::nearest},
                                                                 {"bilinear", Interpolation::bilinear},
                                                                 {"bicubic", Interpolation::bicubic},
                                                                 {"lanczos", Interpolation::lanczos}}};
constexpr std::array<Word<ResizeMode>, 4> kResizeModes = {{{"exact", ResizeMode::exact},
                                                           {"shortest-side", ResizeMode::shortest_side},
                                                           {"cover", ResizeMode::cover},
                                                           {"letterbox", ResizeMode::letterbox}}};
constexpr std::array<Word<ChannelOrder>, 3> kChannelOrders = {
    {{"rgb", ChannelOrder::rgb}, {"bgr", ChannelOrder::bgr}, {"gray", ChannelOrder::gray}}};
constexpr std::string_view kOpencvPrefix = "opencv-";

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& letter : result) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return result;
}

template <class T, std::size_t N>
std::optional<T> find_value(const std::array<Word<T>, N>& words, std::string_view word) {
  const std::string wanted = lower(word);
  const auto found = std::ranges::find(words, wanted, &Word<T>::word);
  return found == words.end() ? std::nullopt : std::optional(found->value);
}

template <class T, std::size_t N>
std::string_view find_word(const std::array<Word<T>, N>& words, T value) {
  const auto found = std::ranges::find(words, value, &Word<T>::value);
  if (found == words.end()) throw Error(ErrorCode::internal, "a value of a preprocessing has no name");
  return found->word;
}

std::optional<double> parse_positive(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value) || value <= 0)
    return std::nullopt;
  return value;
}

}  // namespace

std::string name_of_interpolation(ResizeLibrary library, Interpolation interpolation) {
  return fmt::format("{}{}", library == ResizeLibrary::opencv ? kOpencvPrefix : "",
                     find_word(kInterpolations, interpolation));
}

std::optional<std::pair<ResizeLibrary, Interpolation>> parse_interpolation(std::string_view word) {
  const std::string wanted = lower(word);
  const bool opencv = wanted.starts_with(kOpencvPrefix);
  const auto value =
      find_value(kInterpolations, std::string_view(wanted).substr(opencv ? kOpencvPrefix.size() : 0));
  if (!value) return std::nullopt;
  return std::pair(opencv ? ResizeLibrary::opencv : ResizeLibrary::pillow, *value);
}

std::string_view name_of(ResizeMode mode) {
  return find_word(kResizeModes, mode);
}
std::optional<ResizeMode> parse_resize_mode(std::string_view word) {
  return find_value(kResizeModes, word);
}

std::string_view name_of(ChannelOrder order) {
  return find_word(kChannelOrders, order);
}
std::optional<ChannelOrder> parse_channel_order(std::string_view word) {
  return find_value(kChannelOrders, word);
}

std::string scale_text(double divisor) {
  return divisor == 1 ? "1" : fmt::format("1/{}", divisor);
}

std::optional<Fraction> parse_fraction(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto numerator = parse_positive(text.substr(0, slash));
  const auto denominator =
      slash == std::string_view::npos ? std::optional(1.0) : parse_positive(text.substr(slash + 1));
  if (!numerator || !denominator) return std::nullopt;
  return Fraction{*numerator, *denominator};
}

double divisor_of(const Fraction& scale) {
  const double divisor = scale.denominator / scale.numerator;
  const double whole = std::round(divisor);
  return whole >= 1 && std::abs(divisor - whole) <= 1e-6 * whole ? whole : divisor;
}

}  // namespace calib8
