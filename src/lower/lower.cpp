#include "lower/lower.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "calib8/error.h"
#include "ops/lowering.h"
#include "ops/verify.h"

namespace calib8 {
namespace {

constexpr std::size_t image_rank = 4;

/// One lowering at work: the two graphs, which tensor stands for which value, and what can't be lowered.
class Driver {
 public:
  Driver(const OnnxGraph& source, bool keep_output_axes)
      : source_(source), keep_output_axes_(keep_output_axes), tensors_(source.value_count()) {}

  TfliteGraph run() {
    for (const OnnxValueId input : source_.inputs()) add_input(input);
    for (const OnnxNodeId node : source_.nodes()) add_node(source_[node]);
    for (const OnnxValueId output : source_.outputs()) add_output(output);
    if (refusals_.empty()) refuse_what_litert_refuses();
    if (!refusals_.empty()) throw_refusals();
    target_.set_inputs(inputs_);
    target_.set_outputs(outputs_);
    verify(target_, "lower");
    return std::move(target_);
  }

 private:
  void refuse(std::string what) { refusals_.push_back(std::move(what)); }

  /// What ONNX can say and TFLite too, but no kernel takes: seven dimensions, strides of 40,000, no elements.
  void refuse_what_litert_refuses() {
    for (const TensorId id : inputs_) {
      if (auto refusal = refusal_of(target_[id])) return refuse("input " + *refusal);
    }
    for (const OperatorId id : target_.nodes()) {
      if (auto refusal = refusal_of(target_, id)) refuse(std::move(*refusal));
    }
  }

  void add_input(OnnxValueId id) {
    const OnnxValue& value = source_[id];
    if (!value.type || !value.type->is_static()) {
      refuse("input '" + value.name + "' has no fixed shape (give one with --input-size)");
      return place_hold(id);
    }
    if (value.type->dtype != DType::float32) {
      refuse("input '" + value.name + "' is of type " + std::string(name_of(value.type->dtype)) +
             "; only float32 can be quantized");
      return place_hold(id);
    }
    const Shape shape = value.type->static_shape();
    if (element_count(shape) == 0) {
      refuse("input '" + value.name + "' of shape " + to_string(shape) + " has no elements");
      return place_hold(id);
    }
    if (!fits_tflite(shape)) {
      refuse("input '" + value.name + "' of shape " + to_string(shape) +
             " is larger than a tensor of TFLite can be");
      return place_hold(id);
    }
    const bool is_image = shape.size() == image_rank;
    const Shape outside = is_image ? Shape{shape[0], shape[2], shape[3], shape[1]} : shape;
    const TensorId input =
        target_.add_value({value.name, DType::float32, outside, std::nullopt, std::nullopt});
    inputs_.push_back(input);
    target_.input_names.push_back(value.name);
    tensors_[id.index] = is_image ? transpose(input, {0, 3, 1, 2}, value.name + "/channels_first") : input;
  }

  void add_node(const OnnxNode& node) {
    const std::string name = node.op_type + " '" + node.name + "': ";
    const OnnxOp* row = find_onnx_op(node.op_type);
    if (!row || !row->lower) {
      refuse(name + "the operator isn't supported");
    } else if (!are_static(node.inputs)) {
      // What made them unknown is upstream, and reported there.
    } else if (!are_static(node.outputs)) {
      refuse(name + "the shape of its output isn't known");
    } else if (const OnnxValueId large = too_large(node.outputs); large.exists()) {
      refuse(name + "its output of shape " + to_string(source_[large].type->static_shape()) +
             " is larger than a tensor of TFLite can be");
    } else if (const OnnxValueId spoilt = first_with_nan(node.inputs); spoilt.exists()) {
      refuse(name + "its constant '" + source_[spoilt].name + "' holds NaN");
    } else if (makes_something_of_nothing(node)) {
      refuse(name + "it computes with an empty tensor");
    } else {
      Lowering lowering(source_, node, target_, tensors_);
      try {
        if (const Refusal refusal = row->lower(lowering)) refuse(name + *refusal);
      } catch (const Error& error) {
        if (error.code() != ErrorCode::model) throw;
        refuse(error.what());  // Names the node itself.
      }
    }
    for (const OnnxValueId output : node.outputs) {
      if (output.exists() && !tensors_[output.index].exists()) place_hold(output);
    }
  }

  bool are_static(const std::vector<OnnxValueId>& values) const {
    return std::all_of(values.begin(), values.end(), [&](OnnxValueId id) {
      return !id.exists() || source_[id].constant || (source_[id].type && source_[id].type->is_static());
    });
  }

  /// The first value that doesn't fit a tensor of TFLite; absent where all do.
  OnnxValueId too_large(const std::vector<OnnxValueId>& values) const {
    const auto found = std::find_if(values.begin(), values.end(), [&](OnnxValueId id) {
      return id.exists() && !fits_tflite(source_[id].type->static_shape());
    });
    return found == values.end() ? OnnxValueId{} : *found;
  }

