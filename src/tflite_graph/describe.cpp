#include "tflite_graph/describe.h"

#include <fmt/format.h>

namespace calib8 {
namespace {

using namespace tflite;

struct NameOf {
  std::string_view operator()(const Conv2D&) const { return "CONV_2D"; }
  std::string_view operator()(const DepthwiseConv2D&) const { return "DEPTHWISE_CONV_2D"; }
  std::string_view operator()(const TransposeConv&) const { return "TRANSPOSE_CONV"; }
  std::string_view operator()(const FullyConnected&) const { return "FULLY_CONNECTED"; }
  std::string_view operator()(const AveragePool2D&) const { return "AVERAGE_POOL_2D"; }
  std::string_view operator()(const MaxPool2D&) const { return "MAX_POOL_2D"; }
  std::string_view operator()(const Add&) const { return "ADD"; }
  std::string_view operator()(const Sub&) const { return "SUB"; }
  std::string_view operator()(const Mul&) const { return "MUL"; }
  std::string_view operator()(const Div&) const { return "DIV"; }
  std::string_view operator()(const Maximum&) const { return "MAXIMUM"; }
  std::string_view operator()(const Minimum&) const { return "MINIMUM"; }
  std::string_view operator()(const Logistic&) const { return "LOGISTIC"; }
  std::string_view operator()(const Tanh&) const { return "TANH"; }
  std::string_view operator()(const Relu&) const { return "RELU"; }
  std::string_view operator()(const Relu6&) const { return "RELU6"; }
  std::string_view operator()(const HardSwish&) const { return "HARD_SWISH"; }
  std::string_view operator()(const Elu&) const { return "ELU"; }
  std::string_view operator()(const PRelu&) const { return "PRELU"; }
  std::string_view operator()(const Exp&) const { return "EXP"; }
  std::string_view operator()(const Log&) const { return "LOG"; }
  std::string_view operator()(const Sqrt&) const { return "SQRT"; }
  std::string_view operator()(const Rsqrt&) const { return "RSQRT"; }
  std::string_view operator()(const Abs&) const { return "ABS"; }
  std::string_view operator()(const Neg&) const { return "NEG"; }
  std::string_view operator()(const Transpose&) const { return "TRANSPOSE"; }
  std::string_view operator()(const Pad&) const { return "PAD"; }
  std::string_view operator()(const PadV2&) const { return "PADV2"; }
  std::string_view operator()(const Slice&) const { return "SLICE"; }
  std::string_view operator()(const Quantize&) const { return "QUANTIZE"; }
  std::string_view operator()(const Dequantize&) const { return "DEQUANTIZE"; }
  std::string_view operator()(const LeakyRelu&) const { return "LEAKY_RELU"; }
  std::string_view operator()(const Gelu&) const { return "GELU"; }
  std::string_view operator()(const Softmax&) const { return "SOFTMAX"; }
  std::string_view operator()(const Mean&) const { return "MEAN"; }
  std::string_view operator()(const Sum&) const { return "SUM"; }
  std::string_view operator()(const ReduceMax&) const { return "REDUCE_MAX"; }
  std::string_view operator()(const ReduceMin&) const { return "REDUCE_MIN"; }
  std::string_view operator()(const Reshape&) const { return "RESHAPE"; }
  std::string_view operator()(const Concatenation&) const { return "CONCATENATION"; }
  std::string_view operator()(const Split&) const { return "SPLIT"; }
  std::string_view operator()(const StridedSlice&) const { return "STRIDED_SLICE"; }
  std::string_view operator()(const ResizeBilinear&) const { return "RESIZE_BILINEAR"; }
  std::string_view operator()(const ResizeNearestNeighbor&) const { return "RESIZE_NEAREST_NEIGHBOR"; }
  std::string_view operator()(const DepthToSpace&) const { return "DEPTH_TO_SPACE"; }
  std::string_view operator()(const SpaceToDepth&) const { return "SPACE_TO_DEPTH"; }
  std::string_view operator()(const BatchMatMul&) const { return "BATCH_MATMUL"; }
};

// An overload for a base struct holds for all operators derived from it.
struct ArityOf {
  static constexpr std::size_t any = 0x7fffffff;

