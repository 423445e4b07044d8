#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <set>
#include <span>

#include "samples/sample.h"

namespace calib8 {

/// What verification and calibration have in common, told by what the samples hold and not by their names.
struct Overlap {
  std::size_t samples = 0;  ///< Samples of the verification that calibrate, too; 0 where it is held out.
  /// Sample i of the verification is sample i of the calibration, for all of its samples: what calibration
  /// computed for its first ones needn't be computed again.
  bool is_beginning = false;
};

/// `calibration` and `verification` hold a hash of each sample.
template <class Hash>
Overlap find_overlap(std::span<const Hash> calibration, std::span<const Hash> verification) {
  const std::set<Hash> calibrating(calibration.begin(), calibration.end());
  Overlap overlap;
  for (const Hash& hash : verification) overlap.samples += calibrating.contains(hash) ? 1 : 0;
  overlap.is_beginning = !verification.empty() && verification.size() <= calibration.size() &&
                         std::equal(verification.begin(), verification.end(), calibration.begin());
  return overlap;
}

/// Samples by what they are for. No sample of `selection` is in another set.
template <class Source>
struct SampleSets {
  std::shared_ptr<const Source> calibration;   ///< What ranges are chosen from.
  std::shared_ptr<const Source> selection;     ///< What candidates are compared on; empty unless asked for.
  std::shared_ptr<const Source> verification;  ///< What the result is measured on, and nothing is chosen by.
  Overlap overlap;                             ///< Of verification with calibration.

  /// The same for who runs models and doesn't care where samples come from.
  operator SampleSets<SampleSource>() const  // NOLINT: a view of the same
    requires(!std::is_same_v<Source, SampleSource>)
  {
    return {calibration, selection, verification, overlap};
  }
};

}  // namespace calib8
