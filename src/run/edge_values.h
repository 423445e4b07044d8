#pragma once

#include <optional>
#include <vector>

#include "base/tensor.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// How an input or output of a written model stands for float values.
struct EdgeType {
  DType dtype = DType::float32;
  std::optional<Quantization> quantization;
  std::optional<PixelScaling> pixels;  ///< The float values stand for pixels, which are what is fed.
};

EdgeType edge_type(const TfliteTensor& tensor);

/// Float values as a tensor of that type: rounded to the nearest level, ties to even, clamped; integers
/// without a scale (tokens, masks) are the values themselves. Where they stand for pixels, the nearest pixels
/// are what becomes that tensor.
Tensor from_float(const Tensor& values, const EdgeType& type);

/// The float values that a tensor stands for, one behind the other.
std::vector<float> to_float(ByteView elements, const EdgeType& type);

}  // namespace calib8
