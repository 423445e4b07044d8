#pragma once

#include <nlohmann/json.hpp>
#include <optional>

#include "container/pickle.h"

namespace calib8 {

/// A pickled datetime.datetime, date or time in ISO 8601, timedelta in seconds, timezone as its offset
/// ("+02:00"). Nothing where it is not well formed.
std::optional<nlohmann::json> read_pickled_time(const Pickle& pickle, PickleId id);

}  // namespace calib8
