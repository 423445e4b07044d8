#include "read/onnx/onnx_microsoft.h"

#include <algorithm>
#include <utility>

#include "read/onnx/onnx_newer.h"

// The operators of https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md that its
// graph optimizer makes of ordinary ones.

namespace calib8 {
namespace {

/// The node itself becomes the first of a row of operators, and its output is that of the last.
class Chain {
 public:
  Chain(OnnxNode& node, OnnxUpgrade& upgrade) : node_(node), upgrade_(upgrade) {}

  /// The next operator over what the row has computed so far and `others`.
  void append(const std::string& op_type, std::vector<OnnxValueId> others = {},
              std::map<std::string, OnnxAttribute> attributes = {}) {
    OnnxNode next{op_type, node_.name + "/" + op_type, {}, {}, std::move(attributes)};
    OnnxNode& before = upgrade_.behind.empty() ? node_ : upgrade_.behind.back();
    const OnnxValueId between = upgrade_.emitter.value(node_.name + "/" + before.op_type);
    next.outputs = {before.outputs[0]};
    before.outputs = {between};
    next.inputs = {between};
    next.inputs.insert(next.inputs.end(), others.begin(), others.end());
    upgrade_.behind.push_back(std::move(next));
  }

 private:
  OnnxNode& node_;
  OnnxUpgrade& upgrade_;
};

OnnxValueId input(const OnnxNode& node, std::size_t position) {
  return position < node.inputs.size() ? node.inputs[position] : OnnxValueId{};
}

void become(OnnxNode& node, std::string op_type, std::vector<OnnxValueId> inputs,
            std::map<std::string, OnnxAttribute> attributes = {}) {
  node.op_type = std::move(op_type);
  node.inputs = std::move(inputs);
  node.attributes = std::move(attributes);
}

/// x [+ bias], then GELU in one of its forms.
void replace_gelu(OnnxNode& node, OnnxUpgrade& upgrade, bool approximates) {
  std::map<std::string, OnnxAttribute> form;
  if (approximates) form.emplace("approximate", std::string("tanh"));
  const OnnxValueId bias = input(node, 1);
  if (!bias.exists()) return become(node, "Gelu", {input(node, 0)}, std::move(form));
  become(node, "Add", {input(node, 0), bias});
  Chain(node, upgrade).append("Gelu", {}, std::move(form));
}

/// x / sqrt(mean of its squares + epsilon) * scale, of what the row has computed so far.
void append_root_mean_square(Chain& chain, OnnxUpgrade& upgrade, const OnnxNode& node, OnnxValueId scale,
                             float epsilon) {
  const OnnxValueId x = upgrade.behind.back().inputs[0];
  chain.append("Mul", {x});
  chain.append("ReduceMean", {upgrade.emitter.integers(node.name + "/axes", {-1})});
  chain.append("Add", {upgrade.emitter.number(node.name + "/epsilon", epsilon)});
  chain.append("Sqrt");
  chain.append("Reciprocal");
  chain.append("Mul", {x});
  chain.append("Mul", {scale});
}

/// input + skip [+ bias], normalized.
void replace_skip_normalization(OnnxNode& node, OnnxUpgrade& upgrade, bool is_simplified) {
  const float epsilon = node.get_float("epsilon", is_simplified ? 1e-6f : 1e-12f);
  std::vector<OnnxValueId> parameters{input(node, 2)};
  const OnnxValueId shift = is_simplified ? OnnxValueId{} : input(node, 3);
  if (shift.exists()) parameters.push_back(shift);
  const OnnxValueId bias = input(node, is_simplified ? 3 : 4);
  // Statistics stand between the result and the sum; nobody asks for them in inference.
  const OnnxValueId sum = node.outputs.size() > 3 ? node.outputs[3] : OnnxValueId{};
  node.outputs.resize(1);
  become(node, "Add", {input(node, 0), input(node, 1)});
  Chain chain(node, upgrade);
  if (bias.exists()) chain.append("Add", {bias});
  // A row of one more: what normalization reads is the sum.
  chain.append("Identity");
  const OnnxValueId before = upgrade.behind.back().inputs[0];
  if (is_simplified) {
    append_root_mean_square(chain, upgrade, node, parameters[0], epsilon);
  } else {
    chain.append("LayerNormalization", parameters, {{"epsilon", epsilon}, {"axis", std::int64_t{-1}}});
  }
  if (sum.exists()) upgrade.behind.push_back({"Identity", node.name + "/sum", {before}, {sum}, {}});
}

/// A convolution or product with its activation.
void replace_fused(OnnxNode& node, OnnxUpgrade& upgrade, const std::string& op_type) {
  const std::string activation = node.get_string("activation", "");
  const std::vector<float> parameters = node.get_floats("activation_params", {});
  const float alpha = node.get_float("activation_alpha", parameters.empty() ? 0.01f : parameters[0]);
  std::map<std::string, OnnxAttribute> attributes = node.attributes;
  std::erase_if(attributes, [](const auto& attribute) { return attribute.first.starts_with("activation"); });
  if (op_type == "Conv" && input(node, 3).exists()) {
    upgrade.refusals.add(upgrade.description + " adds a fourth input");
    return;
  }
  become(node, op_type, node.inputs, std::move(attributes));
  if (activation.empty()) return;
  Chain chain(node, upgrade);
  if (activation == "LeakyRelu") return chain.append(activation, {}, {{"alpha", alpha}});
  if (activation == "HardSigmoid") {
    const float beta = node.get_float("activation_beta", parameters.size() > 1 ? parameters[1] : 0.5f);
    return chain.append(activation, {}, {{"alpha", alpha}, {"beta", beta}});
  }
  if (activation == "Clip") {
    const float low = parameters.empty() ? -3.4e38f : parameters[0];
    const float high = parameters.size() > 1 ? parameters[1] : 3.4e38f;
    return chain.append(activation, {upgrade.emitter.number(node.name + "/low", low),
                                     upgrade.emitter.number(node.name + "/high", high)});
  }
  chain.append(activation);
}

/// alpha * (a or its transpose) times (b or its transpose), in the last two dimensions of a matrix.
void replace_matmul(OnnxNode& node, OnnxUpgrade& upgrade) {
  const float alpha = node.get_float("alpha", 1.0f);
  const bool turns = node.get_int("transA", 0) != 0 || node.get_int("transB", 0) != 0;
  if (turns) {
    upgrade.refusals.add(upgrade.description + " transposes its factors");
    return;
  }
  become(node, "MatMul", {input(node, 0), input(node, 1)});
  if (alpha != 1.0f)
    Chain(node, upgrade).append("Mul", {upgrade.emitter.number(node.name + "/alpha", alpha)});
}

using Replace = void (*)(OnnxNode&, OnnxUpgrade&);
constexpr std::pair<std::string_view, Replace> operators[] = {
    {"BiasGelu", [](OnnxNode& node, OnnxUpgrade& upgrade) { replace_gelu(node, upgrade, false); }},
    {"FastGelu", [](OnnxNode& node, OnnxUpgrade& upgrade) { replace_gelu(node, upgrade, true); }},
    {"FusedConv", [](OnnxNode& node, OnnxUpgrade& upgrade) { replace_fused(node, upgrade, "Conv"); }},
    {"FusedGemm", [](OnnxNode& node, OnnxUpgrade& upgrade) { replace_fused(node, upgrade, "Gemm"); }},
    {"FusedMatMul", replace_matmul},
    {"Gelu", [](OnnxNode& node, OnnxUpgrade& upgrade) { replace_gelu(node, upgrade, false); }},
    {"QuickGelu",
     [](OnnxNode& node, OnnxUpgrade& upgrade) {
       become(node, "Swish", {input(node, 0)}, {{"alpha", node.get_float("alpha", 1.702f)}});
       replace_swish(node, upgrade);
     }},
    {"SkipLayerNormalization",
     [](OnnxNode& node, OnnxUpgrade& upgrade) { replace_skip_normalization(node, upgrade, false); }},
    {"SkipSimplifiedLayerNormalization",
     [](OnnxNode& node, OnnxUpgrade& upgrade) { replace_skip_normalization(node, upgrade, true); }},
};

const std::pair<std::string_view, Replace>* find(std::string_view op_type) {
  const auto found = std::find_if(std::begin(operators), std::end(operators),
                                  [&](const auto& row) { return row.first == op_type; });
  return found == std::end(operators) ? nullptr : found;
}

}  // namespace

bool is_microsoft_operator(std::string_view op_type) {
  return find(op_type) != nullptr;
}

void replace_microsoft_operator(OnnxNode& node, OnnxUpgrade& upgrade) {
  find(node.op_type)->second(node, upgrade);
}

}  // namespace calib8
