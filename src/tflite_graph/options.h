#pragma once

#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "base/dtype.h"

namespace calib8::tflite {

/// What each operator of a TfliteGraph is: one plain struct per builtin operator, with its name in TFLite's
/// schema and exactly the options that its FlatBuffers table has. What an operator reads beside them (a
/// permutation, paddings, axes) is an input tensor, as in the file. Inputs are listed at each struct; layouts
/// are NHWC, weights of CONV_2D are [out, height, width, in].

enum class Padding : std::uint8_t { same = 0, valid = 1 };
enum class Activation : std::uint8_t { none = 0, relu = 1, relu_n1_to_1 = 2, relu6 = 3 };

/// x, weights [O, H, W, I/groups], bias [O]
struct Conv2D {
  static constexpr std::string_view name = "CONV_2D";
  Padding padding = Padding::valid;
  std::int32_t stride_height = 1, stride_width = 1;
  std::int32_t dilation_height = 1, dilation_width = 1;
  Activation activation = Activation::none;
  friend bool operator==(const Conv2D&, const Conv2D&) = default;
};
/// x, weights [1, H, W, O], bias [O]
struct DepthwiseConv2D {
  static constexpr std::string_view name = "DEPTHWISE_CONV_2D";
  Padding padding = Padding::valid;
  std::int32_t stride_height = 1, stride_width = 1;
  std::int32_t dilation_height = 1, dilation_width = 1;
  std::int32_t depth_multiplier = 1;
  Activation activation = Activation::none;
  friend bool operator==(const DepthwiseConv2D&, const DepthwiseConv2D&) = default;
};
/// output shape int32[4], weights [O, H, W, I], x, bias [O]
struct TransposeConv {
  static constexpr std::string_view name = "TRANSPOSE_CONV";
  Padding padding = Padding::valid;
  std::int32_t stride_height = 1, stride_width = 1;
  Activation activation = Activation::none;
  friend bool operator==(const TransposeConv&, const TransposeConv&) = default;
};
/// x, weights [O, I], bias [O] (may be absent)
struct FullyConnected {
  static constexpr std::string_view name = "FULLY_CONNECTED";
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
struct AveragePool2D : Pool2D {
  static constexpr std::string_view name = "AVERAGE_POOL_2D";
};
struct MaxPool2D : Pool2D {
  static constexpr std::string_view name = "MAX_POOL_2D";
};

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
struct Add : ScaledSum {
  static constexpr std::string_view name = "ADD";
};
struct Sub : ScaledSum {
  static constexpr std::string_view name = "SUB";
};
struct Mul : FusableBinary {
  static constexpr std::string_view name = "MUL";
};
struct Div : FusableBinary {
  static constexpr std::string_view name = "DIV";
};

/// An operator without options.
struct Plain {
  friend bool operator==(const Plain&, const Plain&) = default;
};
/// a, b
struct Maximum : Plain {
  static constexpr std::string_view name = "MAXIMUM";
};
/// a, b
struct Minimum : Plain {
  static constexpr std::string_view name = "MINIMUM";
};
/// x
struct Logistic : Plain {
  static constexpr std::string_view name = "LOGISTIC";
};
/// x
struct Tanh : Plain {
  static constexpr std::string_view name = "TANH";
};
/// x
struct Relu : Plain {
  static constexpr std::string_view name = "RELU";
};
/// x
struct Relu6 : Plain {
  static constexpr std::string_view name = "RELU6";
};
/// x
struct HardSwish : Plain {
  static constexpr std::string_view name = "HARD_SWISH";
};
/// x
struct Elu : Plain {
  static constexpr std::string_view name = "ELU";
};
/// x, slope
struct PRelu : Plain {
  static constexpr std::string_view name = "PRELU";
};
/// x
struct Exp : Plain {
  static constexpr std::string_view name = "EXP";
};
/// x
struct Log : Plain {
  static constexpr std::string_view name = "LOG";
};
/// x
struct Sqrt : Plain {
  static constexpr std::string_view name = "SQRT";
};
/// x
struct Rsqrt : Plain {
  static constexpr std::string_view name = "RSQRT";
};
/// x
struct Abs : Plain {
  static constexpr std::string_view name = "ABS";
};
/// x
struct Neg : Plain {
  static constexpr std::string_view name = "NEG";
};
/// x, permutation int32[rank]
struct Transpose : Plain {
  static constexpr std::string_view name = "TRANSPOSE";
};
/// x, paddings int32[rank, 2]; pads with real zero
struct Pad : Plain {
  static constexpr std::string_view name = "PAD";
};
/// x, paddings int32[rank, 2], value scalar
struct PadV2 : Plain {
  static constexpr std::string_view name = "PADV2";
};
/// x, begin int32[rank], size int32[rank]
struct Slice : Plain {
  static constexpr std::string_view name = "SLICE";
};
/// x
struct Quantize : Plain {
  static constexpr std::string_view name = "QUANTIZE";
};
/// x
struct Dequantize : Plain {
  static constexpr std::string_view name = "DEQUANTIZE";
};

/// x
struct LeakyRelu {
  static constexpr std::string_view name = "LEAKY_RELU";
  float alpha = 0;
  friend bool operator==(const LeakyRelu&, const LeakyRelu&) = default;
};
/// x
struct Gelu {
  static constexpr std::string_view name = "GELU";
  bool approximate = false;  ///< true: the tanh form
  friend bool operator==(const Gelu&, const Gelu&) = default;
};
/// x; over the last axis
struct Softmax {
  static constexpr std::string_view name = "SOFTMAX";
  float beta = 1;
  friend bool operator==(const Softmax&, const Softmax&) = default;
};
/// x, axes int32[n]
struct Reducer {
  bool keep_dims = false;
  friend bool operator==(const Reducer&, const Reducer&) = default;
};
struct Mean : Reducer {
  static constexpr std::string_view name = "MEAN";
};
struct Sum : Reducer {
  static constexpr std::string_view name = "SUM";
};
struct ReduceMax : Reducer {
  static constexpr std::string_view name = "REDUCE_MAX";
};
struct ReduceMin : Reducer {
  static constexpr std::string_view name = "REDUCE_MIN";
};
struct ReduceProd : Reducer {
  static constexpr std::string_view name = "REDUCE_PROD";
};

/// x, shape int32[n]; new_shape repeats the shape, as some readers look there
struct Reshape {
  static constexpr std::string_view name = "RESHAPE";
  std::vector<std::int32_t> new_shape;
  friend bool operator==(const Reshape&, const Reshape&) = default;
};
/// inputs are the parts
struct Concatenation {
  static constexpr std::string_view name = "CONCATENATION";
  std::int32_t axis = 0;
  Activation activation = Activation::none;
  friend bool operator==(const Concatenation&, const Concatenation&) = default;
};
/// axis int32 scalar, x; outputs are the equal parts
struct Split {
  static constexpr std::string_view name = "SPLIT";
  std::int32_t num_splits = 1;
  friend bool operator==(const Split&, const Split&) = default;
};
/// x, begin, end, strides int32[rank]
struct StridedSlice {
  static constexpr std::string_view name = "STRIDED_SLICE";
  std::int32_t begin_mask = 0, end_mask = 0, ellipsis_mask = 0, new_axis_mask = 0, shrink_axis_mask = 0;
  friend bool operator==(const StridedSlice&, const StridedSlice&) = default;
};
/// x, size int32[2] (height, width)
struct Resize {
  bool align_corners = false;
  bool half_pixel_centers = false;
  friend bool operator==(const Resize&, const Resize&) = default;
};
struct ResizeBilinear : Resize {
  static constexpr std::string_view name = "RESIZE_BILINEAR";
};
struct ResizeNearestNeighbor : Resize {
  static constexpr std::string_view name = "RESIZE_NEAREST_NEIGHBOR";
};
/// x
struct BlockShuffle {
  std::int32_t block_size = 1;
  friend bool operator==(const BlockShuffle&, const BlockShuffle&) = default;
};
struct DepthToSpace : BlockShuffle {
  static constexpr std::string_view name = "DEPTH_TO_SPACE";
};
struct SpaceToDepth : BlockShuffle {
  static constexpr std::string_view name = "SPACE_TO_DEPTH";
};
/// a, b
struct BatchMatMul {
  static constexpr std::string_view name = "BATCH_MATMUL";
  bool adjoint_x = false, adjoint_y = false;
  friend bool operator==(const BatchMatMul&, const BatchMatMul&) = default;
};
/// x
struct Sin : Plain {
  static constexpr std::string_view name = "SIN";
};
/// x
struct Cos : Plain {
  static constexpr std::string_view name = "COS";
};
/// x
struct Floor : Plain {
  static constexpr std::string_view name = "FLOOR";
};
/// x
struct Ceil : Plain {
  static constexpr std::string_view name = "CEIL";
};
/// x; halves to even
struct Round : Plain {
  static constexpr std::string_view name = "ROUND";
};
/// x
struct Sign : Plain {
  static constexpr std::string_view name = "SIGN";
};
/// a, b; broadcast
struct Pow : Plain {
  static constexpr std::string_view name = "POW";
};
/// a, b; broadcast, as the three below
struct FloorDiv : Plain {
  static constexpr std::string_view name = "FLOOR_DIV";
};
/// a, b
struct FloorMod : Plain {
  static constexpr std::string_view name = "FLOOR_MOD";
};
/// a, b; broadcast, the result is boolean
struct Equal : Plain {
  static constexpr std::string_view name = "EQUAL";
};
/// a, b
struct NotEqual : Plain {
  static constexpr std::string_view name = "NOT_EQUAL";
};
/// a, b
struct Less : Plain {
  static constexpr std::string_view name = "LESS";
};
/// a, b
struct LessEqual : Plain {
  static constexpr std::string_view name = "LESS_EQUAL";
};
/// a, b
struct Greater : Plain {
  static constexpr std::string_view name = "GREATER";
};
/// a, b
struct GreaterEqual : Plain {
  static constexpr std::string_view name = "GREATER_EQUAL";
};
/// a, b; booleans
struct LogicalAnd : Plain {
  static constexpr std::string_view name = "LOGICAL_AND";
};
/// a, b; booleans
struct LogicalOr : Plain {
  static constexpr std::string_view name = "LOGICAL_OR";
};
/// x; booleans
struct LogicalNot : Plain {
  static constexpr std::string_view name = "LOGICAL_NOT";
};
/// condition, a, b; broadcast: a where the condition holds
struct SelectV2 : Plain {
  static constexpr std::string_view name = "SELECT_V2";
};
/// x, indices int32[..., n] of its first n dimensions
struct GatherNd : Plain {
  static constexpr std::string_view name = "GATHER_ND";
};
/// indices int32[..., n], updates, shape int32[rank]; zero where nothing goes, sums where several do
struct ScatterNd : Plain {
  static constexpr std::string_view name = "SCATTER_ND";
};
/// x, repeats int32[rank]
struct Tile : Plain {
  static constexpr std::string_view name = "TILE";
};
/// x, shape int32[rank]
struct BroadcastTo : Plain {
  static constexpr std::string_view name = "BROADCAST_TO";
};
/// x; over the last axis
struct LogSoftmax : Plain {
  static constexpr std::string_view name = "LOG_SOFTMAX";
};
/// x, k int32 scalar; outputs: values, indices int32, along the last axis
struct TopKV2 : Plain {
  static constexpr std::string_view name = "TOPK_V2";
};

/// x; element by element
struct Cast {
  static constexpr std::string_view name = "CAST";
  DType to = DType::float32;
  friend bool operator==(const Cast&, const Cast&) = default;
};
/// x, indices int32: what stands at each of them along the axis
struct Gather {
  static constexpr std::string_view name = "GATHER";
  std::int32_t axis = 0;
  std::int32_t batch_dims = 0;  ///< So many leading dimensions of x and the indices go together.
  friend bool operator==(const Gather&, const Gather&) = default;
};
/// x, paddings int32[rank, 2]; symmetric: the edge itself is repeated too
struct MirrorPad {
  static constexpr std::string_view name = "MIRROR_PAD";
  bool symmetric = false;
  friend bool operator==(const MirrorPad&, const MirrorPad&) = default;
};
/// x, axis int32 scalar; the first place where the extreme stands, int32
struct Place {
  friend bool operator==(const Place&, const Place&) = default;
};
struct ArgMax : Place {
  static constexpr std::string_view name = "ARG_MAX";
};
struct ArgMin : Place {
  static constexpr std::string_view name = "ARG_MIN";
};
/// x, axis int32 scalar
struct CumSum {
  static constexpr std::string_view name = "CUMSUM";
  bool exclusive = false, reverse = false;
  friend bool operator==(const CumSum&, const CumSum&) = default;
};
/// x [N, D, H, W, C], weights [D, H, W, I, O], bias [O] (may be absent)
struct Conv3D {
  static constexpr std::string_view name = "CONV_3D";
  Padding padding = Padding::valid;
  std::int32_t stride_depth = 1, stride_height = 1, stride_width = 1;
  std::int32_t dilation_depth = 1, dilation_height = 1, dilation_width = 1;
  Activation activation = Activation::none;
  friend bool operator==(const Conv3D&, const Conv3D&) = default;
};

/// A new operator is one more line here, its struct above, and its row in ops/.
using AnyOptions =
    std::variant<Conv2D, DepthwiseConv2D, TransposeConv, FullyConnected, AveragePool2D, MaxPool2D, Add, Sub,
                 Mul, Div, Maximum, Minimum, Logistic, Tanh, Relu, Relu6, HardSwish, Elu, PRelu, Exp, Log,
                 Sqrt, Rsqrt, Abs, Neg, Transpose, Pad, PadV2, Slice, Quantize, Dequantize, LeakyRelu, Gelu,
                 Softmax, Mean, Sum, ReduceMax, ReduceMin, Reshape, Concatenation, Split, StridedSlice,
                 ResizeBilinear, ResizeNearestNeighbor, DepthToSpace, SpaceToDepth, BatchMatMul, Sin, Cos,
                 Floor, Ceil, Round, Sign, Pow, FloorDiv, FloorMod, Equal, NotEqual, Less, LessEqual, Greater,
                 GreaterEqual, LogicalAnd, LogicalOr, LogicalNot, SelectV2, GatherNd, ScatterNd, Tile,
                 BroadcastTo, LogSoftmax, TopKV2, Cast, Gather, MirrorPad, ArgMax, ArgMin, CumSum, Conv3D,
                 ReduceProd>;

/// One of them. What copies and destroys so many alternatives is compiled once, in options.cpp: otherwise
/// every source that touches an operator would compile it again.
struct Options : AnyOptions {
  using AnyOptions::AnyOptions;
  using AnyOptions::operator=;
  Options();
  Options(const Options&);
  Options(Options&&) noexcept;
  Options& operator=(const Options&);
  Options& operator=(Options&&) noexcept;
  ~Options();
};
bool operator==(const Options& a, const Options& b);

}  // namespace calib8::tflite
