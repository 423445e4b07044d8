#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"

namespace calib8 {

/// What the file is, and what to do, where it begins like a format that calib8 doesn't read and that is often
/// given by mistake: HDF5 (Keras), a tar file (PyTorch before 0.2), GGUF, gzip, a Git LFS
/// pointer, a web page, a pickle without torch.save. Nothing for all other bytes.
std::optional<std::string> advice_for_foreign_format(ByteView bytes);

}  // namespace calib8
