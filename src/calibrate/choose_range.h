#pragma once

#include "base/range.h"
#include "calibrate/histogram.h"

namespace calib8 {

/// How the range of an activation is chosen from what was observed.
enum class RangeMethod {
  minmax,      ///< All that was seen.
  percentile,  ///< Between the 0.01th and the 99.99th percentile.
  mse,  ///< The least mean squared error of the int8 values (as in Banner et al. 2019, "ACIQ", but searched).
};

/// `observed` is the exact range over all samples, `histogram` counts (a part of) the values; both of one
/// tensor. Without counts the observed range is the answer.
Range choose_range(RangeMethod method, Range observed, const Histogram& histogram);

}  // namespace calib8
