#include "ops/arithmetic/sign.h"

#include <algorithm>
#include <array>

namespace calib8 {
namespace {

constexpr std::array never_negative = {"Abs",     "Exp",     "HardSigmoid", "Relu",
                                       "Sigmoid", "Softmax", "Softplus",    "Sqrt"};
/// Not below zero where their first input isn't.
constexpr std::array keeps_sign = {
    "AveragePool",  "Dropout",      "Expand",  "Flatten", "GlobalAveragePool", "GlobalMaxPool", "HardSwish",
    "Identity",     "LeakyRelu",    "MaxPool", "PRelu",   "ReduceMax",         "ReduceMean",    "ReduceMin",
    "ReduceSum",    "Reshape",      "Slice",   "Split",   "Squeeze",           "Transpose",     "Unsqueeze",
    "DepthToSpace", "SpaceToDepth", "Gather"};
/// Not below zero where none of their inputs is.
constexpr std::array combines = {"Add", "Concat", "Max", "Min", "Mul"};

template <std::size_t size>
bool names(const std::array<const char*, size>& list, const std::string& type) {
  return std::find(list.begin(), list.end(), type) != list.end();
}

/// `budget` bounds the values looked at: graphs may join the same branches again and again.
bool is_never_negative(const OnnxGraph& graph, OnnxValueId value, int& budget) {
  if (!value.exists() || --budget < 0) return false;
  const OnnxNodeId producer = graph.producer(value);
  if (!producer.exists()) {
    const auto& constant = graph[value].constant;
    if (!constant || constant->dtype != DType::float32) return false;
    const auto elements = constant->as<float>();
    return std::all_of(elements.begin(), elements.end(), [](float element) { return element >= 0; });
  }
  const OnnxNode& node = graph[producer];
  if (names(never_negative, node.op_type)) return true;
  if (node.op_type == "Clip") {
    const bool has_highest = node.inputs.size() > 2 && node.inputs[2].exists();
    if (has_highest && !is_never_negative(graph, node.inputs[2], budget)) return false;
    const bool has_lowest = node.inputs.size() > 1 && node.inputs[1].exists();
    return (has_lowest && is_never_negative(graph, node.inputs[1], budget)) ||
           is_never_negative(graph, node.inputs.at(0), budget);
  }
  if (names(keeps_sign, node.op_type)) return is_never_negative(graph, node.inputs.at(0), budget);
  return names(combines, node.op_type) &&
         std::all_of(node.inputs.begin(), node.inputs.end(),
                     [&](OnnxValueId input) { return is_never_negative(graph, input, budget); });
}

}  // namespace

bool is_never_negative(const OnnxGraph& graph, OnnxValueId value) {
  int budget = 256;
  return is_never_negative(graph, value, budget);
}

}  // namespace calib8
