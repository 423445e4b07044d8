#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "container/pickle.h"

namespace calib8 {

/// The bytes of a bytes object, a Python 2 str, or a str that _codecs.encode(..., "latin1") would turn into
/// bytes, as protocol 2 writes them; nothing for other values, and for more than `largest` bytes.
std::optional<std::string> bytes_in(const Pickle& pickle, PickleId id, std::size_t largest);

/// A pickled datetime.datetime, date or time in ISO 8601, timedelta in seconds, timezone as its offset
/// ("+02:00"). Nothing where it is not well formed.
std::optional<nlohmann::json> read_pickled_time(const Pickle& pickle, PickleId id);

}  // namespace calib8
