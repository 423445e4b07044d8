#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace calib8 {

/// An object of JSON text from anywhere, member by member: what is there must have the type that is asked
/// for. Fails with ErrorCode::model, and names the member by its path.
class JsonFields {
 public:
  /// Parses a text that must be one object, of at most 64 levels. `where` names it in errors.
  static JsonFields parse(std::string_view text, const std::string& where);

  bool has(std::string_view name) const { return json_.contains(name); }
  bool is_null(std::string_view name) const { return has(name) && json_.find(name)->is_null(); }

  std::string text(std::string_view name) const;
  double number(std::string_view name) const;
  std::uint64_t count(std::string_view name) const;  ///< A whole number, not negative.
  bool truth(std::string_view name) const;
  JsonFields object(std::string_view name) const;
  std::vector<JsonFields> objects(std::string_view name) const;
  std::vector<double> numbers(std::string_view name, std::size_t size) const;
  std::vector<std::string> texts(std::string_view name) const;

  std::string text_or(std::string_view name, std::string otherwise) const;
  std::uint64_t count_or(std::string_view name, std::uint64_t otherwise) const;

  /// All of it, as it was but for spaces.
  std::string printed() const;

  /// How many elements a list has; 0 where it isn't there.
  std::size_t length(std::string_view name) const;

  /// Fails: the member's value `message`, "is none of a, b".
  [[noreturn]] void refuse(std::string_view name, const std::string& message) const;

 private:
  JsonFields(const nlohmann::json& json, std::string where, std::string path)
      : json_(json), where_(std::move(where)), path_(std::move(path)) {}

  const nlohmann::json& member(std::string_view name, const char* type,
                               bool (*is_type)(const nlohmann::json&)) const;
  nlohmann::json json_;
  std::string where_, path_;  ///< The text's name, and this object's place in it with a dot behind.
};

}  // namespace calib8
