#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "read/modules/forward_builder.h"

namespace calib8 {

/// `x` with elements around its last dimensions: `pads` has those before all of these dimensions and then
/// those behind (negative ones take elements away), `mode` is a word of torch.nn's padding_mode, and `value`
/// what "zeros" puts there. Fails with ErrorCode::model for other words.
OnnxValueId pad(ForwardBuilder& build, const PickledModule& self, OnnxValueId x,
                const std::vector<std::int64_t>& pads, const std::string& mode, double value = 0);

}  // namespace calib8
