#include "pipeline/readers/class_names.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace calib8 {
namespace {

using nlohmann::json;

constexpr std::array<const char*, 10> kByIndex = {"class_names", "classes",   "names",        "labels",
                                                  "label_names", "id2label",  "idx_to_class", "idx2class",
                                                  "categories",  "class_list"};
constexpr std::array<const char*, 5> kByName = {"class_to_idx", "label2id", "class2idx", "class_to_id",
                                                "classes_to_idx"};
constexpr std::size_t kMostClasses = 1'000'000;

std::optional<std::size_t> index_in(const std::string& text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool valid = error == std::errc() && end == text.data() + text.size() && value < kMostClasses;
  return valid ? std::optional(value) : std::nullopt;
}

/// Puts a name at its index; false where that is taken.
bool put(std::vector<std::string>& names, std::size_t index, const std::string& name) {
  if (index >= kMostClasses) return false;
  if (names.size() <= index) names.resize(index + 1);
  if (!names[index].empty()) return false;
  names[index] = name;
  return true;
}

std::vector<std::string> by_index(const json& value) {
  std::vector<std::string> names;
  if (value.is_array()) {
    for (const json& item : value) {
      if (!item.is_string()) return {};
      names.push_back(item.get<std::string>());
    }
  } else if (value.is_object()) {
    for (const auto& [key, name] : value.items()) {
      const auto index = index_in(key);
      if (!index || !name.is_string() || !put(names, *index, name.get<std::string>())) return {};
    }
  }
  return names;
}

std::vector<std::string> by_name(const json& value) {
  std::vector<std::string> names;
  if (!value.is_object()) return names;
  for (const auto& [name, index] : value.items()) {
    if (!index.is_number_unsigned() && !(index.is_number_integer() && index.get<std::int64_t>() >= 0))
      return {};
    if (!put(names, index.get<std::size_t>(), name)) return {};
  }
  return names;
}

bool is_whole(const std::vector<std::string>& names) {
  return names.size() > 1 && std::ranges::none_of(names, &std::string::empty);
}

class LiteralParser {
 public:
  explicit LiteralParser(std::string_view text) : text_(text) {}

  std::optional<json> parse() {
    auto value = parse_value(0);
    skip_blanks();
    return value && text_.empty() ? value : std::nullopt;
  }

 private:
  static constexpr int kDeepest = 20;

  std::optional<json> parse_value(int depth) {
    skip_blanks();
    if (text_.empty() || depth > kDeepest) return std::nullopt;
    const char first = text_.front();
    if (first == '{') return parse_dict(depth);
    if (first == '[' || first == '(') return parse_list(depth, first == '[' ? ']' : ')');
    if (first == '\'' || first == '"') return parse_string();
    return parse_word();
  }

  std::optional<json> parse_dict(int depth) {
    json dict = json::object();
    text_.remove_prefix(1);
    while (!take('}')) {
      const auto key = parse_value(depth + 1);
      if (!key || !take(':')) return std::nullopt;
      auto value = parse_value(depth + 1);
      if (!value) return std::nullopt;
      dict[key->is_string() ? key->get<std::string>() : key->dump()] = *std::move(value);
      if (!take(',') && !next_is('}')) return std::nullopt;
    }
    return dict;
  }

  std::optional<json> parse_list(int depth, char end) {
    json list = json::array();
    text_.remove_prefix(1);
    while (!take(end)) {
      auto value = parse_value(depth + 1);
      if (!value) return std::nullopt;
      list.push_back(*std::move(value));
      if (!take(',') && !next_is(end)) return std::nullopt;
    }
    return list;
  }

  std::optional<json> parse_string() {
    const char quote = text_.front();
    std::string value;
    for (std::size_t i = 1; i < text_.size(); ++i) {
      if (text_[i] == quote) {
        text_.remove_prefix(i + 1);
        return value;
      }
      if (text_[i] == '\\' && i + 1 < text_.size()) ++i;
      value += text_[i];
    }
    return std::nullopt;
  }

  std::optional<json> parse_word() {
    const std::size_t end = std::min(text_.find_first_of(",:]}) \t\n"), text_.size());
    const std::string word(text_.substr(0, end));
    text_.remove_prefix(end);
    if (word == "None" || word == "null") return json();
    if (word == "True" || word == "true") return json(true);
    if (word == "False" || word == "false") return json(false);
    json number = json::parse(word, nullptr, false);
    return number.is_number() ? std::optional(number) : std::nullopt;
  }

  void skip_blanks() { text_.remove_prefix(std::min(text_.find_first_not_of(" \t\r\n"), text_.size())); }
  bool next_is(char c) {
    skip_blanks();
    return !text_.empty() && text_.front() == c;
  }
  bool take(char c) {
    if (!next_is(c)) return false;
    text_.remove_prefix(1);
    return true;
  }

  std::string_view text_;
};

}  // namespace

std::vector<std::string> class_names_in(const json& values) {
  if (!values.is_object()) return {};
  for (const char* key : kByName) {
    const auto found = values.find(key);
    if (found == values.end()) continue;
    if (auto names = by_name(*found); is_whole(names)) return names;
  }
  for (const char* key : kByIndex) {
    const auto found = values.find(key);
    if (found == values.end()) continue;
    if (auto names = by_index(*found); is_whole(names)) return names;
  }
  return {};
}

std::optional<json> parse_literal(std::string_view text) {
  return LiteralParser(text).parse();
}

}  // namespace calib8
