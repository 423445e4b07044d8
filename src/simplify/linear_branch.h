#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "onnx_graph/onnx_graph.h"

namespace calib8 {

/// What a node or a value computes of `input`, written as a convolution with zeros around its input. Weights
/// and bias are double, so that merging rounds once.
struct LinearBranch {
  OnnxValueId input;
  OnnxNodeId node;  ///< What computes it; absent for the input itself.
  std::int64_t groups = 1;
  std::vector<std::int64_t> kernel, strides, dilations;  ///< Per spatial axis.
  std::vector<std::int64_t> begins, ends;                ///< Padding.
  std::int64_t outputs = 0, depth = 0;                   ///< Weights are [outputs, depth, kernel...].
  std::vector<double> weights, bias;

  std::size_t taps() const;
  std::int64_t inputs() const { return depth * groups; }
};

/// The node as a branch: Conv with constant weights, BatchNormalization, or AveragePool that counts its
/// padding. Nothing for others, and for an absent node.
std::optional<LinearBranch> branch_of(const OnnxGraph& graph, OnnxNodeId node);

/// True where one node alone reads what the node computes: then it may go when that reader gets another form.
bool has_one_reader(const OnnxGraph& graph, OnnxNodeId node);

/// The value itself, as a convolution beside `beside` that has the same input.
LinearBranch identity_beside(const LinearBranch& beside);

/// a + sign * b as one branch; nothing where their windows don't fit into one.
std::optional<LinearBranch> sum_of(const LinearBranch& a, const LinearBranch& b, double sign);

/// second behind first, as one branch; nothing where none computes the same (zeros that `second` has around
/// its input, and `first` hasn't; two windows of which neither is a single point).
std::optional<LinearBranch> chain_of(const LinearBranch& first, const LinearBranch& second);

/// Lets the node compute the branch, as a Conv; its output stays.
void become_convolution(OnnxGraph& graph, OnnxNodeId node, const LinearBranch& branch);

}  // namespace calib8
