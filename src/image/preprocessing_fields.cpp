#include "image/preprocessing_fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "calib8/error.h"

namespace calib8 {
namespace {

using nlohmann::json;

/// Numbers that some libraries store in place of names: those of PIL.Image.Resampling.
std::optional<Interpolation> pillow_constant(std::int64_t value) {
  switch (value) {
    case 0:
      return Interpolation::nearest;
    case 1:
      return Interpolation::lanczos;
    case 2:
      return Interpolation::bilinear;
    case 3:
      return Interpolation::bicubic;
    default:
      return std::nullopt;
  }
}

bool is_finite_float(const json& value) {
  return value.is_number() && std::isfinite(value.get<float>());
}

void check_channels(std::vector<float>& values, std::size_t channels, const char* name,
                    const std::string& where) {
  if (values.size() == 1) values.resize(channels, values[0]);
  if (values.size() == channels) return;
  throw Error(ErrorCode::usage,
              fmt::format("{} has {} values for {} {}; give one, or one per channel", name, values.size(),
                          channels, channels == 1 ? "channel (gray)" : "channels"),
              where);
}

}  // namespace

PreprocessingFields::PreprocessingFields(const json& json, std::string where)
    : json_(json), where_(std::move(where)) {
  if (!json.is_object())
    throw Error(ErrorCode::usage, "a preprocessing is a JSON object, and this is none", where_);
}

void PreprocessingFields::fail(const char* name, const std::string& expected) const {
  std::string value = json_.at(name).dump(-1, ' ', false, json::error_handler_t::replace);
  if (value.size() > 60) value = value.substr(0, 57) + "...";
  throw Error(ErrorCode::usage, fmt::format("\"{}\" is {}; it must be {}", name, value, expected), where_);
}

void PreprocessingFields::allow_only(std::initializer_list<std::string_view> known) const {
  for (const auto& [name, value] : json_.items()) {
    if (std::ranges::find(known, name) == known.end()) {
      throw Error(
          ErrorCode::usage,
          fmt::format("there is no \"{}\" in a preprocessing; there are {}", name, fmt::join(known, ", ")),
          where_);
    }
  }
}

void PreprocessingFields::require(const char* name) const {
  if (!has(name)) throw Error(ErrorCode::usage, fmt::format("\"{}\" is missing", name), where_);
}

int PreprocessingFields::integer(const char* name, std::int64_t least, std::int64_t most) const {
  const json& value = json_.at(name);
  const bool valid = value.is_number_integer() && value.get<std::int64_t>() >= least &&
                     value.get<std::int64_t>() <= most &&
                     (!value.is_number_unsigned() || value.get<std::uint64_t>() <= std::uint64_t(most));
  if (!valid) fail(name, fmt::format("an integer from {} to {}", least, most));
  return value.get<int>();
}

bool PreprocessingFields::boolean(const char* name) const {
  if (!json_.at(name).is_boolean()) fail(name, "true or false");
  return json_.at(name).get<bool>();
}

std::string PreprocessingFields::text(const char* name) const {
  if (!json_.at(name).is_string()) fail(name, "a string");
  return json_.at(name).get<std::string>();
}

double PreprocessingFields::number(const char* name) const {
  if (!is_finite_float(json_.at(name))) fail(name, "a number");
  return json_.at(name).get<double>();
}

std::vector<float> PreprocessingFields::channels(const char* name) const {
  const json& value = json_.at(name);
  if (is_finite_float(value)) return {value.get<float>()};
  const bool valid = value.is_array() && (value.size() == 1 || value.size() == 3) &&
                     std::ranges::all_of(value, is_finite_float);
  if (!valid) fail(name, "a list of one number per channel");
  return value.get<std::vector<float>>();
}

std::pair<int, int> PreprocessingFields::size(const char* name) const {
  const json& value = json_.at(name);
  const auto plausible = [](const json& side) {
    return side.is_number_integer() && side.get<std::int64_t>() >= 1 &&
           side.get<std::int64_t>() <= kLargestSide;
  };
  if (plausible(value)) return {value.get<int>(), value.get<int>()};
  const std::size_t count = value.is_array() ? value.size() : 0;
  if ((count != 2 && count != 3) || !plausible(value[count - 1]) || !plausible(value[count - 2])) {
    fail(name,
         fmt::format("N, [height, width] or [channels, height, width], each from 1 to {}", kLargestSide));
  }
  return {value[count - 2].get<int>(), value[count - 1].get<int>()};
}

std::pair<ResizeLibrary, Interpolation> PreprocessingFields::interpolation(const char* name) const {
  const json& value = json_.at(name);
  if (value.is_number_integer()) {
    if (const auto found = pillow_constant(value.get<std::int64_t>())) return {ResizeLibrary::pillow, *found};
  }
  if (value.is_string()) {
    std::string word = value.get<std::string>();
    // str(InterpolationMode.BILINEAR), as training scripts store it
    if (const std::size_t dot = word.rfind('.'); dot != std::string::npos) word = word.substr(dot + 1);
    if (const auto found = parse_interpolation(word)) return *found;
  }
  fail(name, fmt::format("one of {}", kInterpolationWords));
}

void check_values(Preprocessing& p, const std::string& where) {
  const auto channels = static_cast<std::size_t>(channel_count(p));
  check_channels(p.mean, channels, "mean", where);
  check_channels(p.deviation, channels, "std", where);
  if (std::ranges::any_of(p.deviation, [](float d) { return !std::isfinite(d) || d == 0; }) ||
      std::ranges::any_of(p.mean, [](float m) { return !std::isfinite(m); }))
    throw Error(ErrorCode::usage, "mean and std must be finite, and std not 0: pixels are divided by it",
                where);
  for (std::size_t c = 0; c < channels; ++c) {
    for (const float pixel : {0.0F, 255.0F}) {  // as normalize() computes it
      if (std::isfinite((pixel / static_cast<float>(p.divisor) - p.mean[c]) / p.deviation[c])) continue;
      throw Error(ErrorCode::usage,
                  fmt::format("with scale {}, mean {} and std {} a pixel of {} has no value in float32",
                              scale_text(p.divisor), p.mean[c], p.deviation[c], pixel),
                  where);
    }
  }
  const float largest = static_cast<float>(255 / p.divisor);
  for (const float mean : p.mean) {
    if (std::abs(mean) > largest) {
      throw Error(
          ErrorCode::usage,
          fmt::format("a mean of {} lies beyond the pixels, which scale {} takes to 0..{}; is the scale 1?",
                      mean, scale_text(p.divisor), largest),
          where);
    }
  }
}

}  // namespace calib8
