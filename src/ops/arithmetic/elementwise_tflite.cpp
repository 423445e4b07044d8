// ADD, SUB, MUL, DIV, MAXIMUM, MINIMUM and the functions of one tensor: versions, options, what XNNPACK
// takes.

#include <algorithm>

#include "ops/arithmetic/elementwise_rows.h"
#include "ops/file_options.h"
#include "ops/infer_tflite.h"
#include "ops/xnnpack.h"

namespace calib8 {
namespace {

std::int64_t rank_of_inputs(const TfliteGraph& graph, const TfliteOperator& op) {
  return static_cast<std::int64_t>(
      std::max(graph[op.inputs.at(0)].shape.size(), graph[op.inputs.at(1)].shape.size()));
}

/// SUB, DIV, MAXIMUM and MINIMUM count a broadcast of more than four dimensions as a version of its own.
bool broadcasts_over_four(const TfliteGraph& graph, const TfliteOperator& op) {
  return graph[op.inputs.at(0)].shape != graph[op.inputs.at(1)].shape && rank_of_inputs(graph, op) > 4;
}

template <int int16_version>
int version_of_broadcast(const TfliteGraph& graph, const TfliteOperator& op) {
  if (input_of(graph, op, 0).dtype == DType::int16) return int16_version;
  return broadcasts_over_four(graph, op) ? 3 : version_by_type<0>(graph, op);
}

int version_of_div(const TfliteGraph& graph, const TfliteOperator& op) {
  return broadcasts_over_four(graph, op) ? 2 : 1;
}

/// s1 * s2 / s_out; 0 where one of them has no scale. In float32, as op_version.cc and the delegate have it.
float product_scale(const TfliteGraph& graph, const TfliteOperator& op) {
  const float output = scale_of(output_of(graph, op));
  if (output == 0) return 0;
  return scale_of(input_of(graph, op, 0)) * scale_of(input_of(graph, op, 1)) / output;
}

int version_of_mul(const TfliteGraph& graph, const TfliteOperator& op) {
  if (input_of(graph, op, 0).dtype == DType::int16) return 4;
  return product_scale(graph, op) >= 1.0f ? 3 : version_by_type<0>(graph, op);
}

/// int8 ADD and SUB: input scale / output scale in [1/1024, 256), else the builtin kernel runs.
bool xnnpack_takes_sum(const TfliteGraph& graph, const TfliteOperator& op) {
  const auto type = xnnpack_type(graph, op);
  if (type != DType::int8) return type.has_value();
  for (const TensorId input : op.inputs) {
    const float ratio = scale_of(graph[input]) / scale_of(output_of(graph, op));
    if (!(ratio >= 1.0f / 1024 && ratio < 256.0f)) return false;
  }
  return true;
}

/// int8 MUL: s1 * s2 / s_out in [1/65536, 256).
bool xnnpack_takes_product(const TfliteGraph& graph, const TfliteOperator& op) {
  const auto type = xnnpack_type(graph, op);
  if (type != DType::int8) return type.has_value();
  const float ratio = product_scale(graph, op);
  return ratio >= 1.0f / 65536 && ratio < 256.0f;
}

template <class Op, class Table, schema::BuiltinOptions type>
TfliteOp::WrittenOptions write_binary(flatbuffers::FlatBufferBuilder& builder,
                                      const tflite::Options& options) {
  typename Table::Builder table(builder);
  table.add_fused_activation_function(to_schema(std::get<Op>(options).activation));
  if constexpr (std::is_base_of_v<tflite::ScaledSum, Op>)
    table.add_pot_scale_int16(std::get<Op>(options).power_of_two_int16);
  return written(type, table.Finish());
}

template <class Op, class Table>
tflite::Options read_binary(const schema::Operator& op) {
  Op options;
  if (const Table* table = options_table<Table>(op)) {
    options.activation = from_schema(table->fused_activation_function());
    if constexpr (std::is_base_of_v<tflite::ScaledSum, Op>)
      options.power_of_two_int16 = table->pot_scale_int16();
  }
  return options;
}

template <class Table, schema::BuiltinOptions type>
TfliteOp::WrittenOptions write_empty(flatbuffers::FlatBufferBuilder& builder, const tflite::Options&) {
  return written(type, typename Table::Builder(builder).Finish());
}

constexpr QuantizationRule same_as_output{OutputRange::same_as_output};
constexpr QuantizationRule sum = own_range_with(ScaleRelation::sum);
constexpr QuantizationRule rsqrt{.relation = ScaleRelation::inverse_root, .has_int16 = false};

using Options = schema::BuiltinOptions;

constexpr OpFamily::TfliteRow tflite_rows[] = {
    {alternative_of<tflite::Add>,
     {.name = tflite::Add::name,
      .inputs = {2, 2},
      .infer = infer_binary,
      .is_elementwise = true,
      .sign = SignEffect::keeps_of_all,
      .builtin_code = 0,
      .rule = sum,
      .version = version_by_type<0>,
      .write = write_binary<tflite::Add, schema::AddOptions, Options::AddOptions>,
      .read = read_binary<tflite::Add, schema::AddOptions>,
      .runs_on_xnnpack = xnnpack_takes_sum,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.5.0", "1.14.0", "2.4.0"});
          }}},
    {alternative_of<tflite::Sub>,
     {.name = tflite::Sub::name,
      .inputs = {2, 2},
      .infer = infer_binary,
      .is_elementwise = true,
      .builtin_code = 41,
      .rule = sum,
      .version = version_of_broadcast<5>,
      .write = write_binary<tflite::Sub, schema::SubOptions, Options::SubOptions>,
      .read = read_binary<tflite::Sub, schema::SubOptions>,
      .runs_on_xnnpack = xnnpack_takes_sum,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.6.0", "1.14.0", "2.3.0", "2.4.0", "2.4.0"});
          }}},
    {alternative_of<tflite::Mul>,
     {.name = tflite::Mul::name,
      .inputs = {2, 2},
      .infer = infer_binary,
      .is_elementwise = true,
      .builtin_code = 18,
      .rule = own_range_with(ScaleRelation::product),
      .version = version_of_mul,
      .write = write_binary<tflite::Mul, schema::MulOptions, Options::MulOptions>,
      .read = read_binary<tflite::Mul, schema::MulOptions>,
      .runs_on_xnnpack = xnnpack_takes_product,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.5.0", "1.14.0", "1.15.0", "2.3.0"});
          }}},
    {alternative_of<tflite::Div>,
     {.name = tflite::Div::name,
      .inputs = {2, 2},
      .infer = infer_binary,
      .is_elementwise = true,
      .builtin_code = 42,
      .rule = keep_float("its int8 kernel saturates where the quotient is near 0"),
      .version = version_of_div,
      .write = write_binary<tflite::Div, schema::DivOptions, Options::DivOptions>,
      .read = read_binary<tflite::Div, schema::DivOptions>,
      .runs_on_xnnpack = xnnpack_float_only,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.6.0", "2.3.0"});
          }}},
    {alternative_of<tflite::Maximum>,
     {.name = tflite::Maximum::name,
      .inputs = {2, 2},
      .infer = infer_binary,
      .is_elementwise = true,
      .sign = SignEffect::keeps_of_all,
      .builtin_code = 55,
      .rule = same_as_output,
      .version = version_of_broadcast<4>,
      .write = write_empty<schema::MaximumMinimumOptions, Options::MaximumMinimumOptions>,
      .read = read_plain<tflite::Maximum>,
      .runs_on_xnnpack = xnnpack_float_only,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.14.0", "1.14.0", "2.3.0", "2.3.0"});
          }}},
    {alternative_of<tflite::Minimum>,
     {.name = tflite::Minimum::name,
      .inputs = {2, 2},
      .infer = infer_binary,
      .is_elementwise = true,
      .builtin_code = 57,
      .rule = same_as_output,
      .version = version_of_broadcast<4>,
      .write = write_empty<schema::MaximumMinimumOptions, Options::MaximumMinimumOptions>,
      .read = read_plain<tflite::Minimum>,
      .runs_on_xnnpack = xnnpack_float_only,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.14.0", "1.14.0", "2.3.0", "2.3.0"});
          }}},
    {alternative_of<tflite::Exp>,
     {.name = tflite::Exp::name,
      .infer = infer_unary<real_types>,
      .is_elementwise = true,
      .sign = SignEffect::never_negative,
      .builtin_code = 47,
      .rule = int8_only(OutputRange::own_range),
      .version = version_by_type<0>,
      .write = write_empty<schema::ExpOptions, Options::ExpOptions>,
      .read = read_plain<tflite::Exp>,
      .runs_on_xnnpack = xnnpack_float_only,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.7.0", "2.12.0"});
          }}},
    {alternative_of<tflite::Log>,
     {.name = tflite::Log::name,
      .infer = infer_unary<real_types>,
      .is_elementwise = true,
      .builtin_code = 73,
      .rule = int8_only(OutputRange::own_range),
      .version = version_by_type<0>,
      .read = read_plain<tflite::Log>,
      .runs_on_xnnpack = xnnpack_float_only,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.14.0", "2.15.0"});
          }}},
    {alternative_of<tflite::Sqrt>,
     {.name = tflite::Sqrt::name,
      .infer = infer_unary<real_types>,
      .is_elementwise = true,
      .sign = SignEffect::never_negative,
      .builtin_code = 75,
      .rule = int8_only(OutputRange::own_range),
      .version = version_by_type<0>,
      .read = read_plain<tflite::Sqrt>,
      .runs_on_xnnpack = xnnpack_float_only,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.10.0", "2.21.0"});
          }}},
    {alternative_of<tflite::Rsqrt>,
     {.name = tflite::Rsqrt::name,
      .infer = infer_unary<real_types>,
      .is_elementwise = true,
      .builtin_code = 76,
      .rule = rsqrt,
      .version = version_by_type<0>,
      .read = read_plain<tflite::Rsqrt>,
      .runs_on_xnnpack = xnnpack_float_only,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.10.0", "2.5.0"});
          }}},
    {alternative_of<tflite::Abs>,
     {.name = tflite::Abs::name,
      .infer = infer_unary<number_types>,
      .is_elementwise = true,
      .sign = SignEffect::never_negative,
      .builtin_code = 101,
      .rule = own_range_with(ScaleRelation::rescaled),
      .version = version_by_type<0>,
      .write = write_empty<schema::AbsOptions, Options::AbsOptions>,
      .read = read_plain<tflite::Abs>,
      .runs_on_xnnpack = xnnpack_float_only,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.13.0", "2.4.0", "2.8.0"});
          }}},
    {alternative_of<tflite::Neg>,
     {.name = tflite::Neg::name,
      .infer = infer_unary<number_types>,
      .is_elementwise = true,
      .builtin_code = 59,
      .rule = keep_float("its int8 kernel ignores the zero point"),
      .write = write_empty<schema::NegOptions, Options::NegOptions>,
      .read = read_plain<tflite::Neg>,
      .runs_on_xnnpack = xnnpack_float_only,
      .minimum_runtime = [](int) -> std::string_view { return "1.9.0"; }}},
};

}  // namespace

std::span<const OpFamily::TfliteRow> elementwise_tflite_rows() {
  return tflite_rows;
}

}  // namespace calib8
