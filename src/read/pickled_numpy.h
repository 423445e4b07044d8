#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>

#include "container/pickle.h"

namespace calib8 {

/// The values of a NumPy scalar (one number) or array (nested arrays).
struct NumpyValues {
  nlohmann::json values;
  std::size_t count = 0;
};

/// A pickled NumPy scalar or array of bools, integers or floats in either byte order, or a dtype (its name as
/// a string). Nothing for other types, for more than `limit` elements and where it is not well formed.
std::optional<NumpyValues> read_pickled_numpy(const Pickle& pickle, PickleId id, std::size_t limit);

}  // namespace calib8