  Arity operator()(const Plain&) const { return {}; }
  Arity operator()(const Conv2D&) const { return {2, 3}; }
  Arity operator()(const DepthwiseConv2D&) const { return {2, 3}; }
  Arity operator()(const TransposeConv&) const { return {3, 4}; }
  Arity operator()(const FullyConnected&) const { return {2, 3}; }
  Arity operator()(const Pool2D&) const { return {}; }
  Arity operator()(const FusableBinary&) const { return {2, 2}; }
  Arity operator()(const Maximum&) const { return {2, 2}; }
  Arity operator()(const Minimum&) const { return {2, 2}; }
  Arity operator()(const PRelu&) const { return {2, 2}; }
  Arity operator()(const Transpose&) const { return {2, 2}; }
  Arity operator()(const Pad&) const { return {2, 2}; }
  Arity operator()(const PadV2&) const { return {3, 3}; }
  Arity operator()(const Slice&) const { return {3, 3}; }
  Arity operator()(const LeakyRelu&) const { return {}; }
  Arity operator()(const Gelu&) const { return {}; }
  Arity operator()(const Softmax&) const { return {}; }
  Arity operator()(const Reducer&) const { return {2, 2}; }
  Arity operator()(const Reshape&) const { return {1, 2}; }
  Arity operator()(const Concatenation&) const { return {1, any}; }
  Arity operator()(const Split& split) const {
    const auto parts = static_cast<std::size_t>(split.num_splits < 1 ? 1 : split.num_splits);
    return {2, 2, parts, parts};
  }
  Arity operator()(const StridedSlice&) const { return {4, 4}; }
  Arity operator()(const Resize&) const { return {2, 2}; }
  Arity operator()(const BlockShuffle&) const { return {}; }
  Arity operator()(const BatchMatMul&) const { return {2, 2}; }
};

std::string value_text(std::int32_t value) {
  return std::to_string(value);
}
std::string value_text(bool value) {
  return value ? "true" : "false";
}
std::string value_text(float value) {
  return fmt::format("{}", value);
}
std::string value_text(Padding padding) {
  return padding == Padding::same ? "same" : "valid";
}
std::string value_text(Activation activation) {
  switch (activation) {
    case Activation::none:
      return "none";
    case Activation::relu:
      return "relu";
    case Activation::relu_n1_to_1:
      return "relu_n1_to_1";
    case Activation::relu6:
      return "relu6";
  }
  return fmt::format("activation {}", static_cast<int>(activation));
}
std::string value_text(const std::vector<std::int32_t>& values) {
  return to_string(Shape(values.begin(), values.end()));
}

struct OptionTexts {
  std::vector<std::pair<std::string_view, std::string>> texts;

  template <class T>
  void add(std::string_view name, const T& value) {
    texts.emplace_back(name, value_text(value));
  }

  void operator()(const Plain&) {}
  void operator()(const Conv2D& conv) {
    add("padding", conv.padding);
    add("stride_height", conv.stride_height);
    add("stride_width", conv.stride_width);
    add("dilation_height", conv.dilation_height);
    add("dilation_width", conv.dilation_width);
    add("activation", conv.activation);
  }
  void operator()(const DepthwiseConv2D& conv) {
    add("padding", conv.padding);
    add("stride_height", conv.stride_height);
    add("stride_width", conv.stride_width);
    add("dilation_height", conv.dilation_height);
    add("dilation_width", conv.dilation_width);
    add("depth_multiplier", conv.depth_multiplier);
    add("activation", conv.activation);
  }
  void operator()(const TransposeConv& conv) {
    add("padding", conv.padding);
    add("stride_height", conv.stride_height);
    add("stride_width", conv.stride_width);
    add("activation", conv.activation);
  }
  void operator()(const FullyConnected& connected) {
    add("activation", connected.activation);
    add("keep_num_dims", connected.keep_num_dims);
  }
  void operator()(const Pool2D& pool) {
    add("padding", pool.padding);
    add("stride_height", pool.stride_height);
    add("stride_width", pool.stride_width);
    add("filter_height", pool.filter_height);
    add("filter_width", pool.filter_width);
    add("activation", pool.activation);
  }
  void operator()(const FusableBinary& binary) { add("activation", binary.activation); }
  void operator()(const ScaledSum& sum) {
    add("activation", sum.activation);
    if (!sum.power_of_two_int16) add("power_of_two_int16", sum.power_of_two_int16);
  }
  void operator()(const LeakyRelu& relu) { add("alpha", relu.alpha); }
  void operator()(const Gelu& gelu) { add("approximate", gelu.approximate); }
  void operator()(const Softmax& softmax) { add("beta", softmax.beta); }
  void operator()(const Reducer& reducer) { add("keep_dims", reducer.keep_dims); }
  void operator()(const Reshape& reshape) { add("new_shape", reshape.new_shape); }
  void operator()(const Concatenation& concatenation) {
    add("axis", concatenation.axis);
    add("activation", concatenation.activation);
  }
  void operator()(const Split& split) { add("num_splits", split.num_splits); }
  void operator()(const StridedSlice& slice) {
    add("begin_mask", slice.begin_mask);
    add("end_mask", slice.end_mask);
    add("ellipsis_mask", slice.ellipsis_mask);
    add("new_axis_mask", slice.new_axis_mask);
    add("shrink_axis_mask", slice.shrink_axis_mask);
  }
  void operator()(const Resize& resize) {
    add("align_corners", resize.align_corners);
    add("half_pixel_centers", resize.half_pixel_centers);
  }
  void operator()(const BlockShuffle& shuffle) { add("block_size", shuffle.block_size); }
  void operator()(const BatchMatMul& product) {
    add("adjoint_x", product.adjoint_x);
    add("adjoint_y", product.adjoint_y);
  }
};

}  // namespace

std::string_view name_of(const tflite::Options& options) {
  return std::visit(NameOf{}, options);
}

Arity arity_of(const tflite::Options& options) {
  return std::visit(ArityOf{}, options);
}

std::vector<std::pair<std::string_view, std::string>> describe_options(const tflite::Options& options) {
  OptionTexts visitor;
  std::visit([&](const auto& op) { visitor(op); }, options);
  return std::move(visitor.texts);
}

}  // namespace calib8
