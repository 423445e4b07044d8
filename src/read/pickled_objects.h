#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "container/pickle.h"

namespace calib8 {

/// The text of a str; nothing for other values.
std::optional<std::string_view> string_in(const Pickle& pickle, PickleId id);

/// The value of an int or bool; nothing for other values and for ints beyond 64 bits.
std::optional<std::int64_t> integer_in(const Pickle& pickle, PickleId id);

/// The items of a tuple or list, also of a torch.Size; nullptr for other values.
const std::vector<PickleId>* items_in(const Pickle& pickle, PickleId id);

/// The class or function that an object was made by (for one made by copyreg's _reconstructor: the class);
/// nullptr for other values.
const PickleGlobal* maker_of(const Pickle& pickle, PickleId id);

/// The arguments that an object was made with; empty for other values.
const std::vector<PickleId>& arguments_of(const Pickle& pickle, PickleId id);

/// Whether the value is an object made by module.name.
bool is_made_by(const Pickle& pickle, PickleId id, std::string_view module, std::string_view name);

/// The entries of a dict, OrderedDict, defaultdict or Counter, in order; nothing for other values.
std::optional<PickleEntries> entries_in(const Pickle& pickle, PickleId id);

/// The value under a str key of such entries, the last where there are several; nothing where there is none.
std::optional<PickleId> value_under(const Pickle& pickle, const PickleEntries& entries, std::string_view key);

/// The bytes of a bytes or bytearray object or of a Python 2 str, also of one that protocol 2 writes as a
/// call on a str in Latin-1; nothing for other values, and for more than `largest` bytes.
std::optional<std::string> bytes_in(const Pickle& pickle, PickleId id, std::size_t largest);

}  // namespace calib8
