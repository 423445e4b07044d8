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

template <class... Op>
bool is_any(const TfliteOperator& op) {
  return (op.is<Op>() || ...);
}

/// Whether the tensor stands for real numbers. Without a scale, int8 and uint8 are whole numbers like any
/// others: raw pictures.
bool is_real(const TfliteTensor& tensor) {
  return is_floating(tensor.dtype) || (is_quantized_type(tensor.dtype) && tensor.quantization);
}

std::pair<std::int64_t, std::int64_t> zero_point_range(DType dtype) {
  if (!is_quantized_type(dtype) || levels_of(dtype).is_symmetric) return {0, 0};
  return {levels_of(dtype).lowest, levels_of(dtype).highest};
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

void check_quantization(const TfliteTensor& tensor, std::vector<std::string>& findings) {
  const auto report = [&](const std::string& message) {
    findings.push_back(fmt::format("tensor '{}': {}", tensor.name, message));
  };
  if (!tensor.quantization) return;
  const auto& [scales, zero_points, axis] = *tensor.quantization;
  if (is_floating(tensor.dtype)) return report("float, yet with a scale");
  if (!tensor.is_constant() && scales.size() != 1) {
    report(fmt::format("{} scales, but an activation has one", scales.size()));
  }
  const bool is_bias = tensor.dtype == DType::int32 || tensor.dtype == DType::int64;
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

void check_scales_present(const OperatorCheck& check) {
  const OutputRange rule = check.rule().output;
  if (rule != OutputRange::own_range && rule != OutputRange::fixed) return;
  const auto hold = [&](const TfliteTensor& tensor) {
    if (!is_quantized_type(tensor.dtype) || tensor.quantization) return;
    check.findings.push_back(
        fmt::format("tensor '{}': {} without a scale", tensor.name, name_of(tensor.dtype)));
  };
  for (const TensorId id : check.op.inputs) {
    if (id.exists() && !check.graph.producer(id).exists()) hold(check.graph[id]);
  }
  for (const TensorId id : check.op.outputs) hold(check.graph[id]);
}

void check_one_type(const OperatorCheck& check) {
  const QuantizationRule rule = check.rule();
  if (rule.output == OutputRange::no_range) return;
  const TfliteTensor& output = check.output();
  if (!is_real(output)) return;
  const auto& weights = rule.weights;
  for (std::size_t i = 0; i < check.op.inputs.size(); ++i) {
    if (!check.has_input(i) || !is_real(check.input(i)) || check.input(i).dtype == output.dtype) continue;
    // int8 weights meet int16 activations, and float ones, for which the kernel expands them; float16 weights
    // it misreads.
    if (check.input(i).dtype == DType::int8 && weights && i == weights->input) continue;
    check.report(fmt::format("reads '{}' of {}, writes {}", check.input(i).name,
                             name_of(check.input(i).dtype), name_of(output.dtype)));
  }
}

void check_shared_quantization(const OperatorCheck& check) {
  const OutputRange rule = check.rule().output;
  if (rule != OutputRange::same_as_input && rule != OutputRange::same_as_output) return;
  const TfliteTensor& output = check.output();
  for_each_real(check, [&](const TfliteTensor& tensor) {
    if (!is_quantized_type(tensor.dtype) || tensor.quantization == output.quantization) return;
    check.report(fmt::format("'{}' has {} but '{}' has {}; this operator moves bytes, so they must be equal",
                             tensor.name, quantization_text(tensor), output.name, quantization_text(output)));
  });
}

void check_fixed_output(const OperatorCheck& check) {
  const QuantizationRule rule = check.rule();
  const TfliteTensor& output = check.output();
  if (rule.output != OutputRange::fixed || !is_quantized_type(output.dtype)) return;
  const Quantization fixed = fixed_quantization(rule, output.dtype);
  if (output.quantization == fixed) return;
  check.report(fmt::format("output has {}, the kernel writes {}", quantization_text(output), to_text(fixed)));
}

void check_kept_float(const OperatorCheck& check) {
  const QuantizationRule rule = check.rule();
  const bool lacks_every_kernel = rule.output == OutputRange::keep_float;
  if (!lacks_every_kernel && rule.has_int16) return;
  bool is_wrong = false;
  for_each_real(check, [&](const TfliteTensor& tensor) {
    is_wrong |= tensor.dtype == DType::int16 || (lacks_every_kernel && is_quantized_type(tensor.dtype));
  });
  if (is_wrong) check.report("has no right integer kernel and must stay in float");
}

void check_scale_ratios(const OperatorCheck& check) {
  const ScaleRelation relation = check.rule().relation;
  if (relation == ScaleRelation::none || relation == ScaleRelation::weighted) return;
  const ScaleLimits& limits = check.target.limits(check.output().dtype);
  if (relation == ScaleRelation::table) {
    const double scale = scale_of(check.input(0));
    if (scale < limits.table_input_bound) return;
    return check.report(
        fmt::format("input scale is {:.3g}, not below {:.3g}", scale, limits.table_input_bound));
  }
  const bool has_two = relation != ScaleRelation::rescaled && relation != ScaleRelation::inverse_root;
  const double a = scale_of(check.input(0)), b = has_two ? scale_of(check.input(1)) : 1;
  const double out = scale_of(check.output());
  if (a <= 0 || b <= 0 || out <= 0) return;  // float, or reported for its scale
  const auto hold = [&](double ratio, double smallest, double bound, std::string_view what) {
    if (ratio >= smallest && ratio < bound) return;
    check.report(
        fmt::format("{} / output scale is {:.3g}, outside of [{:.3g}, {})", what, ratio, smallest, bound));
  };
  if (relation == ScaleRelation::sum) {
    hold(a / out, limits.smallest_sum_ratio, limits.sum_ratio_bound, "scale of input 0");
    hold(b / out, limits.smallest_sum_ratio, limits.sum_ratio_bound, "scale of input 1");
  } else if (relation == ScaleRelation::product) {
    hold(a * b / out, limits.smallest_product_ratio, limits.product_ratio_bound, "product of input scales");
  } else if (relation == ScaleRelation::rescaled) {
    const double gain = check.rule().gain;
    hold(gain * a / out, 0, limits.rescaling_bound, gain == 1 ? "input scale" : "gain * input scale");
  } else if (relation == ScaleRelation::inverse_root) {
    hold(1 / (std::sqrt(a) * out), limits.smallest_inverse_root, limits.inverse_root_bound,
         "inverse root of the input scale");
  } else {
    hold(a * b / out, 0, limits.multiplier_bound, "product of input scales");
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
