#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "onnx_graph/emitter.h"
#include "read/modules/pickled_module.h"

namespace calib8 {

using Values = std::vector<OnnxValueId>;

/// Writes what forward() of pickled modules computes as an OnnxGraph: run() finds the module's row
/// (module_rows.h), which calls the functions below and run() for the modules inside.
///
/// Each node is named after its module and given its type at once, so rows may ask for shapes; the graph's
/// inputs have known sizes, the batch is 1. All functions fail with ErrorCode::model, naming the module or
/// the node, where attributes and weights don't go together.
class ForwardBuilder {
 public:
  /// forward() of a module, of one value, of several (what forward() takes as a list), or giving out several.
  OnnxValueId run(const PickledModule& module, OnnxValueId x);
  OnnxValueId run(const PickledModule& module, const Values& x);
  Values run_all(const PickledModule& module, const Values& x);
  /// The same of the module of that name in `self`.
  OnnxValueId run(const PickledModule& self, std::string_view child, OnnxValueId x) {
    return run(self.child(child), x);
  }
  /// The same of several, one after another.
  OnnxValueId run_named(const PickledModule& self, OnnxValueId x,
                        std::initializer_list<const char*> children);
  /// forward() of all modules in `self`, one after another.
  OnnxValueId run_in_turn(const PickledModule& self, OnnxValueId x);
  /// `y`, and each of the modules in `list` on what the one before gave out, the first on the last of `y`.
  Values run_dense(const PickledModule& list, Values y);

  using Attributes = std::map<std::string, OnnxAttribute>;
  /// A node named after the module, with `part` behind it where that isn't empty.
  OnnxValueId emit(const PickledModule& self, std::string op_type, Values inputs, Attributes attributes = {},
                   std::string_view part = {});
  /// Notes the types of what OnnxEmitter's own functions have made.
  OnnxValueId typed(OnnxValueId value);

  /// A parameter or buffer as float32; fails where it is absent.
  OnnxValueId weight(const PickledModule& self, std::string_view name);
  /// The same; absent where it is None.
  OnnxValueId weight_or_none(const PickledModule& self, std::string_view name);
  OnnxValueId constant(const PickledModule& self, std::string_view part, Tensor tensor);
  OnnxValueId integers(const PickledModule& self, std::string_view part, std::vector<std::int64_t> values);
  OnnxValueId number(const PickledModule& self, std::string_view part, double value);

  OnnxValueId add(const PickledModule& self, OnnxValueId a, OnnxValueId b);
  OnnxValueId multiply(const PickledModule& self, OnnxValueId a, OnnxValueId b);
  OnnxValueId matmul(const PickledModule& self, OnnxValueId a, OnnxValueId b);
  OnnxValueId concat(const PickledModule& self, Values values, std::int64_t axis);
  /// Elements [begin, end) along one axis.
  OnnxValueId slice(const PickledModule& self, OnnxValueId x, std::int64_t axis, std::int64_t begin,
                    std::int64_t end);
  /// Parts of these sizes along one axis.
  Values split(const PickledModule& self, OnnxValueId x, const std::vector<std::int64_t>& sizes,
               std::int64_t axis);
  /// Two halves of the channels.
  Values halves(const PickledModule& self, OnnxValueId x);
  /// 0 keeps a dimension, -1 is what remains; the batch is kept by 0.
  OnnxValueId reshape(const PickledModule& self, OnnxValueId x, std::vector<std::int64_t> sizes);
  OnnxValueId transpose(const PickledModule& self, OnnxValueId x, std::vector<std::int64_t> order);
  OnnxValueId softmax(const PickledModule& self, OnnxValueId x, std::int64_t axis);
  OnnxValueId sigmoid(const PickledModule& self, OnnxValueId x);
  OnnxValueId silu(const PickledModule& self, OnnxValueId x);
  OnnxValueId relu(const PickledModule& self, OnnxValueId x);
  /// [N, C, ...] -> [N, C, 1, ...]
  OnnxValueId global_average(const PickledModule& self, OnnxValueId x);
  OnnxValueId flatten(const PickledModule& self, OnnxValueId x);
  /// torch.nn.functional's pools of two dimensions, the same in both.
  OnnxValueId max_pool(const PickledModule& self, OnnxValueId x, std::int64_t kernel, std::int64_t stride,
                       std::int64_t padding);
  OnnxValueId average_pool(const PickledModule& self, OnnxValueId x, std::int64_t kernel, std::int64_t stride,
                           std::int64_t padding);

  /// torch.nn.functional.interpolate by nearest neighbours, [N, C, H, W] to a size in pixels.
  OnnxValueId resize_nearest(const PickledModule& self, OnnxValueId x, std::int64_t height,
                             std::int64_t width);
  /// The same by a whole factor.
  OnnxValueId enlarge(const PickledModule& self, OnnxValueId x, std::int64_t factor);

  /// The sizes of a value, all known; fails, naming the module, where they aren't.
  Shape shape(const PickledModule& self, OnnxValueId x) const;
  /// The same, where the module needs so many dimensions.
  Shape shape(const PickledModule& self, OnnxValueId x, std::size_t rank) const;

  OnnxEmitter& emitter() { return emitter_; }

 private:
  static std::string name_of(const PickledModule& self, std::string_view part = {});

  OnnxEmitter emitter_;
  std::size_t nodes_ = 0;
};

}  // namespace calib8
