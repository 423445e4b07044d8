#include "read/onnx/onnx_newer.h"

#include <utility>

namespace calib8 {
namespace {

using Values = std::vector<OnnxValueId>;

/// Appends a node in front of the one that is upgraded.
OnnxValueId before(OnnxUpgrade& upgrade, const OnnxNode& node, const std::string& op_type, Values inputs,
                   std::map<std::string, OnnxAttribute> attributes = {}) {
  const std::string name = upgrade.emitter.graph()[node.outputs[0]].name + "." + op_type;
  return upgrade.emitter.emit(op_type, name, std::move(inputs), std::move(attributes));
}

OnnxValueId number(OnnxUpgrade& upgrade, const OnnxNode& node, const std::string& role, float value) {
  return upgrade.emitter.number(upgrade.emitter.graph()[node.outputs[0]].name + "." + role, value);
}

}  // namespace

void replace_swish(OnnxNode& node, OnnxUpgrade& upgrade) {
  const float alpha = node.get_float("alpha", 1.0f);
  const OnnxValueId x = node.inputs[0];
  const OnnxValueId scaled =
      alpha == 1.0f ? x : before(upgrade, node, "Mul", {x, number(upgrade, node, "alpha", alpha)});
  const OnnxValueId gate = before(upgrade, node, "Sigmoid", {scaled});
  node.op_type = "Mul";
  node.inputs = {x, gate};
  node.attributes.clear();
}

void replace_root_mean_square(OnnxNode& node, OnnxUpgrade& upgrade) {
  const std::int64_t axis = node.get_int("axis", -1);
  if (axis >= 0) {
    upgrade.refusals.add(upgrade.description + " counts its axis from the front");
    return;
  }
  std::vector<std::int64_t> axes;
  for (std::int64_t i = axis; i < 0; ++i) axes.push_back(i);
  const std::string& name = upgrade.emitter.graph()[node.outputs[0]].name;
  const OnnxValueId x = node.inputs[0], scale = node.inputs[1];
  const OnnxValueId squares = before(upgrade, node, "Mul", {x, x});
  const OnnxValueId mean = before(upgrade, node, "ReduceMean",
                                  {squares, upgrade.emitter.integers(name + ".axes", std::move(axes))});
  const OnnxValueId epsilon = number(upgrade, node, "epsilon", node.get_float("epsilon", 1e-5f));
  const OnnxValueId root = before(upgrade, node, "Sqrt", {before(upgrade, node, "Add", {mean, epsilon})});
  const OnnxValueId quotient = before(upgrade, node, "Div", {x, root});
  node.op_type = "Mul";
  node.inputs = {quotient, scale};
  node.outputs.resize(1);
  node.attributes.clear();
}

/// A BatchNormalization of mean 0 and variance 1 is a factor and an offset per channel, whatever the rank.
void replace_group_normalization(OnnxNode& node, OnnxUpgrade& upgrade) {
  if (node.inputs.size() != 3) return;  // said by check_inputs
  const Tensor* scale = upgrade.emitter.graph().constant_input(node, 1);
  const std::int64_t groups = node.get_int("num_groups", 0);
  if (!scale || groups < 1 || groups > scale->count()) {
    upgrade.refusals.add(upgrade.description +
                         " has a scale that is not constant, or doesn't fit its groups");
    return;
  }
  const std::string name = upgrade.emitter.graph()[node.outputs[0]].name;
  const auto filled = [&](const std::string& role, std::int64_t count, float value) {
    const std::vector<float> values(static_cast<std::size_t>(count), value);
    return upgrade.emitter.constant(name + "." + role, make_tensor({count}, values));
  };
  const std::int64_t channels = scale->count();
  const OnnxValueId own_scale = node.inputs[1], own_shift = node.inputs[2], result = node.outputs[0];
  const OnnxValueId normalized = upgrade.emitter.value(name + ".normalized");
  node.inputs = {node.inputs[0], filled("ones", groups, 1), filled("zeros", groups, 0)};
  node.outputs = {normalized};
  node.attributes.erase("stash_type");
  upgrade.behind.push_back(
      {"BatchNormalization",
       node.name + "/affine",
       {normalized, own_scale, own_shift, filled("mean", channels, 0), filled("variance", channels, 1)},
       {result},
       {{"epsilon", 0.0f}}});
}

}  // namespace calib8
