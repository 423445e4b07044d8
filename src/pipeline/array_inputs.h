#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "array_samples/array_file.h"
#include "discover/discover.h"

namespace calib8 {

/// The inputs that arrays on disk are for, where no model says them: those of the first file that can be
/// read. The first axis counts samples where the listing is one file, where arrays have four dimensions, or
/// where it is 1; else a file is one sample. Where `size` (height, width) is given, arrays of images with
/// channels first are told by it. Fails with ErrorCode::dataset where no file can be read, and
/// ErrorCode::usage where `size` is none of the arrays'.
std::vector<ArrayInput> infer_array_inputs(const DatasetListing& listing,
                                           const std::optional<std::pair<std::int64_t, std::int64_t>>& size);

}  // namespace calib8
