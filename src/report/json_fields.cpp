#include "report/json_fields.h"

#include <fmt/format.h>

#include "base/text.h"
#include "calib8/error.h"

namespace calib8 {
namespace {

using nlohmann::json;

constexpr int most_levels = 64;  // what walks over a value calls itself once a level

}  // namespace

JsonFields JsonFields::parse(std::string_view text, const std::string& where) {
  const auto check_level = [&](int level, json::parse_event_t, json&) {
    if (level > most_levels)
      throw Error(ErrorCode::model, fmt::format("is JSON of more than {} levels", most_levels), where);
    return true;
  };
  const json value = json::parse(text.begin(), text.end(), check_level, false);
  if (value.is_discarded()) throw Error(ErrorCode::model, "begins as JSON does, but is none", where);
  if (!value.is_object()) throw Error(ErrorCode::model, "is JSON, but not an object", where);
  return {value, where, ""};
}

void JsonFields::refuse(std::string_view name, const std::string& message) const {
  throw Error(ErrorCode::model,
              fmt::format("is not the metadata that calib8 writes: {} {}",
                          printable(path_ + std::string(name)), message),
              where_);
}

const json& JsonFields::member(std::string_view name, const char* type, bool (*is_type)(const json&)) const {
  const auto found = json_.find(name);
  if (found == json_.end()) refuse(name, "is missing");
  if (!is_type(*found)) refuse(name, fmt::format("is not {}", type));
  return *found;
}

std::string JsonFields::text(std::string_view name) const {
  return member(name, "a text", [](const json& value) { return value.is_string(); }).get<std::string>();
}

double JsonFields::number(std::string_view name) const {
  return member(name, "a number", [](const json& value) { return value.is_number(); }).get<double>();
}

std::uint64_t JsonFields::count(std::string_view name) const {
  return member(name, "a count", [](const json& value) { return value.is_number_unsigned(); })
      .get<std::uint64_t>();
}

bool JsonFields::truth(std::string_view name) const {
  return member(name, "true or false", [](const json& value) { return value.is_boolean(); }).get<bool>();
}

JsonFields JsonFields::object(std::string_view name) const {
  const json& found = member(name, "an object", [](const json& value) { return value.is_object(); });
  return {found, where_, path_ + std::string(name) + "."};
}

std::vector<JsonFields> JsonFields::objects(std::string_view name) const {
  std::vector<JsonFields> objects;
  for (const json& element : member(name, "a list", [](const json& value) { return value.is_array(); })) {
    if (!element.is_object()) refuse(name, "is not a list of objects");
    objects.push_back({element, where_, path_ + std::string(name) + "[]."});
  }
  return objects;
}

std::vector<double> JsonFields::numbers(std::string_view name, std::size_t size) const {
  const json& list = member(name, "a list", [](const json& value) { return value.is_array(); });
  std::vector<double> numbers;
  for (const json& element : list) {
    if (element.is_number()) numbers.push_back(element.get<double>());
  }
  if (list.size() != size || numbers.size() != size)
    refuse(name, fmt::format("is not a list of {} numbers", size));
  return numbers;
}

std::vector<std::string> JsonFields::texts(std::string_view name) const {
  std::vector<std::string> texts;
  for (const json& element : member(name, "a list", [](const json& value) { return value.is_array(); })) {
    if (!element.is_string()) refuse(name, "is not a list of texts");
    texts.push_back(element.get<std::string>());
  }
  return texts;
}

std::string JsonFields::text_or(std::string_view name, std::string otherwise) const {
  return has(name) ? text(name) : std::move(otherwise);
}

std::uint64_t JsonFields::count_or(std::string_view name, std::uint64_t otherwise) const {
  return has(name) ? count(name) : otherwise;
}

std::string JsonFields::printed() const {
  return json_.dump(1) + "\n";
}

std::size_t JsonFields::length(std::string_view name) const {
  if (!has(name)) return 0;
  return member(name, "a list", [](const json& value) { return value.is_array(); }).size();
}

}  // namespace calib8
