#pragma once

#include "base/dtype.h"
#include "base/range.h"
#include "calib8/choices.h"
#include "calibrate/histogram.h"

namespace calib8 {

/// By the method:
///
/// - minmax: all that was seen;
/// - percentile: between the 0.01th and the 99.99th percentile;
/// - mse: the least mean error of the int8 values, searched (and all that was seen for int16). Errors are
/// cubed, not squared: the few large values
///   that a range cuts off matter more to what follows than their squares say (Li et al. 2021, "BRECQ", takes
///   the power of 2.4; docs/design.md has the measurement that chose 3).
///
/// `observed` is the exact range over all samples, `histogram` counts (a part of) the values; both of one
/// tensor. Without counts the observed range is the answer.
Range choose_range(CalibrationMethod method, Range observed, const Histogram& histogram,
                   DType activations = DType::int8);

}  // namespace calib8
