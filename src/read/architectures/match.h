#pragma once

#include <optional>
#include <string>
#include <vector>

#include "read/architectures/architecture.h"
#include "read/state_dict.h"

namespace calib8 {

/// A linear layer of a head, by its module's full name.
struct HeadLayer {
  std::string module;
  std::int64_t in_features, out_features;
};

/// How the tensors of a state_dict are laid out around the backbone.
struct Surroundings {
  std::string prefix;  ///< Before the backbone's names: "backbone.", or empty.
  std::vector<HeadLayer>
      head;  ///< A head of its own beside the backbone; empty: the architecture's classifier.
};

/// Finds prefix and head from the names alone. Fails with ErrorCode::model where there is a head whose layers
/// can't be known from its weights.
Surroundings find_surroundings(const StateDict& tensors);

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
