#pragma once

#include <span>

#include "ops/onnx_op.h"
#include "ops/tflite_op.h"

namespace calib8 {

/// One operator family's rows, defined in its own file (ops/convolution/conv.cpp) and listed in all_ops.cpp.
/// `tflite_rows` pairs each row with the variant alternative that it describes, by index into
/// tflite::Options.
struct OpFamily {
  std::span<const OnnxOp> onnx_rows;
  struct TfliteRow {
    std::size_t alternative;
    TfliteOp op;
  };
  std::span<const TfliteRow> tflite_rows;
};

/// Index of an operator's struct within tflite::Options.
template <class Op, class... Alternatives>
consteval std::size_t alternative_index(const std::variant<Alternatives...>*) {
  std::size_t index = 0;
  const bool found = ((std::is_same_v<Op, Alternatives> ? true : (++index, false)) || ...);
  return found ? index : std::variant_npos;
}
template <class Op>
inline constexpr std::size_t alternative_of =
    alternative_index<Op>(static_cast<const tflite::AnyOptions*>(nullptr));

const OpFamily& conv_family();            // Conv
const OpFamily& conv_transpose_family();  // ConvTranspose
const OpFamily& conv_3d_family();         // CONV_3D
const OpFamily& pool_family();            // MaxPool, AveragePool, GlobalAveragePool
const OpFamily& activation_family();      // Relu, Clip, Sigmoid, HardSwish, ...
const OpFamily& linear_family();          // Gemm, MatMul
const OpFamily& normalization_family();   // BatchNormalization
const OpFamily& standardize_family();     // LayerNormalization, InstanceNormalization, ...
const OpFamily& elementwise_family();     // Add, Mul, Sub, Div, Max, Min, Neg, Sqrt, ...
const OpFamily& reduce_family();          // ReduceMean, ReduceSum, ...
const OpFamily& shape_family();      // Reshape, Flatten, Squeeze, Unsqueeze, Identity, Dropout, Shape, Size
const OpFamily& transpose_family();  // Transpose
const OpFamily& join_family();       // Concat, Split
const OpFamily& slice_family();      // Slice
const OpFamily& gather_family();     // Gather
const OpFamily& pad_family();        // Pad
const OpFamily& expand_family();     // Expand, Tile, Trilu
const OpFamily& resize_family();     // Resize
const OpFamily& shuffle_family();    // DepthToSpace, SpaceToDepth
const OpFamily& compare_family();    // Equal, Less, And, Not, Where, ...
const OpFamily& softmax_family();    // Softmax, LogSoftmax
const OpFamily& constant_family();   // Constant, ConstantOfShape, Cast, Range
const OpFamily& cast_family();       // Cast
const OpFamily& order_family();      // ArgMax, TopK, CumSum, OneHot, Hardmax
const OpFamily& functions_family();  // Sin, Floor, Erf, ...
const OpFamily& scatter_family();    // GatherElements, GatherND, ScatterElements, ScatterND
const OpFamily& recurrent_family();  // LSTM, GRU, RNN
const OpFamily& einsum_family();     // Einsum
const OpFamily& smooth_family();     // Softplus, Mish, Selu, ...
const OpFamily& quantize_family();   // TFLite's QUANTIZE, DEQUANTIZE

}  // namespace calib8
