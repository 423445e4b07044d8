#include "read/pickled_objects.h"

#include <algorithm>

#include "container/pickle_text.h"

namespace calib8 {
namespace {

bool is_builtin(const PickleGlobal& global, std::string_view name) {
  return (global.module == "builtins" || global.module == "__builtin__") && global.name == name;
}

bool is_mapping(const PickleGlobal& maker) {
  return maker.module == "collections" || is_builtin(maker, "dict");
}

/// Python 2 pickles an OrderedDict as a call with a list of pairs.
void append_pairs(const Pickle& pickle, PickleId id, PickleEntries& entries) {
  const auto* pairs = items_in(pickle, id);
  if (!pairs) return;
  for (const PickleId pair : *pairs) {
    const auto* items = items_in(pickle, pair);
    if (items && items->size() == 2) entries.emplace_back((*items)[0], (*items)[1]);
  }
}

}  // namespace

std::optional<std::string_view> string_in(const Pickle& pickle, PickleId id) {
  const auto* string = pickle.get_if<PickleString>(id);
  if (!string) return std::nullopt;
  return string->text;
}

std::optional<std::int64_t> integer_in(const Pickle& pickle, PickleId id) {
  if (const auto* integer = pickle.get_if<std::int64_t>(id)) return *integer;
  if (const auto* boolean = pickle.get_if<bool>(id)) return *boolean ? 1 : 0;
  return std::nullopt;
}

const std::vector<PickleId>* items_in(const Pickle& pickle, PickleId id) {
  if (is_made_by(pickle, id, "torch", "Size")) {
    const auto& arguments = arguments_of(pickle, id);
    if (arguments.size() != 1) return nullptr;
    id = arguments[0];
  }
  if (const auto* tuple = pickle.get_if<PickleTuple>(id)) return &tuple->items;
  if (const auto* list = pickle.get_if<PickleList>(id)) return &list->items;
  return nullptr;
}

const PickleGlobal* maker_of(const Pickle& pickle, PickleId id) {
  const auto* object = pickle.get_if<PickleObject>(id);
  if (!object) return nullptr;
  const auto* maker = pickle.get_if<PickleGlobal>(object->callable);
  if (maker->name != "_reconstructor") return maker;
  const auto& arguments = arguments_of(pickle, id);
  return arguments.empty() ? maker : pickle.get_if<PickleGlobal>(arguments[0]);
}

const std::vector<PickleId>& arguments_of(const Pickle& pickle, PickleId id) {
  static const std::vector<PickleId> none;
  const auto* object = pickle.get_if<PickleObject>(id);
  return object ? pickle.get_if<PickleTuple>(object->arguments)->items : none;
}

bool is_made_by(const Pickle& pickle, PickleId id, std::string_view module, std::string_view name) {
  const PickleGlobal* maker = maker_of(pickle, id);
  return maker && maker->module == module && maker->name == name;
}

std::optional<PickleEntries> entries_in(const Pickle& pickle, PickleId id) {
  if (const auto* dict = pickle.get_if<PickleDict>(id)) return dict->entries;
  const PickleGlobal* maker = maker_of(pickle, id);
  if (!maker || !is_mapping(*maker)) return std::nullopt;
  PickleEntries entries;
  for (const PickleId argument : arguments_of(pickle, id)) {
    if (const auto* dict = pickle.get_if<PickleDict>(argument)) {  // Counter({...})
      entries.insert(entries.end(), dict->entries.begin(), dict->entries.end());
    } else {
      append_pairs(pickle, argument, entries);
    }
  }
  const auto& own = pickle.get_if<PickleObject>(id)->entries;
  entries.insert(entries.end(), own.begin(), own.end());
  return entries;
}

std::optional<PickleId> value_under(const Pickle& pickle, const PickleEntries& entries,
                                    std::string_view key) {
  const auto found = std::find_if(entries.rbegin(), entries.rend(),
                                  [&](const auto& entry) { return string_in(pickle, entry.first) == key; });
  if (found == entries.rend()) return std::nullopt;
  return found->second;
}

std::optional<std::string> bytes_in(const Pickle& pickle, PickleId id, std::size_t largest) {
  const auto bounded = [&](std::string_view bytes) {
    return bytes.size() <= largest ? std::optional<std::string>(bytes) : std::nullopt;
  };
  if (const auto* bytes = pickle.get_if<PickleBytes>(id)) return bounded(bytes->bytes);
  if (const auto string = string_in(pickle, id)) return bounded(*string);
  const PickleGlobal* maker = maker_of(pickle, id);
  if (maker && is_builtin(*maker, "bytearray") && !arguments_of(pickle, id).empty()) {
    id = arguments_of(pickle, id)[0];  // bytes, in one of their own forms
    maker = maker_of(pickle, id);
    if (const auto* bytes = pickle.get_if<PickleBytes>(id)) return bounded(bytes->bytes);
  }
  if (!maker ||
      (maker->module != "_codecs" && !is_builtin(*maker, "bytes") && !is_builtin(*maker, "bytearray")))
    return std::nullopt;
  const auto& arguments = arguments_of(pickle, id);
  if (arguments.empty()) return std::string();
  const auto text = string_in(pickle, arguments[0]);
  // A byte takes one or two bytes of UTF-8.
  if (!text || text->size() / 2 > largest) return std::nullopt;
  const auto decoded = utf8_to_latin1(*text);
  return decoded ? bounded(*decoded) : std::nullopt;
}

}  // namespace calib8
