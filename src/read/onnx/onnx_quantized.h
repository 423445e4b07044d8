#pragma once

#include <map>
#include <string_view>

#include "onnx_graph/onnx_graph.h"
#include "read/onnx/onnx_upgrade.h"

namespace calib8 {

/// Takes the quantization out of a file that is quantized already, node by node in execution order: integers
/// become the real numbers that they stand for. What was rounded in the file stays so (weights); activations
/// are exact again, and a zero point at the lowest level, which cuts negative values off, becomes a Relu. It
/// knows QuantizeLinear and DequantizeLinear (QDQ), QLinearConv, QLinearMatMul and com.microsoft's QLinear
/// operators (QOperator), and DynamicQuantizeLinear with ConvInteger and MatMulInteger, DynamicQuantizeLSTM.
class OnnxDequantizer {
 public:
  /// True where take_apart() is for this operator.
  static bool knows(std::string_view domain, std::string_view op_type);

  /// Rewrites such a node. It isn't in the graph yet, its inputs and outputs are; what ONNX can't say in real
  /// numbers goes to the refusals.
  void take_apart(OnnxNode& node, OnnxUpgrade& upgrade);

  /// For any other node: integers that stand for real numbers may pass through it (Reshape, MaxPool, Concat).
  void follow(OnnxNode& node, OnnxUpgrade& upgrade);

  std::size_t operators() const { return operators_; }

 private:
  struct Scale {
    OnnxValueId scale, zero_point;  ///< The zero point may be absent: 0.
    double levels = 1;              ///< So many times a real number is what stands in its place in the file.
  };

  OnnxValueId real(OnnxUpgrade& upgrade, const OnnxNode& node, OnnxValueId value, Scale scale,
                   std::int64_t axis);
  OnnxValueId real_input(OnnxUpgrade& upgrade, const OnnxNode& node, std::size_t position,
                         std::int64_t axis = 0);
  void finish(OnnxNode& node, OnnxUpgrade& upgrade, Scale output);
  void quantize(OnnxNode& node, OnnxUpgrade& upgrade);
  void quantize_dynamically(OnnxNode& node, OnnxUpgrade& upgrade);
  void dequantize(OnnxNode& node, OnnxUpgrade& upgrade);
  void convolution(OnnxNode& node, OnnxUpgrade& upgrade);
  void product(OnnxNode& node, OnnxUpgrade& upgrade);
  void general_product(OnnxNode& node, OnnxUpgrade& upgrade);
  void integer_product(OnnxNode& node, OnnxUpgrade& upgrade);
  void scaled_product(OnnxNode& node, OnnxUpgrade& upgrade);
  void recurrence(OnnxNode& node, OnnxUpgrade& upgrade);
  void binary(OnnxNode& node, OnnxUpgrade& upgrade);
  void unary(OnnxNode& node, OnnxUpgrade& upgrade);
  void concatenation(OnnxNode& node, OnnxUpgrade& upgrade);

  std::map<OnnxValueId, Scale> reals_;  ///< Integers in the file that are real numbers in the graph.
  std::size_t operators_ = 0;
};

}  // namespace calib8
