#include "optimize/quantization_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tflite_graph/describe.h"

namespace calib8 {
namespace {

/// Below it multipliers lose their meaning in the kernels' fixed-point arithmetic; quantization floors at
/// 1e-7.
constexpr float smallest_scale = 1e-8f;

/// XNNPACK's limits: for ADD and SUB of input scale / output scale, for MUL of the inputs' product / output
/// scale.
constexpr double smallest_sum_ratio = 1.0 / 1024, smallest_product_ratio = 1.0 / 65536, ratio_bound = 256;

template <class... Op>
bool is_any(const TfliteOperator& op) {
  return (op.is<Op>() || ...);
}

/// Whether the tensor stands for real numbers.
bool is_real(const TfliteTensor& tensor) {
  return is_floating(tensor.dtype) || is_quantized_type(tensor.dtype);
}

std::pair<std::int64_t, std::int64_t> zero_point_range(DType dtype) {
  if (dtype == DType::int8) return {-128, 127};
  if (dtype == DType::uint8) return {0, 255};
  return {0, 0};  // int16 and int32 are symmetric
}

std::string quantization_text(const TfliteTensor& tensor) {
  return tensor.quantization ? to_text(*tensor.quantization) : "none";
}

/// Calls visit(tensor) for each input and output that stands for real numbers.
template <class Visit>
void for_each_real(const OperatorCheck& check, Visit visit) {
  for (const TensorId id : check.op.inputs) {
    if (id.exists() && is_real(check.graph[id])) visit(check.graph[id]);
  }
  for (const TensorId id : check.op.outputs) {
    if (is_real(check.graph[id])) visit(check.graph[id]);
  }
}

double scale_of(const TfliteTensor& tensor) {
  return tensor.quantization && tensor.quantization->scales.size() == 1 ? tensor.quantization->scales[0] : 0;
}

}  // namespace

void OperatorCheck::report(const std::string& message) const {
  const std::string name = op.outputs.empty() ? "" : graph[op.outputs[0]].name;
  findings.push_back(fmt::format("{} '{}': {}", row.name, name, message));
}

bool is_quantized_type(DType dtype) {
  return dtype == DType::int8 || dtype == DType::uint8 || dtype == DType::int16;
}

void check_quantization(const TfliteTensor& tensor, std::vector<std::string>& findings) {
  const auto report = [&](const std::string& message) {
    findings.push_back(fmt::format("tensor '{}': {}", tensor.name, message));
  };
  if (!tensor.quantization) {
    if (is_quantized_type(tensor.dtype)) report(fmt::format("{} without a scale", name_of(tensor.dtype)));
    return;
  }
  const auto& [scales, zero_points, axis] = *tensor.quantization;
  if (is_floating(tensor.dtype)) return report("float, yet with a scale");
  if (!tensor.is_constant() && scales.size() != 1) {
    report(fmt::format("{} scales, but an activation has one", scales.size()));
  }
  const bool is_bias = tensor.dtype == DType::int32;
  const auto is_usable = [&](float scale) {
    return std::isnormal(scale) && scale > 0 && (is_bias || scale >= smallest_scale);
  };
  if (const auto bad = std::ranges::find_if_not(scales, is_usable); bad != scales.end()) {
    report(fmt::format("scale {} (channel {}) is too small for the kernels", *bad, bad - scales.begin()));
  }
  const auto [low, high] = zero_point_range(tensor.dtype);
  const auto fits = [&](std::int64_t zero_point) { return zero_point >= low && zero_point <= high; };
  if (const auto bad = std::ranges::find_if_not(zero_points, fits); bad != zero_points.end()) {
    report(fmt::format("zero point {} is outside of [{}, {}]", *bad, low, high));
  }
}

void check_one_type(const OperatorCheck& check) {
  if (check.row.rule.output == OutputRange::no_range) return;
  if (is_any<tflite::Quantize, tflite::Dequantize>(check.op)) return;
  const TfliteTensor& output = check.output();
  if (!is_real(output)) return;
  const auto& weights = check.row.rule.weights;
  for (std::size_t i = 0; i < check.op.inputs.size(); ++i) {
    if (!check.has_input(i) || !is_real(check.input(i)) || check.input(i).dtype == output.dtype) continue;
    // Float activations may meet int8 weights, which the kernel expands; float16 ones it misreads.
    const bool is_hybrid = output.dtype == DType::float32 && check.input(i).dtype == DType::int8 && weights &&
                           i == weights->input;
    if (is_hybrid) continue;
    check.report(fmt::format("reads '{}' of {}, writes {}", check.input(i).name,
                             name_of(check.input(i).dtype), name_of(output.dtype)));
  }
}

void check_shared_quantization(const OperatorCheck& check) {
  const OutputRange rule = check.row.rule.output;
  if (rule != OutputRange::same_as_input && rule != OutputRange::same_as_output) return;
  const TfliteTensor& output = check.output();
  for_each_real(check, [&](const TfliteTensor& tensor) {
    if (!is_quantized_type(tensor.dtype) || tensor.quantization == output.quantization) return;
    check.report(fmt::format("'{}' has {} but '{}' has {}; this operator moves bytes, so they must be equal",
                             tensor.name, quantization_text(tensor), output.name, quantization_text(output)));
  });
}

void check_fixed_output(const OperatorCheck& check) {
  const QuantizationRule& rule = check.row.rule;
  const TfliteTensor& output = check.output();
  if (rule.output != OutputRange::fixed || output.dtype != DType::int8) return;
  const Quantization fixed = per_tensor(rule.fixed_scale, rule.fixed_zero_point);
  if (output.quantization == fixed) return;
  check.report(fmt::format("output has {}, the kernel writes {}", quantization_text(output), to_text(fixed)));
}

void check_kept_float(const OperatorCheck& check) {
  const bool has_wrong_kernel = is_any<tflite::Div, tflite::Neg>(check.op);
  if (check.row.rule.output != OutputRange::keep_float && !has_wrong_kernel) return;
  if (is_any<tflite::Quantize, tflite::Dequantize>(check.op)) return;  // the bridges between the types
  bool is_quantized = false;
  for_each_real(check, [&](const TfliteTensor& tensor) {
    is_quantized = is_quantized || is_quantized_type(tensor.dtype);
  });
  if (is_quantized) check.report("has no right integer kernel and must stay in float");
}

void check_scale_ratios(const OperatorCheck& check) {
  const bool is_sum = is_any<tflite::Add, tflite::Sub>(check.op);
  if (!is_sum && !check.op.is<tflite::Mul>()) return;
  const double a = scale_of(check.input(0)), b = scale_of(check.input(1)), out = scale_of(check.output());
  if (a <= 0 || b <= 0 || out <= 0) return;  // float, or reported for its scale
  const auto hold = [&](double ratio, double smallest, std::string_view what) {
    if (ratio >= smallest && ratio < ratio_bound) return;
    check.report(fmt::format("{} / output scale is {:.3g}, outside of [{:.3g}, {})", what, ratio, smallest,
                             ratio_bound));
  };
  if (is_sum) {
    hold(a / out, smallest_sum_ratio, "scale of input 0");
    hold(b / out, smallest_sum_ratio, "scale of input 1");
  } else {
    hold(a * b / out, smallest_product_ratio, "product of input scales");
  }
}

void check_hybrid_depthwise(const OperatorCheck& check) {
  if (!check.op.is<tflite::DepthwiseConv2D>() || check.output().dtype != DType::float32) return;
  const auto& scales = check.input(1).quantization;
  if (!scales || scales->scales.size() != 1 || check.input(1).shape.at(3) == 1) return;
  check.report(
      "float with int8 weights of one scale, which LiteRT's kernel gets wrong; give each channel its own");
}

}  // namespace calib8
