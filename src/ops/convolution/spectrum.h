#pragma once

#include <vector>

#include "ops/lowering.h"

namespace calib8 {

/// DFT and STFT: products with constant matrices of cosines and sines.

std::vector<OnnxType> infer_dft(const NodeView& view);
std::vector<OnnxType> infer_stft(const NodeView& view);
Refusal lower_dft(Lowering& lowering);
Refusal lower_stft(Lowering& lowering);

}  // namespace calib8
