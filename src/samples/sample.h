#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "base/tensor.h"

namespace calib8 {

/// One input of the float model: what training would have fed it. Keys are the model's input names; a
/// producer of single-input samples uses the empty key. Images are float32 [1, height, width, 3], normalized.
struct Sample {
  std::map<std::string, Tensor> inputs;
  std::optional<int> label;  ///< Class index, where the data tells it.
};

/// A list of samples that can be loaded in any order, from several threads at once, and again: images on
/// disk, or arrays. Loading decodes; nothing is kept, so memory doesn't grow with the number of samples.
class SampleSource {
 public:
  virtual ~SampleSource() = default;
  virtual std::size_t size() const = 0;
  /// Fails with ErrorCode::dataset where the sample can't be read.
  virtual Sample load(std::size_t index) const = 0;
};

}  // namespace calib8
