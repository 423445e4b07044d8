#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "onnx_graph/emitter.h"
#include "read/state_dict.h"

namespace calib8 {

/// A tensor that an architecture expects in its state_dict.
struct ExpectedTensor {
  std::string name;
  Shape shape;
};

/// Looks the tensors of a network's modules up and has an OnnxEmitter write their nodes: module by module, as
/// a PyTorch model's forward() would run, and notes every tensor that it asks the state_dict for. Values are
/// NCHW float32; each function returns the module's output.
///
/// Without a state_dict the graph has no weights and only the list of expected tensors is of use: so one
/// description of an architecture serves to recognize it, to check it and to build it.
class ModuleBuilder {
 public:
  /// `prefix` stands before every module's name in the state_dict, e.g. "backbone."; `image_size` is height
  /// and width of the image that the network will take.
  ModuleBuilder(const StateDict* tensors, std::string prefix, std::int64_t image_channels = 3,
                std::pair<std::int64_t, std::int64_t> image_size = {224, 224})
      : tensors_(tensors),
        prefix_(std::move(prefix)),
        image_channels_(image_channels),
        image_size_(image_size) {}

  struct Convolution {
    std::int64_t in_channels, out_channels;
    std::int64_t kernel = 1, stride = 1, groups = 1;
    std::int64_t padding = -1;  ///< Each side; -1: (kernel - 1) / 2.
    bool bias = false;
  };
  OnnxValueId convolution(OnnxValueId x, std::string_view module, const Convolution& shape);
  OnnxValueId batch_norm(OnnxValueId x, std::string_view module, std::int64_t channels, float epsilon);
  /// x [N, in] -> [N, out]
  OnnxValueId linear(OnnxValueId x, std::string_view module, std::int64_t in_features,
                     std::int64_t out_features, bool has_bias = true);

  /// The same along the last axis: x [..., in] -> [..., out]
  OnnxValueId linear_last(OnnxValueId x, std::string_view module, std::int64_t in_features,
                          std::int64_t out_features);
  /// x [..., in], weight [out, in], bias [out] -> [..., out]
  OnnxValueId product(OnnxValueId x, std::string_view module, OnnxValueId weight, OnnxValueId bias);
  /// Over the last axis, which has that size.
  OnnxValueId layer_norm(OnnxValueId x, std::string_view module, std::int64_t size, float epsilon);

  OnnxValueId relu(OnnxValueId x, std::string_view module);
  OnnxValueId relu6(OnnxValueId x, std::string_view module);
  OnnxValueId sigmoid(OnnxValueId x, std::string_view module);
  OnnxValueId gelu(OnnxValueId x, std::string_view module);
  OnnxValueId silu(OnnxValueId x, std::string_view module);
  OnnxValueId hard_sigmoid(OnnxValueId x, std::string_view module);
  OnnxValueId hard_swish(OnnxValueId x, std::string_view module);
  OnnxValueId add(OnnxValueId a, OnnxValueId b, std::string_view module);
  OnnxValueId multiply(OnnxValueId a, OnnxValueId b, std::string_view module);
  /// 3x3, stride 2, padding 1
  OnnxValueId max_pool(OnnxValueId x, std::string_view module);
  OnnxValueId max_pool(OnnxValueId x, std::string_view module, const OnnxWindow& window);
  /// nn.AdaptiveAvgPool2d from one height and width to another.
  using Sides = std::pair<std::int64_t, std::int64_t>;
  OnnxValueId adaptive_average_pool(OnnxValueId x, std::string_view module, Sides from, Sides to);
  /// [N, C, H, W] -> [N, C, 1, 1]
  OnnxValueId global_average_pool(OnnxValueId x, std::string_view module);
  /// [N, C, 1, 1] -> [N, C]
  OnnxValueId flatten(OnnxValueId x, std::string_view module);

  /// 0 stands for a size that stays.
  OnnxValueId reshape(OnnxValueId x, std::string_view module, std::vector<std::int64_t> shape);
  OnnxValueId transpose(OnnxValueId x, std::string_view module, std::vector<std::int64_t> permutation);

  /// A tensor of the state_dict; the second is no module's, but the network's own.
  OnnxValueId parameter(std::string_view module, std::string_view parameter_name, Shape shape);
  OnnxValueId parameter(std::string_view name, Shape shape);

  /// Modules named from here on stand outside the prefix (a head beside its backbone).
  void leave_prefix() { prefix_.clear(); }
  const std::string& prefix() const { return prefix_; }

  /// Channels of the image that the network takes.
  std::int64_t image_channels() const { return image_channels_; }

  /// Its height and width.
  Sides image_size() const { return image_size_; }

  OnnxEmitter& emitter() { return emitter_; }
  OnnxGraph& graph() { return emitter_.graph(); }
  const std::vector<ExpectedTensor>& expected() const { return expected_; }

 private:
  std::string name_of(std::string_view module) const { return prefix_ + std::string(module); }
  OnnxValueId emit(std::string op_type, std::string_view module, std::vector<OnnxValueId> inputs);

  const StateDict* tensors_;
  std::string prefix_;
  std::int64_t image_channels_;
  Sides image_size_;
  OnnxEmitter emitter_;
  std::vector<ExpectedTensor> expected_;
};

}  // namespace calib8
