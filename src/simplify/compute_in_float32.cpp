#include "onnx_graph/data_type.h"
#include "simplify/passes.h"

// float16, bfloat16, float64 -> Conv -> Cast(to float64)      =>      float32 -> Conv -> Cast(to float32)

namespace calib8 {
namespace {

bool is_other_float(DType dtype) {
  return is_floating(dtype) && dtype != DType::float32;
}

bool widen(Tensor& tensor) {
  if (!is_other_float(tensor.dtype)) return false;
  tensor = make_tensor(tensor.shape, to_float(tensor));
  return true;
}

/// The types of its tensors that the node names itself: what it casts to, what it holds.
bool widen_attributes(OnnxNode& node) {
  bool changed = false;
  for (auto& [name, value] : node.attributes) {
    if (Tensor* tensor = std::get_if<Tensor>(&value)) changed |= widen(*tensor);
    std::int64_t* number = std::get_if<std::int64_t>(&value);
    const bool is_type = number && (name == "to" || name == "dtype" || name == "output_dtype");
    if (!is_type) continue;
    const auto dtype = dtype_of_onnx(*number);
    if (!dtype || !is_other_float(*dtype)) continue;
    *number = onnx_data_type(DType::float32);
    changed = true;
  }
  return changed;
}

}  // namespace

bool compute_in_float32(OnnxGraph& graph) {
  bool changed = false;
  for (std::size_t i = 0; i < graph.value_count(); ++i) {
    OnnxValue& value = graph[graph.value_at(i)];
    if (value.constant) changed |= widen(*value.constant);
    if (!value.type || !is_other_float(value.type->dtype)) continue;
    value.type->dtype = DType::float32;
    changed = true;
  }
  for (const OnnxNodeId id : graph.nodes()) changed |= widen_attributes(graph[id]);
  return changed;
}

}  // namespace calib8
