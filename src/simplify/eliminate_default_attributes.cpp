#include <algorithm>
#include <cmath>

#include "simplify/passes.h"

// Conv(auto_pad="NOTSET", group=1, strides=[2, 2])      =>      Conv(strides=[2, 2])
//
// Some exporters write the defaults out and others don't; the numbers are those of ONNX's operator pages.

namespace calib8 {
namespace {

struct IntegerDefault {
  std::string_view op_type, attribute;
  std::int64_t value;
};
constexpr IntegerDefault integer_defaults[] = {
    {"AveragePool", "ceil_mode", 0},
    {"AveragePool", "count_include_pad", 0},
    {"Conv", "group", 1},
    {"ConvTranspose", "group", 1},
    {"Flatten", "axis", 1},
    {"Gemm", "transA", 0},
    {"Gemm", "transB", 0},
    {"MaxPool", "ceil_mode", 0},
    {"MaxPool", "storage_order", 0},
    {"Reshape", "allowzero", 0},
};

struct FloatDefault {
  std::string_view op_type, attribute;
  float value;
};
constexpr FloatDefault float_defaults[] = {
    {"Elu", "alpha", 1.0f},        {"Gemm", "alpha", 1.0f},        {"Gemm", "beta", 1.0f},
    {"HardSigmoid", "beta", 0.5f}, {"HardSigmoid", "alpha", 0.2f}, {"LeakyRelu", "alpha", 0.01f},
};

/// Along every spatial axis 1, or 0 for pads; any count of axes.
struct ListDefault {
  std::string_view attribute;
  std::int64_t value;
};
constexpr ListDefault window_defaults[] = {{"dilations", 1}, {"strides", 1}, {"pads", 0}};

bool is_window_op(std::string_view type) {
  return type == "Conv" || type == "ConvTranspose" || type == "MaxPool" || type == "AveragePool";
}

bool is_default(const OnnxNode& node, std::string_view attribute, const OnnxAttribute& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    return std::any_of(
        std::begin(integer_defaults), std::end(integer_defaults), [&](const IntegerDefault& known) {
          return known.op_type == node.op_type && known.attribute == attribute && known.value == *integer;
        });
  }
  if (const auto* number = std::get_if<float>(&value)) {
    return std::any_of(std::begin(float_defaults), std::end(float_defaults), [&](const FloatDefault& known) {
      return known.op_type == node.op_type && known.attribute == attribute && known.value == *number;
    });
  }
  if (!is_window_op(node.op_type)) return false;
  if (const auto* text = std::get_if<std::string>(&value))
    return attribute == "auto_pad" && *text == "NOTSET";
  const auto* list = std::get_if<std::vector<std::int64_t>>(&value);
  if (!list) return false;
  return std::any_of(std::begin(window_defaults), std::end(window_defaults), [&](const ListDefault& known) {
    return known.attribute == attribute &&
           std::all_of(list->begin(), list->end(), [&](std::int64_t each) { return each == known.value; });
  });
}

}  // namespace

bool eliminate_default_attributes(OnnxGraph& graph, OnnxNodeId id) {
  OnnxNode& node = graph[id];
  return std::erase_if(node.attributes,
                       [&](const auto& entry) { return is_default(node, entry.first, entry.second); }) > 0;
}

}  // namespace calib8
