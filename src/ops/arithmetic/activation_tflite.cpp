// LOGISTIC, TANH, RELU, RELU6, HARD_SWISH, ELU, PRELU, LEAKY_RELU, GELU: rules, versions, options, what
// XNNPACK takes.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ops/arithmetic/activation_rows.h"
#include "ops/file_options.h"
#include "ops/infer_tflite.h"
#include "ops/xnnpack.h"

namespace calib8 {
namespace {

/// The slope broadcasts to the shape of `x`.
std::vector<TensorType> infer_prelu(const OperatorView& view) {
  view.require_type(0, real_types);
  const TfliteTensor &x = view.input(0), &slope = view.input(1);
  if (slope.dtype != x.dtype) {
    view.fail(fmt::format("its operands are {} and {}", name_of(x.dtype), name_of(slope.dtype)));
  }
  if (broadcast(view, x.shape, slope.shape) != x.shape) {
    view.fail(
        fmt::format("slopes of {} don't fit an input of {}", to_string(slope.shape), to_string(x.shape)));
  }
  return {{x.dtype, x.shape}};
}

std::vector<TensorType> infer_leaky_relu(const OperatorView& view) {
  if (const float alpha = view.options<tflite::LeakyRelu>().alpha; !std::isfinite(alpha)) {
    view.fail(fmt::format("its slope is {}", alpha));
  }
  return infer_like_input(view, real_types);
}

/// In float32 the delegate refuses a slope of 0. In int8 it takes 1/256 <= s <= 128 for s = input scale /
/// output scale, and the same for alpha * s but for its sign.
constexpr QuantizationRule table(float scale, std::int32_t zero_point) {
  return {.output = OutputRange::fixed,
          .fixed_scale = scale,
          .fixed_zero_point = zero_point,
          .relation = ScaleRelation::table};
}

QuantizationRule leaky_relu_rule(const TfliteGraph&, const TfliteOperator& op, const TargetTraits&) {
  QuantizationRule rule = own_range_with(ScaleRelation::rescaled);
  rule.gain = std::max(1.0f, std::abs(std::get<tflite::LeakyRelu>(op.options).alpha));
  return rule;
}

bool leaky_relu_on_xnnpack(const TfliteGraph& graph, const TfliteOperator& op) {
  const TfliteTensor &x = input_of(graph, op, 0), &y = output_of(graph, op);
  const float alpha = std::get<tflite::LeakyRelu>(op.options).alpha;
  const auto type = xnnpack_type({&x, &y});
  if (type != DType::int8) return type.has_value() && std::isnormal(alpha);
  const float above = x.quantization->scales[0] / y.quantization->scales[0];
  const float below = above * alpha;
  constexpr float least = 1.0f / 256.0f;
  return above >= least && above <= 128.0f && std::abs(below) >= least && below >= -127.99609375f &&
         below <= 128.0f;
}

bool prelu_on_xnnpack(const TfliteGraph& graph, const TfliteOperator& op) {
  return xnnpack_float_only(graph, op) && input_of(graph, op, 1).is_constant() &&
         input_of(graph, op, 1).dtype == DType::float32;
}

TfliteOp::WrittenOptions write_leaky_relu(flatbuffers::FlatBufferBuilder& builder,
                                          const tflite::Options& options) {
  return written(schema::BuiltinOptions::LeakyReluOptions,
                 schema::CreateLeakyReluOptions(builder, std::get<tflite::LeakyRelu>(options).alpha));
}

tflite::Options read_leaky_relu(const schema::Operator& op) {
  const auto* table = options_table<schema::LeakyReluOptions>(op);
  return table ? tflite::LeakyRelu{table->alpha()} : tflite::LeakyRelu{};
}

TfliteOp::WrittenOptions write_gelu(flatbuffers::FlatBufferBuilder& builder, const tflite::Options& options) {
  return written(schema::BuiltinOptions::GeluOptions,
                 schema::CreateGeluOptions(builder, std::get<tflite::Gelu>(options).approximate));
}

tflite::Options read_gelu(const schema::Operator& op) {
  const auto* table = options_table<schema::GeluOptions>(op);
  return table ? tflite::Gelu{table->approximate()} : tflite::Gelu{};
}

const OpFamily::TfliteRow rows[] = {
    {alternative_of<tflite::Logistic>,
     {.name = tflite::Logistic::name,
      .infer = infer_unary<real_types>,
      .is_elementwise = true,
      .sign = SignEffect::never_negative,
      .builtin_code = 14,
      .rule = table(1.0f / 256.0f, -128),
      .version = version_by_type<0>,
      .read = read_plain<tflite::Logistic>,
      .runs_on_xnnpack = xnnpack_any_scales,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.14.0", "1.14.0", "2.3.0"});
          }}},
    {alternative_of<tflite::Tanh>,
     {.name = tflite::Tanh::name,
      .infer = infer_unary<real_types>,
      .is_elementwise = true,
      .builtin_code = 28,
      .rule = table(1.0f / 128.0f, 0),
      .version = version_by_type<0>,
      .read = read_plain<tflite::Tanh>,
      .runs_on_xnnpack = xnnpack_any_scales,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.14.0", "1.14.0", "2.3.0"});
          }}},
    {alternative_of<tflite::Relu>,
     {.name = tflite::Relu::name,
      .infer = infer_unary<real_types>,
      .is_elementwise = true,
      .sign = SignEffect::never_negative,
      .builtin_code = 19,
      .rule = own_range_with(ScaleRelation::rescaled),
      .version = version_by_type<0>,
      .read = read_plain<tflite::Relu>,
      .runs_on_xnnpack = xnnpack_float_only,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.5.0", "2.1.0", "2.5.0"});
          }}},
    {alternative_of<tflite::Relu6>,
     {.name = tflite::Relu6::name,
      .infer = infer_unary<real_types>,
      .is_elementwise = true,
      .sign = SignEffect::never_negative,
      .builtin_code = 21,
      .rule = own_range_with(ScaleRelation::rescaled),
      .version = version_by_type<0>,
      .read = read_plain<tflite::Relu6>,
      .runs_on_xnnpack = xnnpack_float_only,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.5.0", "1.14.0", "2.5.0"});
          }}},
    {alternative_of<tflite::HardSwish>,
     {.name = tflite::HardSwish::name,
      .infer = infer_unary<real_types>,
      .is_elementwise = true,
      .builtin_code = 117,
      .rule = int8_only(OutputRange::own_range),
      .read = read_plain<tflite::HardSwish>,
      .runs_on_xnnpack = xnnpack_float_only,
      .minimum_runtime = [](int) -> std::string_view { return "1.15.0"; }}},
    {alternative_of<tflite::Elu>,
     {.name = tflite::Elu::name,
      .infer = infer_unary<real_types>,
      .is_elementwise = true,
      .builtin_code = 111,
      .rule = int8_only(OutputRange::own_range),
      .read = read_plain<tflite::Elu>,
      .runs_on_xnnpack = xnnpack_any_scales,
      .minimum_runtime = [](int) -> std::string_view { return "1.14.0"; }}},
    // PRELU's int8 kernel is not delegated and about sixty times slower than the float one between two
    // conversions.
    {alternative_of<tflite::PRelu>,
     {.name = tflite::PRelu::name,
      .inputs = {2, 2},
      .infer = infer_prelu,
      .is_elementwise = true,
      .builtin_code = 54,
      .rule = keep_float("its int8 kernel is slow"),
      .read = read_plain<tflite::PRelu>,
      .runs_on_xnnpack = prelu_on_xnnpack,
      .minimum_runtime = [](int) -> std::string_view { return "1.8.0"; }}},
    {alternative_of<tflite::LeakyRelu>,
     {.name = tflite::LeakyRelu::name,
      .infer = infer_leaky_relu,
      .is_elementwise = true,
      .builtin_code = 98,
      .rule = leaky_relu_rule,
      .version =
          [](const TfliteGraph& graph, const TfliteOperator& op) {
            return input_of(graph, op, 0).dtype == DType::int16 ? 2 : 1;
          },
      .write = write_leaky_relu,
      .read = read_leaky_relu,
      .runs_on_xnnpack = leaky_relu_on_xnnpack,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.13.1", "2.3.0"});
          }}},
    {alternative_of<tflite::Gelu>,
     {.name = tflite::Gelu::name,
      .infer = infer_unary<real_types>,
      .is_elementwise = true,
      .builtin_code = 150,
      .rule = int8_only(OutputRange::own_range),
      .version = version_by_type<0, 1>,
      .write = write_gelu,
      .read = read_gelu,
      .runs_on_xnnpack = xnnpack_float_only,
      .minimum_runtime = [](int) -> std::string_view { return "2.9.0"; }}},
};

}  // namespace

std::span<const OpFamily::TfliteRow> activation_tflite_rows() {
  return rows;
}

}  // namespace calib8
