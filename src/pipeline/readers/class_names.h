#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace calib8 {

/// The names of a model's classes, by the index of its output, as files of models hold them: "class_names",
/// "classes", "names", "labels", "label_names" as a list or as an object from index to name ({"0": "cat"}),
/// "class_to_idx" and "label2id" from name to index, "id2label" and "idx_to_class" from index to name. Empty
/// where `values` hold none of them, or indices have gaps.
std::vector<std::string> class_names_in(const nlohmann::json& values);

/// A value written as Python or JSON does it ("{0: 'cat', 1: 'dog'}", "[640, 640]", "32", "True"): numbers,
/// strings, lists, tuples, dicts (their keys as text), None. Nothing where it is something else, or nested
/// more than 20 deep.
std::optional<nlohmann::json> parse_literal(std::string_view text);

}  // namespace calib8
