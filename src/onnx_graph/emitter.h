#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "onnx_graph/onnx_graph.h"

namespace calib8 {

/// A sliding window over the last dimensions of a tensor, one number each; pads are those before all, then
/// those behind.
struct OnnxWindow {
  std::vector<std::int64_t> kernel, strides, pads, dilations;

  /// The same along height and width, and on either side.
  static OnnxWindow square(std::int64_t kernel, std::int64_t stride, std::int64_t padding);
};

/// Builds an OnnxGraph for a reader, whatever format it reads: nodes in execution order, and a name for each
/// value that no other has. Where a wanted name is taken, "#2", "#3", ... stands behind it.
///
/// The typed functions below write a node of that operator with one output, which has the node's name; emit()
/// does so for any operator.
class OnnxEmitter {
 public:
  OnnxGraph& graph() { return graph_; }
  const OnnxGraph& graph() const { return graph_; }
  /// The finished graph; the emitter is of no use afterwards.
  OnnxGraph take() { return std::move(graph_); }

  /// A value that comes from outside, behind those added before.
  OnnxValueId input(std::string_view name, OnnxType type);
  OnnxValueId constant(std::string_view name, Tensor tensor);
  OnnxValueId number(std::string_view name, float value);                         ///< A scalar.
  OnnxValueId integers(std::string_view name, std::vector<std::int64_t> values);  ///< Of rank 1.
  /// A value without type or producer: a constant whose elements are not at hand, or the output of a node to
  /// come.
  OnnxValueId value(std::string_view name);

  OnnxValueId emit(std::string op_type, std::string_view name, std::vector<OnnxValueId> inputs,
                   std::map<std::string, OnnxAttribute> attributes = {});

  /// `bias` may be absent, here and in linear().
  OnnxValueId convolution(std::string_view name, OnnxValueId x, OnnxValueId weights, OnnxValueId bias,
                          const OnnxWindow& window, std::int64_t groups = 1);
  struct Normalization {
    OnnxValueId scale, shift, mean, variance;
    float epsilon = 1e-5f;
  };
  OnnxValueId batch_normalization(std::string_view name, OnnxValueId x, const Normalization& parameters);
  /// x [N, in], weights [out, in] -> [N, out]
  OnnxValueId linear(std::string_view name, OnnxValueId x, OnnxValueId weights, OnnxValueId bias);
  OnnxValueId max_pool(std::string_view name, OnnxValueId x, const OnnxWindow& window);
  OnnxValueId clip(std::string_view name, OnnxValueId x, float lowest, float highest);
  /// min(max(alpha * x + beta, 0), 1)
  OnnxValueId hard_sigmoid(std::string_view name, OnnxValueId x, float alpha, float beta);
  OnnxValueId flatten(std::string_view name, OnnxValueId x, std::int64_t axis = 1);

 private:
  std::string free_name(std::string_view wanted);

  OnnxGraph graph_;
};

}  // namespace calib8
