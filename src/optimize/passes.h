#pragma once

#include "tflite_graph/tflite_graph.h"

/// The passes over a float TfliteGraph but for those of layout/. Each stands in a file of its own with a
/// picture on top, and returns whether it changed the graph. Their order and its reasons: optimize.cpp.
namespace calib8 {

// Operators that do nothing, or that one operator can do.
bool remove_noop(TfliteGraph& graph, OperatorId id);
bool merge_reshapes(TfliteGraph& graph, OperatorId id);
bool fold_concatenation_of_constants(TfliteGraph& graph, OperatorId id);
bool separate_factors(TfliteGraph& graph, OperatorId id);
bool merge_pads(TfliteGraph& graph, OperatorId id);
bool merge_reshape_into_mean(TfliteGraph& graph, OperatorId id);
bool replace_global_pool_with_mean(TfliteGraph& graph, OperatorId id);
bool fuse_hard_swish(TfliteGraph& graph, OperatorId id);
bool fuse_softmax(TfliteGraph& graph, OperatorId id);
bool replace_masking_select_with_add(TfliteGraph& graph, OperatorId id);
bool bound_infinite_mask(TfliteGraph& graph, OperatorId id);
bool fold_nan_guard(TfliteGraph& graph, OperatorId id);

// Convolutions and their like.
bool name_weights(TfliteGraph& graph, OperatorId id);
bool fold_arithmetic_into_convolution(TfliteGraph& graph, OperatorId id);
bool fold_arithmetic_into_next_convolution(TfliteGraph& graph, OperatorId id);
bool fuse_activation(TfliteGraph& graph, OperatorId id);
bool pad_max_pool_with_zero(TfliteGraph& graph, OperatorId id);
bool fold_pad_into_same(TfliteGraph& graph, OperatorId id);

// The whole graph.
bool remove_unused_operators(TfliteGraph& graph);
bool merge_equal_operators(TfliteGraph& graph);
bool share_integer_constants(TfliteGraph& graph);
bool order_operands(TfliteGraph& graph);
bool separate_outputs(TfliteGraph& graph);
bool sort_operators(TfliteGraph& graph);
bool name_tensors(TfliteGraph& graph);

// Towards int8, by what XNNPACK has no integer form for.
bool expand_hard_swish(TfliteGraph& graph, OperatorId id);
bool replace_average_pool_with_convolution(TfliteGraph& graph, OperatorId id);
bool nest_concatenation(TfliteGraph& graph, OperatorId id);
bool replace_split_with_slices(TfliteGraph& graph, OperatorId id);
bool replace_arithmetic_without_int8_form(TfliteGraph& graph, OperatorId id);

}  // namespace calib8
