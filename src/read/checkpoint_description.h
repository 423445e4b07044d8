#pragma once

#include <nlohmann/json.hpp>

#include "read/state_dict.h"

namespace calib8 {

/// A checkpoint for reading by people and programs: {"found_at", "prefix", "config", "tensors": [{"name",
/// "dtype", "shape", "sha256"}...]}, where sha256 is that of the contiguous little-endian elements.
nlohmann::json describe_checkpoint(const Checkpoint& checkpoint);

}  // namespace calib8