  /// The first constant among the values that holds NaN, which would spoil every result; absent where none
  /// does. Each constant is looked through once.
  OnnxValueId first_with_nan(const std::vector<OnnxValueId>& values) {
    for (const OnnxValueId id : values) {
      if (!id.exists() || !source_[id].constant || !is_floating(source_[id].constant->dtype)) continue;
      if (!known_to_hold_numbers_.insert(id.index).second) continue;
      const Tensor& constant = *source_[id].constant;
      const bool is_float = constant.dtype == DType::float32;
      const std::vector<float> widened = is_float ? std::vector<float>{} : to_float(constant);
      const std::span<const float> elements =
          is_float ? constant.as<float>() : std::span<const float>(widened);
      if (std::any_of(elements.begin(), elements.end(), [](float element) { return std::isnan(element); }))
        return id;
    }
    return {};
  }

  /// True where an input holds no elements and an output does. (Concat leaves empty parts out.) What is empty
  /// throughout ends at an output, or nowhere.
  bool makes_something_of_nothing(const OnnxNode& node) const {
    const auto is_empty = [&](OnnxValueId id) {
      return id.exists() && source_[id].type && source_[id].type->is_static() && !source_[id].constant &&
             element_count(source_[id].type->static_shape()) == 0;
    };
    return node.op_type != "Concat" && std::any_of(node.inputs.begin(), node.inputs.end(), is_empty) &&
           !std::all_of(node.outputs.begin(), node.outputs.end(), is_empty);
  }

  /// Lets the nodes behind a refused one be looked at too; such a graph is never returned.
  void place_hold(OnnxValueId id) {
    const OnnxValue& value = source_[id];
    const bool is_static = value.type && value.type->is_static();
    tensors_[id.index] =
        target_.add_value({value.name, value.type ? value.type->dtype : DType::float32,
                           is_static ? value.type->static_shape() : Shape{}, std::nullopt, std::nullopt});
  }

  void add_output(OnnxValueId id) {
    const OnnxValue& value = source_[id];
    TensorId tensor = tensors_[id.index];
    if (!tensor.exists() || target_.is_constant(tensor))
      return refuse("output '" + value.name + "' is a constant");
    if (element_count(target_[tensor].shape) == 0)
      return refuse("output '" + value.name + "' of shape " + to_string(target_[tensor].shape) +
                    " has no elements");
    if (!keep_output_axes_ && target_[tensor].shape.size() == image_rank &&
        target_[tensor].dtype == DType::float32)
      tensor = transpose(tensor, {0, 2, 3, 1}, value.name);
    // LiteRT wants each output written by an operator, and each a tensor of its own.
    if (!given_out_.insert(tensor.index).second || !target_.producer(tensor).exists())
      tensor = copy(tensor, value.name);
    outputs_.push_back(tensor);
    target_.output_names.push_back(value.name);
  }

  TensorId copy(TensorId tensor, const std::string& name) {
    const Shape shape = target_[tensor].shape;
    const std::vector<std::int32_t> sizes(shape.begin(), shape.end());
    const TensorId constant = target_.add_constant(name + "/shape", sizes);
    return target_.emit(tflite::Reshape{sizes}, {tensor, constant}, name, shape, target_[tensor].dtype);
  }

  TensorId transpose(TensorId tensor, const std::vector<std::int32_t>& permutation, const std::string& name) {
    Shape shape;
    for (const std::int32_t axis : permutation) shape.push_back(target_[tensor].shape[axis]);
    const TensorId constant = target_.add_constant(name + "/permutation", permutation);
    return target_.emit(tflite::Transpose{}, {tensor, constant}, name, shape);
  }

  [[noreturn]] void throw_refusals() const {
    std::string message = refusals_.size() == 1
                              ? "this can't be converted to TFLite: "
                              : std::to_string(refusals_.size()) + " things can't be converted to TFLite: ";
    constexpr std::size_t most_shown = 20, longest = 4000;  // one line that a person can read
    std::size_t shown = 0;
    for (; shown < std::min(refusals_.size(), most_shown) && message.size() < longest; ++shown)
      message += (shown == 0 ? "" : "; ") + refusals_[shown];
    if (refusals_.size() > shown) message += "; and " + std::to_string(refusals_.size() - shown) + " more";
    throw Error(ErrorCode::model, message);
  }

  const OnnxGraph& source_;
  bool keep_output_axes_;
  TfliteGraph target_;
  std::vector<TensorId> tensors_;  ///< By the ONNX value's index.
  std::vector<TensorId> inputs_, outputs_;
  std::unordered_set<std::uint32_t> known_to_hold_numbers_;  ///< Indices of constants without NaN.
  std::unordered_set<std::uint32_t> given_out_;              ///< Indices of outputs_.
  std::vector<std::string> refusals_;
};

}  // namespace

TfliteGraph lower(const OnnxGraph& graph, bool keep_output_axes) {
  return Driver(graph, keep_output_axes).run();
}

}  // namespace calib8
