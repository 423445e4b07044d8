#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "runtime/interpreter.h"
#include "samples/sample.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// How an input or output of a written model maps to real numbers.
struct EdgeType {
  DType dtype = DType::float32;
  std::optional<Quantization> quantization;
};

/// The real values as a tensor of that type: rounded to the nearest level, ties to even, clamped.
Tensor from_real(const Tensor& values, const EdgeType& type);

/// Every `stride`-th element of an int8, uint8 or float32 tensor as a real value.
std::vector<float> to_real(ByteView elements, const EdgeType& type, std::size_t stride = 1);

/// A written model run on real values: samples in, float32 out, whatever its inputs and outputs are.
class RealModel {
 public:
  /// `graph` is what `file` was written from; `outputs` are the tensors that the file gives out, in its
  /// order.
  RealModel(std::shared_ptr<const LiteRt> litert, const SharedFile& file, const TfliteGraph& graph,
            const std::vector<TensorId>& outputs, InterpreterOptions options);

  /// Sets the inputs from a sample.
  void load(const Sample& sample);
  std::chrono::nanoseconds run(std::optional<std::size_t> sample = {}) { return interpreter_.run(sample); }
  /// One output of the last run: all of it, or every `stride`-th element.
  std::vector<float> output(std::size_t index, std::size_t stride = 1) const;
  std::size_t output_count() const { return output_types_.size(); }

 private:
  Interpreter interpreter_;
  std::vector<EdgeType> input_types_, output_types_;
};

}  // namespace calib8
