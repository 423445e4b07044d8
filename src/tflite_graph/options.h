#pragma once

#include <cstdint>
#include <variant>
#include <vector>

namespace calib8::tflite {

/// What each operator of a TfliteGraph is: one plain struct per builtin operator, with exactly the options
/// its FlatBuffers table has. What an operator reads beside them (a permutation, paddings, axes) is an input
/// tensor, as in the file. Inputs are listed at each struct; layouts are NHWC, weights of CONV_2D are [out,
/// height, width, in].

enum class Padding : std::uint8_t { same = 0, valid = 1 };
enum class Activation : std::uint8_t { none = 0, relu = 1, relu_n1_to_1 = 2, relu6 = 3 };

/// x, weights [O, H, W, I/groups], bias [O]
struct Conv2D {
  Padding padding = Padding::valid;
  std::int32_t stride_height = 1, stride_width = 1;
  std::int32_t dilation_height = 1, dilation_width = 1;
  Activation activation = Activation::none;
  friend bool operator==(const Conv2D&, const Conv2D&) = default;
};
/// x, weights [1, H, W, O], bias [O]
struct DepthwiseConv2D {
  Padding padding = Padding::valid;
  std::int32_t stride_height = 1, stride_width = 1;
  std::int32_t dilation_height = 1, dilation_width = 1;
  std::int32_t depth_multiplier = 1;
  Activation activation = Activation::none;
  friend bool operator==(const DepthwiseConv2D&, const DepthwiseConv2D&) = default;
};
/// output shape int32[4], weights [O, H, W, I], x, bias [O]
struct TransposeConv {
  Padding padding = Padding::valid;
  std::int32_t stride_height = 1, stride_width = 1;
  Activation activation = Activation::none;
  friend bool operator==(const TransposeConv&, const TransposeConv&) = default;
};
/// x, weights [O, I], bias [O] (may be absent)
struct FullyConnected {
  Activation activation = Activation::none;
  bool keep_num_dims = false;
  friend bool operator==(const FullyConnected&, const FullyConnected&) = default;
};
/// x
struct Pool2D {
  Padding padding = Padding::valid;
  std::int32_t stride_height = 1, stride_width = 1;
  std::int32_t filter_height = 1, filter_width = 1;
  Activation activation = Activation::none;
  friend bool operator==(const Pool2D&, const Pool2D&) = default;
};
struct AveragePool2D : Pool2D {};
struct MaxPool2D : Pool2D {};

/// a, b; broadcast as NumPy does
struct FusableBinary {
  Activation activation = Activation::none;
  friend bool operator==(const FusableBinary&, const FusableBinary&) = default;
};
/// In int16, power_of_two_int16 tells the kernel to take the scales for powers of two; false is right for
/// any.
struct ScaledSum : FusableBinary {
  bool power_of_two_int16 = true;  ///< The format's default.
  friend bool operator==(const ScaledSum&, const ScaledSum&) = default;
};
struct Add : ScaledSum {};
struct Sub : ScaledSum {};
struct Mul : FusableBinary {};
struct Div : FusableBinary {};

/// An operator without options.
struct Plain {
  friend bool operator==(const Plain&, const Plain&) = default;
};
struct Maximum : Plain {};     ///< a, b
struct Minimum : Plain {};     ///< a, b
struct Logistic : Plain {};    ///< x
struct Tanh : Plain {};        ///< x
struct Relu : Plain {};        ///< x
struct Relu6 : Plain {};       ///< x
struct HardSwish : Plain {};   ///< x
struct Elu : Plain {};         ///< x
struct PRelu : Plain {};       ///< x, slope
struct Exp : Plain {};         ///< x
struct Log : Plain {};         ///< x
struct Sqrt : Plain {};        ///< x
struct Rsqrt : Plain {};       ///< x
struct Abs : Plain {};         ///< x
struct Neg : Plain {};         ///< x
struct Transpose : Plain {};   ///< x, permutation int32[rank]
struct Pad : Plain {};         ///< x, paddings int32[rank, 2]; pads with real zero
struct PadV2 : Plain {};       ///< x, paddings int32[rank, 2], value scalar
struct Slice : Plain {};       ///< x, begin int32[rank], size int32[rank]
struct Quantize : Plain {};    ///< x
struct Dequantize : Plain {};  ///< x

/// x
struct LeakyRelu {
  float alpha = 0;
  friend bool operator==(const LeakyRelu&, const LeakyRelu&) = default;
};
/// x
struct Gelu {
  bool approximate = false;  ///< true: the tanh form
  friend bool operator==(const Gelu&, const Gelu&) = default;
};
/// x; over the last axis
struct Softmax {
  float beta = 1;
  friend bool operator==(const Softmax&, const Softmax&) = default;
};
/// x, axes int32[n]
struct Reducer {
  bool keep_dims = false;
  friend bool operator==(const Reducer&, const Reducer&) = default;
};
struct Mean : Reducer {};
struct Sum : Reducer {};
struct ReduceMax : Reducer {};
struct ReduceMin : Reducer {};

/// x, shape int32[n]; new_shape repeats the shape, as some readers look there
struct Reshape {
  std::vector<std::int32_t> new_shape;
  friend bool operator==(const Reshape&, const Reshape&) = default;
};
/// inputs are the parts
struct Concatenation {
  std::int32_t axis = 0;
  Activation activation = Activation::none;
  friend bool operator==(const Concatenation&, const Concatenation&) = default;
};
/// axis int32 scalar, x; outputs are the equal parts
struct Split {
  std::int32_t num_splits = 1;
  friend bool operator==(const Split&, const Split&) = default;
};
/// x, begin, end, strides int32[rank]
struct StridedSlice {
  std::int32_t begin_mask = 0, end_mask = 0, ellipsis_mask = 0, new_axis_mask = 0, shrink_axis_mask = 0;
  friend bool operator==(const StridedSlice&, const StridedSlice&) = default;
};
/// x, size int32[2] (height, width)
struct Resize {
  bool align_corners = false;
  bool half_pixel_centers = false;
  friend bool operator==(const Resize&, const Resize&) = default;
};
struct ResizeBilinear : Resize {};
struct ResizeNearestNeighbor : Resize {};
/// x
struct BlockShuffle {
  std::int32_t block_size = 1;
  friend bool operator==(const BlockShuffle&, const BlockShuffle&) = default;
};
struct DepthToSpace : BlockShuffle {};
struct SpaceToDepth : BlockShuffle {};
/// a, b
struct BatchMatMul {
  bool adjoint_x = false, adjoint_y = false;
  friend bool operator==(const BatchMatMul&, const BatchMatMul&) = default;
};

/// A new operator is one more line here, its struct above, and its row in ops/.
using Options =
    std::variant<Conv2D, DepthwiseConv2D, TransposeConv, FullyConnected, AveragePool2D, MaxPool2D, Add, Sub,
                 Mul, Div, Maximum, Minimum, Logistic, Tanh, Relu, Relu6, HardSwish, Elu, PRelu, Exp, Log,
                 Sqrt, Rsqrt, Abs, Neg, Transpose, Pad, PadV2, Slice, Quantize, Dequantize, LeakyRelu, Gelu,
                 Softmax, Mean, Sum, ReduceMax, ReduceMin, Reshape, Concatenation, Split, StridedSlice,
                 ResizeBilinear, ResizeNearestNeighbor, DepthToSpace, SpaceToDepth, BatchMatMul>;

}  // namespace calib8::tflite
