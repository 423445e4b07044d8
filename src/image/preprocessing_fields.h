#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "image/preprocess.h"
#include "image/preprocessing_names.h"

namespace calib8 {

/// Largest height or width, in pixels.
inline constexpr std::int64_t kLargestSide = 16384;

/// The members of a JSON object, each checked as it is read. All failures are ErrorCode::usage with the
/// object's place and the member's name.
class PreprocessingFields {
 public:
  /// Fails where `json` is no object. It must outlive this one.
  PreprocessingFields(const nlohmann::json& json, std::string where);

  /// Whether the member is there and not null.
  bool has(const char* name) const { return json_.contains(name) && !json_.at(name).is_null(); }
  const nlohmann::json& at(const char* name) const { return json_.at(name); }

  /// Fails where the member isn't there.
  void require(const char* name) const;
  /// Fails where the member isn't an integer within the bounds.
  int integer(const char* name, std::int64_t least, std::int64_t most) const;
  bool boolean(const char* name) const;
  std::string text(const char* name) const;
  double number(const char* name) const;
  /// A list of 1 or 3 finite numbers, or a number alone.
  std::vector<float> channels(const char* name) const;
  /// The last two of a list's two or three sizes: height and width. A number stands for both.
  std::pair<int, int> size(const char* name) const;
  std::pair<ResizeLibrary, Interpolation> interpolation(const char* name) const;

  [[noreturn]] void fail(const char* name, const std::string& expected) const;
  /// Fails where there is a member whose name isn't among `known`.
  void allow_only(std::initializer_list<std::string_view> known) const;

  const std::string& where() const { return where_; }

 private:
  const nlohmann::json& json_;
  std::string where_;
};

/// Fails with ErrorCode::usage where mean and std don't fit the channels or the scale, or a std is 0; a
/// single value stands for all channels.
void check_values(Preprocessing& preprocessing, const std::string& where);

}  // namespace calib8
