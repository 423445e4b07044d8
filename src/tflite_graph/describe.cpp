#include "tflite_graph/describe.h"

#include <fmt/format.h>

namespace calib8 {
namespace {

using namespace tflite;

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
std::string value_text(DType dtype) {
  return std::string(name_of(dtype));
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
  void operator()(const Cast& cast) { add("to", cast.to); }
  void operator()(const Gather& gather) {
    add("axis", gather.axis);
    add("batch_dims", gather.batch_dims);
  }
  void operator()(const MirrorPad& pad) { add("symmetric", pad.symmetric); }
  void operator()(const Place&) {}
  void operator()(const CumSum& sum) {
    add("exclusive", sum.exclusive);
    add("reverse", sum.reverse);
  }
  void operator()(const Conv3D& conv) {
    add("padding", conv.padding);
    add("stride_depth", conv.stride_depth);
    add("stride_height", conv.stride_height);
    add("stride_width", conv.stride_width);
    add("dilation_depth", conv.dilation_depth);
    add("dilation_height", conv.dilation_height);
    add("dilation_width", conv.dilation_width);
    add("activation", conv.activation);
  }
};

}  // namespace

std::string_view name_of(const tflite::Options& options) {
  return std::visit([](const auto& op) { return std::decay_t<decltype(op)>::name; }, options);
}

std::vector<std::pair<std::string_view, std::string>> describe_options(const tflite::Options& options) {
  OptionTexts visitor;
  std::visit([&](const auto& op) { visitor(op); }, options);
  return std::move(visitor.texts);
}

}  // namespace calib8
