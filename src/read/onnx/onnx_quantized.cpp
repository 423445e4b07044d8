#include "read/onnx/onnx_quantized.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "read/onnx/onnx_quantized_numbers.h"
#include "tflite_graph/levels.h"

// https://github.com/onnx/onnx/blob/main/docs/Operators.md and, for the domain com.microsoft,
// https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md.

namespace calib8 {
namespace {

OnnxValueId input(const OnnxNode& node, std::size_t position) {
  return position < node.inputs.size() ? node.inputs[position] : OnnxValueId{};
}

const Tensor* constant(const OnnxUpgrade& upgrade, OnnxValueId value) {
  if (!value.exists()) return nullptr;
  const auto& tensor = upgrade.emitter.graph()[value].constant;
  return tensor ? &*tensor : nullptr;
}

std::string name_of_result(const OnnxUpgrade& upgrade, const OnnxNode& node) {
  return upgrade.emitter.graph()[node.outputs[0]].name;
}

/// Whether nothing below real 0 has a level.
bool cuts_negative(const OnnxUpgrade& upgrade, OnnxValueId zero_point) {
  if (!zero_point.exists()) return true;  // uint8's 0
  const Tensor* zero = constant(upgrade, zero_point);
  return zero && zero->count() == 1 && is_quantized_type(zero->dtype) &&
         to_int64(*zero)[0] == levels_of(zero->dtype).lowest;
}

}  // namespace

/// The real numbers that integers stand for: a constant's elements, what the graph has in their place
/// already, or integers from outside, widened.
OnnxValueId OnnxDequantizer::real(OnnxUpgrade& upgrade, const OnnxNode& node, OnnxValueId value, Scale scale,
                                  std::int64_t axis) {
  if (!value.exists() || reals_.contains(value)) return value;
  OnnxGraph& graph = upgrade.emitter.graph();
  const std::string name = graph[value].name;
  const Tensor* q = constant(upgrade, value);
  const Tensor *factor = constant(upgrade, scale.scale), *zero = constant(upgrade, scale.zero_point);
  if (q && is_integer(*q) && factor && (zero || !scale.zero_point.exists())) {
    auto numbers = real_numbers(*q, *factor, zero, axis);
    if (numbers) return upgrade.emitter.constant(name + ".real", *std::move(numbers));
    upgrade.refusals.add(upgrade.description + " has scales that don't fit '" + name +
                         "', or come in blocks");
    return value;
  }
  const std::string stem = name_of_result(upgrade, node) + "." + name;
  const auto cast = [&](OnnxValueId whole, const std::string& role) {
    return upgrade.emitter.emit("Cast", stem + role, {whole}, {{"to", std::int64_t{1}}});
  };
  if ((factor && factor->count() != 1) || (zero && zero->count() != 1)) {
    upgrade.refusals.add(upgrade.description + " has several scales for '" + name + "', which is computed");
    return value;
  }
  OnnxValueId result = cast(value, ".float");
  if (scale.zero_point.exists())
    result = upgrade.emitter.emit("Sub", stem + ".centered", {result, cast(scale.zero_point, ".zero")});
  return upgrade.emitter.emit("Mul", stem + ".scaled", {result, scale.scale});
}

/// The operand at `position`, with its scale and zero point right behind.
OnnxValueId OnnxDequantizer::real_input(OnnxUpgrade& upgrade, const OnnxNode& node, std::size_t position,
                                        std::int64_t axis) {
  return real(upgrade, node, input(node, position), {input(node, position + 1), input(node, position + 2)},
              axis);
}

/// Notes that the node's result stands for real numbers, and cuts negative ones off where its type does.
void OnnxDequantizer::finish(OnnxNode& node, OnnxUpgrade& upgrade, Scale output) {
  reals_[node.outputs[0]] = output;
  if (!cuts_negative(upgrade, output.zero_point)) return;
  const OnnxValueId between = upgrade.emitter.value(name_of_result(upgrade, node) + ".real");
  upgrade.behind.push_back({"Relu", node.name + "/cut", {between}, {node.outputs[0]}, {}});
  node.outputs[0] = between;
}

void OnnxDequantizer::quantize(OnnxNode& node, OnnxUpgrade& upgrade) {
  const Scale scale{input(node, 1), input(node, 2)};
  const bool is_constant = constant(upgrade, input(node, 0)) != nullptr;
  constexpr std::int64_t of_uint8 = 2;  // TensorProto's number
  const bool has_lowest_0 = scale.zero_point.exists() || node.get_int("output_dtype", of_uint8) == of_uint8;
  node.op_type = "Identity";
  node.inputs.resize(1);
  node.attributes.clear();
  if (is_constant || !has_lowest_0) {  // of weights nothing is cut off
    reals_[node.outputs[0]] = scale;
  } else {
    finish(node, upgrade, scale);
  }
}

/// y = x, with one scale for any and zero point 0: what is computed with them afterwards comes out right. The
/// scale is as fine as one that the file would choose, as biases may be rounded to multiples of it.
void OnnxDequantizer::quantize_dynamically(OnnxNode& node, OnnxUpgrade& upgrade) {
  OnnxGraph& graph = upgrade.emitter.graph();
  const auto become = [&](std::size_t position, Tensor tensor) {
    if (position >= node.outputs.size() || !node.outputs[position].exists()) return;
    OnnxValue& value = graph[node.outputs[position]];
    value.type = static_type(tensor.dtype, tensor.shape);
    value.constant = std::move(tensor);
  };
  constexpr double levels = 4096;
  become(1, make_tensor<float>({}, {static_cast<float>(1 / levels)}));
  become(2, make_tensor<std::uint8_t>({}, {0}));
  reals_[node.outputs[0]] = {.scale = {}, .zero_point = {}, .levels = levels};
  node.op_type = "Identity";
  node.outputs.resize(1);
}

void OnnxDequantizer::dequantize(OnnxNode& node, OnnxUpgrade& upgrade) {
  const OnnxValueId x = real_input(upgrade, node, 0, node.get_int("axis", 1));
  node.op_type = "Identity";
  node.inputs = {x};
  node.attributes.clear();
}

/// QLinearConv: x, scale, zero point, w, scale, zero point, scale and zero point of y, bias.
void OnnxDequantizer::convolution(OnnxNode& node, OnnxUpgrade& upgrade) {
  const Scale output{input(node, 6), input(node, 7)};
  std::vector<OnnxValueId> inputs{real_input(upgrade, node, 0), real_input(upgrade, node, 3)};
  if (const OnnxValueId bias = input(node, 8); bias.exists()) {
    const Tensor *whole = constant(upgrade, bias), *of_x = constant(upgrade, input(node, 1)),
                 *of_w = constant(upgrade, input(node, 4));
    if (!whole || !of_x || !of_w || of_x->count() != 1) {
      upgrade.refusals.add(upgrade.description + " has a bias or scales that are computed");
      return;
    }
    std::vector<float> scales = to_float(*of_w);
    for (float& scale : scales) scale *= to_float(*of_x)[0];
    const Shape shape{static_cast<std::int64_t>(scales.size())};
    auto numbers = real_numbers(*whole, make_tensor(shape, std::move(scales)), nullptr, 0);
    if (!numbers) {
      upgrade.refusals.add(upgrade.description + " has scales that don't fit its bias");
      return;
    }
    inputs.push_back(
        upgrade.emitter.constant(upgrade.emitter.graph()[bias].name + ".real", *std::move(numbers)));
  }
  node.op_type = "Conv";
  node.inputs = std::move(inputs);
  finish(node, upgrade, output);
}

/// QLinearMatMul: a, scale, zero point, b, scale, zero point, scale and zero point of y.
void OnnxDequantizer::product(OnnxNode& node, OnnxUpgrade& upgrade) {
  const Scale output{input(node, 6), input(node, 7)};
  node.inputs = {real_input(upgrade, node, 0, -2), real_input(upgrade, node, 3, -1)};
  node.op_type = "MatMul";
  finish(node, upgrade, output);
}

/// QGemm: a, scale, zero point, b, scale, zero point, c, scale and zero point of y, without which y is float.
void OnnxDequantizer::general_product(OnnxNode& node, OnnxUpgrade& upgrade) {
  const Scale output{input(node, 7), input(node, 8)};
  const bool turns = node.get_int("transB", 0) != 0;
  std::vector<OnnxValueId> inputs{real_input(upgrade, node, 0), real_input(upgrade, node, 3, turns ? 0 : 1)};
  if (const OnnxValueId c = input(node, 6); c.exists()) {
    const OnnxValueId scale = upgrade.emitter.emit("Mul", name_of_result(upgrade, node) + ".scale_of_c",
                                                   {input(node, 1), input(node, 4)});
    const OnnxValueId whole =
        upgrade.emitter.emit("Cast", name_of_result(upgrade, node) + ".c", {c}, {{"to", std::int64_t{1}}});
    // alpha doesn't act on c.
    inputs.push_back(upgrade.emitter.emit("Mul", name_of_result(upgrade, node) + ".real_c", {whole, scale}));
  }
  node.op_type = "Gemm";
  node.inputs = std::move(inputs);
  if (output.scale.exists()) finish(node, upgrade, output);
}

/// ConvInteger and MatMulInteger: a, b, their zero points; the result is scaled afterwards.
void OnnxDequantizer::integer_product(OnnxNode& node, OnnxUpgrade& upgrade) {
  const bool is_convolution = node.op_type == "ConvInteger";
  const std::string name = name_of_result(upgrade, node);
  const auto levels_of_input = [&](std::size_t position) {
    const auto found = reals_.find(input(node, position));
    return found == reals_.end() ? 1.0 : found->second.levels;
  };
  double levels = levels_of_input(0) * levels_of_input(1);
  const OnnxValueId one = upgrade.emitter.number(name + ".one", 1);
  OnnxValueId factor = one;
  if (!reals_.contains(input(node, 1)) && levels != 1)
    factor = upgrade.emitter.number(name + ".levels", std::exchange(levels, 1.0));  // into the weights
  OnnxValueId a = real(upgrade, node, input(node, 0), {one, input(node, 2)}, -2);
  const OnnxValueId b =
      real(upgrade, node, input(node, 1), {factor, input(node, 3)}, is_convolution ? 0 : -1);
  if (levels != 1)
    a = upgrade.emitter.emit("Mul", name + ".whole", {a, upgrade.emitter.number(name + ".levels", levels)});
  node.op_type = is_convolution ? "Conv" : "MatMul";
  node.inputs = {a, b};
  reals_[node.outputs[0]] = {};
}

/// MatMulIntegerToFloat: a, b, scales of both, zero points of both, bias; DynamicQuantizeMatMul: a (float),
/// b, scale and zero point of b, bias.
void OnnxDequantizer::scaled_product(OnnxNode& node, OnnxUpgrade& upgrade) {
  const bool is_dynamic = node.op_type == "DynamicQuantizeMatMul";
  const OnnxValueId bias = input(node, is_dynamic ? 4 : 6);
  OnnxValueId a = input(node, 0), b;
  if (is_dynamic) {
    b = real(upgrade, node, input(node, 1), {input(node, 2), input(node, 3)}, -1);
  } else {
    a = real(upgrade, node, a, {input(node, 2), input(node, 4)}, -2);
    b = real(upgrade, node, input(node, 1), {input(node, 3), input(node, 5)}, -1);
  }
  node.op_type = "MatMul";
  node.inputs = {a, b};
  if (!bias.exists()) return;
  const OnnxValueId between = upgrade.emitter.value(name_of_result(upgrade, node) + ".product");
  upgrade.behind.push_back({"Add", node.name + "/bias", {between, bias}, {node.outputs[0]}, {}});
  node.outputs[0] = between;
}

/// DynamicQuantizeLSTM: the inputs of LSTM, then scale and zero point of W and of R. The last two dimensions
/// of its W [D, I, 4 H] and R [D, H, 4 H] stand the other way round; scales are one for each direction, or
/// one for each of its columns.
void OnnxDequantizer::recurrence(OnnxNode& node, OnnxUpgrade& upgrade) {
  constexpr std::size_t inputs_of_lstm = 8;
  for (const std::size_t matrix : {1u, 2u}) {
    const std::size_t behind = inputs_of_lstm + 2 * (matrix - 1);
    const OnnxValueId weights = input(node, matrix);
    const Tensor *q = constant(upgrade, weights), *scale = constant(upgrade, input(node, behind)),
                 *zero = constant(upgrade, input(node, behind + 1));
    auto numbers =
        q && scale && q->shape.size() == 3 ? numbers_of_directions(*q, *scale, zero) : std::nullopt;
    if (!numbers || (!zero && input(node, behind + 1).exists())) {
      upgrade.refusals.add(upgrade.description + " has weights or scales that are computed, or don't fit");
      return;
    }
    const std::string name = upgrade.emitter.graph()[weights].name + ".real";
    node.inputs[matrix] = upgrade.emitter.constant(name, *std::move(numbers));
  }
  node.inputs.resize(inputs_of_lstm);
  while (!node.inputs.back().exists()) node.inputs.pop_back();
  node.op_type = "LSTM";
}

/// QLinearAdd and QLinearMul: a, scale, zero point, b, scale, zero point, scale and zero point of y.
void OnnxDequantizer::binary(OnnxNode& node, OnnxUpgrade& upgrade) {
  const Scale output{input(node, 6), input(node, 7)};
  node.op_type = node.op_type == "QLinearAdd" ? "Add" : "Mul";
  node.inputs = {real_input(upgrade, node, 0), real_input(upgrade, node, 3)};
  finish(node, upgrade, output);
}

/// x, scale, zero point, scale and zero point of y.
void OnnxDequantizer::unary(OnnxNode& node, OnnxUpgrade& upgrade) {
  const Scale output{input(node, 3), input(node, 4)};
  if (node.get_int("channels_last", 0) != 0)
    upgrade.refusals.add(upgrade.description + " has its channels last");
  node.attributes.erase("channels_last");
  node.attributes.erase("opset");
  node.op_type = node.op_type.substr(std::string_view("QLinear").size());
  node.inputs = {real_input(upgrade, node, 0)};
  finish(node, upgrade, output);
}

/// QLinearConcat: scale and zero point of y, then each part with its scale and zero point.
void OnnxDequantizer::concatenation(OnnxNode& node, OnnxUpgrade& upgrade) {
  const Scale output{input(node, 0), input(node, 1)};
  std::vector<OnnxValueId> parts;
  for (std::size_t i = 2; i < node.inputs.size(); i += 3) parts.push_back(real_input(upgrade, node, i));
  node.op_type = "Concat";
  node.inputs = std::move(parts);
  finish(node, upgrade, output);
}

void OnnxDequantizer::follow(OnnxNode& node, OnnxUpgrade& upgrade) {
  if (reals_.empty()) return;
  const auto found = std::ranges::find_if(
      node.inputs, [&](OnnxValueId value) { return value.exists() && reals_.contains(value); });
  if (found == node.inputs.end() || node.op_type == "Shape" || node.op_type == "Size") return;
  Scale scale = reals_.at(*found);
  const bool fills_in = node.op_type == "Pad" && node.inputs.size() > 2 && node.inputs[2].exists();
  if (fills_in && scale.scale.exists()) node.inputs[2] = real(upgrade, node, node.inputs[2], scale, 0);
  const bool adds = node.op_type == "Add" || node.op_type == "Sub";
  for (OnnxValueId& operand : node.inputs) {  // a bias, rounded to the scale of what it is added to
    if (adds && operand.exists() && !reals_.contains(operand) && is_whole(upgrade.emitter.graph(), operand))
      operand = upgrade.emitter.emit("Cast", name_of_result(upgrade, node) + ".bias", {operand},
                                     {{"to", std::int64_t{1}}});
  }
  if (node.op_type == "Cast" && scale.levels != 1) {
    node.op_type = "Mul";
    node.attributes.clear();
    node.inputs.push_back(upgrade.emitter.number(name_of_result(upgrade, node) + ".levels", scale.levels));
    scale = {};
  }
  for (const OnnxValueId output : node.outputs) {
    if (output.exists()) reals_[output] = scale;
  }
}

bool OnnxDequantizer::knows(std::string_view domain, std::string_view op_type) {
  constexpr std::string_view of_onnx[] = {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear",
                                          "QLinearConv",    "QLinearMatMul",    "ConvInteger",
                                          "MatMulInteger"};
  constexpr std::string_view of_microsoft[] = {
      "QuantizeLinear",        "DequantizeLinear",   "QLinearAdd",     "QLinearMul",
      "QLinearSigmoid",        "QLinearLeakyRelu",   "QLinearSoftmax", "QLinearGlobalAveragePool",
      "QLinearAveragePool",    "QLinearConcat",      "QGemm",          "MatMulIntegerToFloat",
      "DynamicQuantizeMatMul", "DynamicQuantizeLSTM"};
  const auto holds = [&](const auto& list) { return std::ranges::find(list, op_type) != std::end(list); };
  return domain == "com.microsoft" ? holds(of_microsoft)
                                   : (domain.empty() || domain == "ai.onnx") && holds(of_onnx);
}

void OnnxDequantizer::take_apart(OnnxNode& node, OnnxUpgrade& upgrade) {
  ++operators_;
  using Method = void (OnnxDequantizer::*)(OnnxNode&, OnnxUpgrade&);
  constexpr std::pair<std::string_view, Method> methods[] = {
      {"QuantizeLinear", &OnnxDequantizer::quantize},
      {"DequantizeLinear", &OnnxDequantizer::dequantize},
      {"DynamicQuantizeLinear", &OnnxDequantizer::quantize_dynamically},
      {"QLinearConv", &OnnxDequantizer::convolution},
      {"QLinearMatMul", &OnnxDequantizer::product},
      {"QGemm", &OnnxDequantizer::general_product},
      {"ConvInteger", &OnnxDequantizer::integer_product},
      {"MatMulInteger", &OnnxDequantizer::integer_product},
      {"MatMulIntegerToFloat", &OnnxDequantizer::scaled_product},
      {"DynamicQuantizeMatMul", &OnnxDequantizer::scaled_product},
      {"DynamicQuantizeLSTM", &OnnxDequantizer::recurrence},
      {"QLinearAdd", &OnnxDequantizer::binary},
      {"QLinearMul", &OnnxDequantizer::binary},
      {"QLinearConcat", &OnnxDequantizer::concatenation},
  };
  const auto found = std::ranges::find(methods, node.op_type,
                                       [](const auto& entry) -> std::string_view { return entry.first; });
  const Method method = found == std::end(methods) ? &OnnxDequantizer::unary : found->second;
  (this->*method)(node, upgrade);
}

}  // namespace calib8
