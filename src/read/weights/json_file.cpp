#include "read/weights/json_file.h"

#include "calib8/error.h"
#include "container/byte_cursor.h"

namespace calib8 {
namespace {

using nlohmann::json;

constexpr std::size_t largest = 100'000'000;
constexpr int deepest = 64;

}  // namespace

json parse_json_object(const Data& file, const std::string& where) {
  if (file.size() > largest)
    throw Error(ErrorCode::model, "is larger than 100 MB: this is no description", where);
  const auto check_depth = [&](int depth, json::parse_event_t, json&) {
    if (depth > deepest) throw Error(ErrorCode::model, "is nested more than 64 levels deep", where);
    return true;
  };
  json parsed = json::parse(text_of(file.bytes()), check_depth, false);
  if (!parsed.is_object()) throw Error(ErrorCode::model, "isn't JSON of one object", where);
  return parsed;
}

}  // namespace calib8
