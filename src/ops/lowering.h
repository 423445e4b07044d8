#pragma once

#include <string>
#include <vector>

#include "ops/onnx_op.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// True where TFLite can have a tensor of that shape: its kernels count a tensor's elements in int32, and its
/// widest know eight dimensions.
bool fits_tflite(const Shape& shape);

/// TFLite's type for values of an ONNX type: real numbers are float32 until they are quantized, integers that
/// TFLite's kernels don't take become int32.
DType lowered_dtype(DType dtype);

/// What a row's `lower` works with: one ONNX node with static types on one side, a growing TfliteGraph on the
/// other.
///
/// Tensors that stand for ONNX values have ONNX's order of dimensions (NCHW); an operator that TFLite has in
/// NHWC only wraps itself in the two transposes, which layout passes cancel later. No row asks what layout it
/// is in.
class Lowering : public NodeView {
 public:
  Lowering(const OnnxGraph& source, const OnnxNode& source_node, TfliteGraph& target_graph,
           std::vector<TensorId>& tensor_of_value)
      : NodeView{source, source_node}, target(target_graph), tensors_(tensor_of_value) {}

  TfliteGraph& target;

  /// The tensor that stands for an input; an ONNX constant becomes a constant tensor of the same shape, int64
  /// as int32.
  TensorId input(std::size_t position);
  /// Declares which tensor stands for an output; its shape is the ONNX value's.
  void set_output(std::size_t position, TensorId tensor);
  /// The inferred sizes of an output.
  Shape output_shape(std::size_t position = 0) const;

  /// The name that the node's result has in the checkpoint's words; `part` tells several tensors of one node
  /// apart.
  std::string tensor_name(std::string_view part = {}) const;

  /// Appends an operator and returns its output.
  TensorId emit(tflite::Options options, std::vector<TensorId> inputs, Shape shape,
                std::string_view part = {});
  TensorId emit_transpose(TensorId tensor, const std::vector<std::int32_t>& permutation);
  TensorId to_channels_last(TensorId tensor);   ///< NCHW -> NHWC (or NCW -> NWC)
  TensorId to_channels_first(TensorId tensor);  ///< NHWC -> NCHW

  TensorId constant(std::string_view part, Tensor tensor);
  TensorId constant(std::string_view part, const std::vector<std::int32_t>& values);
  using NodeView::constant;

 private:
  std::vector<TensorId>& tensors_;
};

}  // namespace calib8
