#include "read/onnx/onnx_upgrade.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "read/onnx/onnx_newer.h"

// The changes of https://github.com/onnx/onnx/blob/main/docs/Changelog.md between opsets 7 and 25, for the
// operators that calib8 knows: a new operator that changed on the way adds its line to the rules below.
// Versions that only admit more element types aren't listed.

namespace calib8 {
namespace {

OnnxValueId add_constant(OnnxUpgrade& upgrade, const OnnxNode& node, const std::string& role, Tensor tensor) {
  const std::string wanted = upgrade.emitter.graph()[node.outputs[0]].name + "." + role;
  return upgrade.emitter.constant(wanted, std::move(tensor));
}

Tensor integers(std::vector<std::int64_t> values) {
  const Shape shape{static_cast<std::int64_t>(values.size())};
  return make_tensor(shape, std::move(values));
}

/// Moves a list of integers from an attribute to an input; nothing where there is none.
void move_to_input(OnnxNode& node, OnnxUpgrade& upgrade, const std::string& attribute, std::size_t position) {
  if (!node.has(attribute)) return;
  std::vector<std::int64_t> values = node.get_ints(attribute, {});
  node.attributes.erase(attribute);
  if (node.inputs.size() <= position) node.inputs.resize(position + 1);
  node.inputs[position] = add_constant(upgrade, node, attribute, integers(std::move(values)));
}

void move_axes(OnnxNode& node, OnnxUpgrade& upgrade) {
  move_to_input(node, upgrade, "axes", 1);
}

/// 1.x: attributes min and max; 11: inputs.
void upgrade_clip(OnnxNode& node, OnnxUpgrade& upgrade) {
  constexpr float lowest = std::numeric_limits<float>::lowest(), largest = std::numeric_limits<float>::max();
  node.inputs.resize(1);
  for (const auto& [attribute, fallback] : {std::pair{"min", lowest}, std::pair{"max", largest}}) {
    const float bound = node.get_float(attribute, fallback);
    node.inputs.push_back(bound == fallback
                              ? OnnxValueId{}
                              : add_constant(upgrade, node, attribute, make_tensor<float>({}, {bound})));
    node.attributes.erase(attribute);
  }
}

/// Whatever the version, in inference it passes its input on. 12: the third input may switch training on.
void upgrade_dropout(OnnxNode& node, OnnxUpgrade& upgrade) {
  if (node.inputs.size() > 2 && node.inputs[2].exists()) {
    const Tensor* training = upgrade.emitter.graph().constant_input(node, 2);
    if (!training || training->dtype != DType::boolean || training->count() != 1 || training->as<bool>()[0]) {
      upgrade.refusals.add(upgrade.description +
                           " is in training mode (export the model after model.eval())");
    }
  }
  node.inputs.resize(1);
  node.attributes.clear();
}

/// 7: attribute spatial; before 14, more than one output meant training, from then on an attribute does.
void upgrade_batch_norm(OnnxNode& node, OnnxUpgrade& upgrade) {
  if (node.outputs.size() > 1 || node.get_int("training_mode", 0) != 0) {
    upgrade.refusals.add(upgrade.description + " is in training mode (export the model after model.eval())");
  }
  if (node.get_int("spatial", 1) != 1)
    upgrade.refusals.add(upgrade.description + " normalizes each pixel (spatial=0)");
  node.attributes.erase("spatial");
  node.attributes.erase("momentum");
  node.attributes.erase("training_mode");
}

/// 2: attributes pads and value; 11: inputs.
void upgrade_pad(OnnxNode& node, OnnxUpgrade& upgrade) {
  move_to_input(node, upgrade, "pads", 1);
  const float value = node.get_float("value", 0);
  node.attributes.erase("value");
  if (value == 0 || node.inputs.size() < 2) return;
  node.inputs.push_back(add_constant(upgrade, node, "value", make_tensor<float>({}, {value})));
}

/// 1: attributes; 10: inputs.
void upgrade_slice(OnnxNode& node, OnnxUpgrade& upgrade) {
  move_to_input(node, upgrade, "starts", 1);
  move_to_input(node, upgrade, "ends", 2);
  move_to_input(node, upgrade, "axes", 3);
}

/// 2: attribute split; 13: input; 18: where it is left out, num_outputs says how many equal parts there are.
void upgrade_split(OnnxNode& node, OnnxUpgrade& upgrade) {
  move_to_input(node, upgrade, "split", 1);
  const bool has_split = node.inputs.size() > 1 && node.inputs[1].exists();
  if (!has_split && !node.has("num_outputs")) {
    node.attributes["num_outputs"] = static_cast<std::int64_t>(node.outputs.size());
  }
}

/// Before 13 all axes from `axis` (default 1) on were one; from 13 on, softmax goes along one axis (default
/// -1).
///   Softmax(axis=k) -> y      =>      Flatten(axis=k) -> Softmax(axis=-1) -> Reshape(to x's shape) -> y
/// Simplifying takes the first and the last away again where the axis is the last one of two.
void upgrade_softmax(OnnxNode& node, OnnxUpgrade& upgrade) {
  const std::int64_t axis = node.get_int("axis", 1);
  node.attributes["axis"] = std::int64_t{-1};
  if (axis == -1) return;
  const std::string& name = upgrade.emitter.graph()[node.outputs[0]].name;
  const auto add_value = [&](const std::string& role) { return upgrade.emitter.value(name + "." + role); };
  const OnnxValueId input = node.inputs[0], output = node.outputs[0];
  const OnnxValueId flat = add_value("flat"), result = add_value("rows"), shape = add_value("shape");
  upgrade.emitter.graph().append({"Flatten", node.name + "/flatten", {input}, {flat}, {{"axis", axis}}});
  node.inputs[0] = flat;
  node.outputs[0] = result;
  upgrade.behind.push_back({"Shape", node.name + "/shape", {input}, {shape}, {}});
  upgrade.behind.push_back({"Reshape", node.name + "/reshape", {result, shape}, {output}, {}});
}

/// Upsample 7: attribute scales; 9: input. Resize 10 (of which Upsample is the older name) knows one
/// convention only, that 11 calls asymmetric, rounding down.
void upgrade_resize(OnnxNode& node, OnnxUpgrade& upgrade) {
  if (node.has("scales")) {
    std::vector<float> scales = node.get_floats("scales", {});
    const Shape shape{static_cast<std::int64_t>(scales.size())};
    node.attributes.erase("scales");
    node.inputs.resize(1);
    node.inputs.push_back(add_constant(upgrade, node, "scales", make_tensor(shape, std::move(scales))));
  }
  if (node.inputs.size() != 2) {
    upgrade.refusals.add(upgrade.description + " has no scales");
    return;
  }
  node.op_type = "Resize";
  node.inputs = {node.inputs[0], OnnxValueId{}, node.inputs[1]};
  if (node.get_string("mode", "nearest") == "bilinear") node.attributes["mode"] = std::string("linear");
  node.attributes["coordinate_transformation_mode"] = std::string("asymmetric");
  node.attributes["nearest_mode"] = std::string("floor");
}

/// 11 had a mode of its own for TensorFlow 1.
void check_resize(OnnxNode& node, OnnxUpgrade& upgrade) {
  if (node.get_string("coordinate_transformation_mode", "half_pixel") == "tf_half_pixel_for_nn") {
    upgrade.refusals.add(upgrade.description + " uses coordinate_transformation_mode tf_half_pixel_for_nn");
  }
}

/// 1: attribute k; 10: input.
void upgrade_topk(OnnxNode& node, OnnxUpgrade& upgrade) {
  if (!node.has("k")) return;
  const std::int64_t k = node.get_int("k", 1);
  node.attributes.erase("k");
  node.inputs.resize(1);
  node.inputs.push_back(add_constant(upgrade, node, "k", integers({k})));
}

/// 17: attribute axis, the first one behind the batch by default; 20: input, the last one of the signal's.
void upgrade_dft(OnnxNode& node, OnnxUpgrade& upgrade) {
  const std::int64_t axis = node.get_int("axis", 1);
  node.attributes.erase("axis");
  node.inputs.resize(3);
  node.inputs[2] = add_constant(upgrade, node, "axis", make_tensor<std::int64_t>({}, {axis}));
}

struct Rule {
  std::string_view op_type;
  std::int64_t first, last;  ///< The opsets whose nodes need it.
  void (*upgrade)(OnnxNode& node, OnnxUpgrade& upgrade);
};

constexpr Rule rules[] = {
    {"BatchNormalization", 7, 25, upgrade_batch_norm},
    {"Clip", 7, 10, upgrade_clip},
    {"DFT", 17, 19, upgrade_dft},
    {"Dropout", 7, 25, upgrade_dropout},
    {"Pad", 7, 10, upgrade_pad},
    {"GroupNormalization", 21, 25, replace_group_normalization},
    {"Hardmax", 7, 12, upgrade_softmax},
    {"LogSoftmax", 7, 12, upgrade_softmax},
    {"ReduceL1", 7, 17, move_axes},
    {"ReduceL2", 7, 17, move_axes},
    {"ReduceLogSum", 7, 17, move_axes},
    {"ReduceLogSumExp", 7, 17, move_axes},
    {"ReduceMax", 7, 17, move_axes},
    {"ReduceMean", 7, 17, move_axes},
    {"ReduceMin", 7, 17, move_axes},
    {"ReduceProd", 7, 17, move_axes},
    {"ReduceSum", 7, 12, move_axes},
    {"ReduceSumSquare", 7, 17, move_axes},
    {"Resize", 10, 10, upgrade_resize},
    {"Resize", 11, 12, check_resize},
    {"RMSNormalization", 23, 25, replace_root_mean_square},
    {"Scatter", 7, 10, [](OnnxNode& node, OnnxUpgrade&) { node.op_type = "ScatterElements"; }},
    {"SimplifiedLayerNormalization", 7, 25, replace_root_mean_square},
    {"Slice", 7, 9, upgrade_slice},
    {"Softmax", 7, 12, upgrade_softmax},
    {"Split", 7, 17, upgrade_split},
    {"Squeeze", 7, 12, move_axes},
    {"Swish", 24, 25, replace_swish},
    {"TopK", 7, 9, upgrade_topk},
    {"Unsqueeze", 7, 12, move_axes},
    {"Upsample", 7, 9, upgrade_resize},
};

}  // namespace

void upgrade_onnx_node(OnnxNode& node, OnnxUpgrade& upgrade) {
  const std::string op_type = node.op_type;  // a rule may rename it
  for (const Rule& rule : rules) {
    if (rule.op_type == op_type && upgrade.opset >= rule.first && upgrade.opset <= rule.last) {
      rule.upgrade(node, upgrade);
    }
  }
}

bool is_upgraded_away(std::string_view op_type) {
  constexpr std::string_view gone[] = {"RMSNormalization", "Scatter", "SimplifiedLayerNormalization", "Swish",
                                       "Upsample"};
  return std::find(std::begin(gone), std::end(gone), op_type) != std::end(gone);
}

}  // namespace calib8
