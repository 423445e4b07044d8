#pragma once

#include <cstddef>
#include <optional>

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
///   cubed, not squared: the few large values that a range cuts off matter more to what follows than their
///   squares say (Li et al. 2021, "BRECQ", takes the power of 2.4; docs/design.md has the measurement that
///   chose 3).
///
/// `observed` is the exact range over all samples, `histogram` counts (a part of) the values; both of one
/// tensor. Without counts the observed range is the answer.
Range choose_range(CalibrationMethod method, Range observed, const Histogram& histogram,
                   DType activations = DType::int8);

/// Room for what few samples didn't show, 32 at most: where `chosen` ends with what was `observed`, it is
/// widened by the observed width divided by samples - 1, as the largest of that many evenly spread values
/// lies below the end of what they are spread over. With more samples room would coarsen every step by more
/// than the rare value beyond is worth. An end that was cut off deliberately stays, and so does one at zero
/// or at `bound` (the 6 of RELU6): there a kernel cuts off. `samples` is at least 1.
Range with_room(Range chosen, Range observed, std::size_t samples, std::optional<float> bound = {});

}  // namespace calib8
