#include "read/plain_values.h"

#include "base/text.h"
#include "calib8/error.h"
#include "container/pickle_text.h"
#include "read/pickled_numpy.h"
#include "read/pickled_objects.h"
#include "read/pickled_time.h"

namespace calib8 {
namespace {

using Json = nlohmann::json;

/// An int beyond 64 bits: a number where it fits an unsigned one, otherwise hexadecimal (two's complement)
/// digits.
Json read_big_integer(std::string_view bytes) {
  if (bytes.size() == 9 && bytes.back() == '\0') {
    std::uint64_t value = 0;
    for (std::size_t i = 8; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
  }
  constexpr std::size_t longest = 64;
  if (bytes.size() > longest) return nullptr;
  std::string digits = "0x";
  for (std::size_t i = bytes.size(); i-- > 0;) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    digits.push_back("0123456789abcdef"[byte >> 4]);
    digits.push_back("0123456789abcdef"[byte & 15]);
  }
  return digits;
}

bool is_builtin(const PickleGlobal& maker, std::string_view name) {
  return (maker.module == "builtins" || maker.module == "__builtin__") && maker.name == name;
}

}  // namespace

std::optional<Json> PlainValueReader::read(PickleId id) {
  spend(1, 0);
  if (++depth_ > limits_.depth)
    throw Error(ErrorCode::model,
                "the plain values beside the state_dict are nested too deeply: save flatter ones", where_);
  std::optional<Json> json;
  const PickleValue& value = pickle_[id];
  if (std::holds_alternative<std::monostate>(value)) {
    json = nullptr;
  } else if (const auto* boolean = std::get_if<bool>(&value)) {
    json = *boolean;
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    json = *integer;
  } else if (const auto* big = std::get_if<PickleBigInteger>(&value)) {
    json = read_big_integer(big->bytes);
  } else if (const auto* real = std::get_if<double>(&value)) {
    json = *real;
  } else if (const auto* string = std::get_if<PickleString>(&value)) {
    spend(0, string->text.size());
    json = valid_utf8(string->text);
  } else if (const auto* bytes = std::get_if<PickleBytes>(&value)) {
    spend(0, bytes->bytes.size());
    json = latin1_to_utf8(bytes->bytes);
  } else if (const auto* items = items_in(pickle_, id)) {
    json = read_array(*items);
  } else if (const auto* set = std::get_if<PickleSet>(&value)) {
    json = read_array(set->items);
  } else if (const auto entries = entries_in(pickle_, id)) {
    json = read_entries(*entries);
  } else if (const auto* global = std::get_if<PickleGlobal>(&value)) {
    json = valid_utf8(global->name);
  } else if (std::holds_alternative<PickleObject>(value)) {
    json = read_object(id);
  }
  --depth_;
  return json;
}

std::optional<Json> PlainValueReader::read_object(PickleId id) {
  const PickleGlobal* maker = maker_of(pickle_, id);
  if (!maker) return std::nullopt;
  const auto& object = *pickle_.get_if<PickleObject>(id);
  const auto& arguments = arguments_of(pickle_, id);
  spend(arguments.size(), 0);
  if (maker->module == "argparse") {
    const auto entries = object.state ? entries_in(pickle_, *object.state) : std::nullopt;
    return entries ? read_entries(*entries) : Json::object();
  }
  if (maker->module.starts_with("pathlib")) return read_path(arguments);
  if (maker->module == "datetime") return read_pickled_time(pickle_, id);
  if (maker->module.starts_with("numpy")) {
    const auto array = read_pickled_numpy(pickle_, id, limits_.values - values_);
    if (array) spend(array->count, 0);
    return array ? std::optional<Json>(array->values) : std::nullopt;
  }
  if (maker->module == "_codecs" || is_builtin(*maker, "bytes") || is_builtin(*maker, "bytearray")) {
    const auto bytes = bytes_in(pickle_, id, limits_.text - text_);
    if (bytes) spend(0, bytes->size());
    return bytes ? std::optional<Json>(latin1_to_utf8(*bytes)) : std::nullopt;
  }
  for (const std::string_view kind : {"set", "frozenset", "list", "tuple"}) {
    if (!is_builtin(*maker, kind)) continue;
    const auto* items = arguments.empty() ? nullptr : items_in(pickle_, arguments[0]);
    return read_array(items ? *items : object.items);
  }
  if (is_builtin(*maker, "complex")) return read_array(arguments);
  if (maker->module == "torch" && maker->name == "device") return read_device(arguments);
  return std::nullopt;
}

Json PlainValueReader::read_array(const std::vector<PickleId>& items) {
  Json array = Json::array();
  for (const PickleId item : items) array.push_back(read(item).value_or(nullptr));
  return array;
}

Json PlainValueReader::read_entries(const PickleEntries& entries) {
  Json object = Json::object();
  for (const auto& [key, value] : entries) {
    auto json = read(value);
    if (json) object[read_key(key)] = std::move(*json);
  }
  return object;
}

std::string PlainValueReader::read_key(PickleId id) {
  const Json key = read(id).value_or(nullptr);
  return key.is_string() ? key.get<std::string>() : key.dump();
}

std::string PlainValueReader::read_path(const std::vector<PickleId>& parts) {
  std::string path;
  for (const PickleId part : parts) {
    const std::string_view text = string_in(pickle_, part).value_or("");
    spend(0, text.size());
    if (!path.empty() && !path.ends_with('/') && !path.ends_with('\\')) path.push_back('/');
    path += valid_utf8(text);
  }
  return path.empty() ? "." : path;
}

/// torch.device("cuda", 0) as "cuda:0".
std::string PlainValueReader::read_device(const std::vector<PickleId>& arguments) {
  std::string device;
  for (const PickleId argument : arguments) {
    if (const auto kind = string_in(pickle_, argument)) {
      spend(0, kind->size());
      device += valid_utf8(*kind);
    } else if (const auto index = integer_in(pickle_, argument)) {
      device += ':';
      device += std::to_string(*index);
    }
  }
  return device;
}

void PlainValueReader::spend(std::size_t values, std::size_t text) {
  if (values > limits_.values - values_ || text > limits_.text - text_)
    throw Error(ErrorCode::model, "the plain values beside the state_dict are too many: save fewer", where_);
  values_ += values;
  text_ += text;
}

}  // namespace calib8
