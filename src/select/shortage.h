#pragma once

#include <fmt/format.h>

#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "calib8/error.h"
#include "samples/sample_sets.h"
#include "select/draw.h"

namespace calib8 {

/// How many samples each set has.
struct SetSizes {
  std::size_t calibration = 0, verification = 0, selection = 0;
};

/// What a person should know of sets that have less than was asked for, or share samples: one sentence each.
/// `what` is the plural of a sample.
std::vector<std::string> shortage_notes(const DrawRequest& request, const SetSizes& sizes,
                                        const Overlap& overlap, std::string_view what);
std::vector<std::string> overlap_notes(const SetSizes& sizes, const Overlap& overlap, std::string_view what);

template <class Source>
SetSizes sizes_of(const SampleSets<Source>& sets) {
  return {sets.calibration->size(), sets.verification->size(), sets.selection->size()};
}

/// Fails with ErrorCode::dataset where a sample of the selection is in another set; `place` names it. All
/// sets are given as a hash of each sample.
template <class Hash>
void require_set_apart(std::span<const Hash> selection, std::span<const Hash> calibration,
                       std::span<const Hash> verification,
                       const std::function<std::string(std::size_t index)>& place) {
  std::set<Hash> others(calibration.begin(), calibration.end());
  others.insert(verification.begin(), verification.end());
  for (std::size_t i = 0; i < selection.size(); ++i) {
    if (!others.contains(selection[i])) continue;
    throw Error(ErrorCode::dataset,
                "is in the list's selection and in another of its sets: what candidates are compared on may "
                "neither calibrate nor verify",
                place(i));
  }
}

}  // namespace calib8
