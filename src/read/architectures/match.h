#pragma once

#include <optional>
#include <string>
#include <vector>

#include "read/architectures/architecture.h"
#include "read/state_dict.h"

namespace calib8 {

/// Where a backbone's first tensor stands.
struct Stem {
  std::string prefix;         ///< Before the backbone's names: "backbone.", or empty.
  std::int64_t channels = 3;  ///< That it takes.
};

/// Finds the stem by its name and by what must stand beside it; the default where there is none.
Stem find_stem(const StateDict& tensors);

/// Height and width, in pixels, of the image that a vision transformer's position embedding is for, where it
/// is square; nothing for other networks.
std::optional<std::int64_t> side_of_position_embedding(const StateDict& tensors);

/// The architectures' differences from a state_dict: how many tensors disagree, and the first of them in
/// words.
struct Mismatch {
  std::size_t count = 0;
  std::vector<std::string> first;  ///< At most three, e.g. "conv1.weight is missing".
};

/// Holds a builder's list of expected tensors against those that are there (`num_batches_tracked` is
/// ignored).
Mismatch compare_tensors(const std::vector<ExpectedTensor>& expected, const StateDict& tensors);

}  // namespace calib8
