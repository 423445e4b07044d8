#pragma once

#include "verify/verify_model.h"

namespace calib8 {

/// Times both models on one sample, one thread each, in turn, so that what else the machine does falls on
/// both alike. Ends after `seconds`, but not before three rounds. `quantized_sample` is the sample as the
/// quantized model takes it.
Latency measure_latency(const RunnableModel& float_model, const RunnableModel& quantized,
                        const Sample& sample, const Sample& quantized_sample,
                        const std::shared_ptr<const LiteRt>& litert, double seconds);

}  // namespace calib8
