// Cast, CastLike; CAST.

#include <cmath>
#include <limits>
#include <type_traits>

#include "calib8/error.h"
#include "container/tensor_type.h"
#include "onnx_graph/data_type.h"
#include "ops/all_ops.h"
#include "ops/emit.h"
#include "ops/formula.h"
#include "ops/infer.h"
#include "ops/plain_rows.h"
#include "ops/strided.h"

namespace calib8 {
namespace {

// --- ONNX ---

std::vector<OnnxType> infer_cast(const NodeView& view) {
  const auto dtype = dtype_of_onnx(view.node.get_int("to", 0));
  if (!dtype)
    view.fail("casts to type " + std::to_string(view.node.get_int("to", 0)) + ", which is not supported");
  return {{*dtype, view.input_type(0).shape}};
}

/// The elements as To; nothing where a real number doesn't fit an integer type (ONNX leaves that open).
template <class To, class From>
std::optional<std::vector<To>> cast_all(std::span<const From> values) {
  std::vector<To> result;
  result.reserve(values.size());
  for (const From value : values) {
    if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To> && !std::is_same_v<To, bool>) {
      // 2^digits is exact in every floating type; one below the smallest integer still truncates to it.
      const From above = std::ldexp(From{1}, std::numeric_limits<To>::digits);
      const From below = std::is_signed_v<To> ? -above : From{0};
      if (!(value < above && (value >= below || std::trunc(value) == below))) return std::nullopt;
    }
    result.push_back(static_cast<To>(value));
  }
  return result;
}

template <class To, class From>
std::vector<Tensor> cast_tensor(const Tensor& tensor) {
  auto values = cast_all<To, From>(tensor.as<From>());
  if (!values) return {};
  if constexpr (std::is_same_v<To, bool>) {
    std::vector<std::uint8_t> bytes(values->begin(),
                                    values->end());  // std::vector<bool> has no elements to point to
    return {{DType::boolean, tensor.shape, Data::from_vector(std::move(bytes))}};
  } else {
    return {make_tensor(tensor.shape, std::move(*values))};
  }
}

template <class From>
std::vector<Tensor> cast_from(const Tensor& tensor, DType to) {
  switch (to) {
    case DType::float32:
      return cast_tensor<float, From>(tensor);
    case DType::float64:
      return cast_tensor<double, From>(tensor);
    case DType::int8:
      return cast_tensor<std::int8_t, From>(tensor);
    case DType::uint8:
      return cast_tensor<std::uint8_t, From>(tensor);
    case DType::int32:
      return cast_tensor<std::int32_t, From>(tensor);
    case DType::int64:
      return cast_tensor<std::int64_t, From>(tensor);
    case DType::boolean:
      return cast_tensor<bool, From>(tensor);
    default:
      return {};
  }
}

std::vector<Tensor> fold_cast(const NodeView& view) {
  const Tensor* tensor = view.constant(0);
  if (!tensor) return {};
  const DType to = infer_cast(view)[0].dtype;
  if (tensor->dtype == to) return {*tensor};
  switch (tensor->dtype) {
    case DType::float32:
      return cast_from<float>(*tensor, to);
    case DType::float64:
      return cast_from<double>(*tensor, to);
    case DType::float16:
    case DType::bfloat16:
      return cast_from<float>(make_tensor(tensor->shape, to_float(*tensor)), to);
    case DType::int8:
      return cast_from<std::int8_t>(*tensor, to);
    case DType::uint8:
      return cast_from<std::uint8_t>(*tensor, to);
    case DType::int32:
      return cast_from<std::int32_t>(*tensor, to);
    case DType::int64:
      return cast_from<std::int64_t>(*tensor, to);
    case DType::boolean:
      return cast_from<bool>(*tensor, to);
    default:
      return {};
  }
}

Refusal lower_cast(Lowering& lowering) {
  if (Refusal refusal = refuse_unmovable(lowering)) return refusal;
  Formula f(lowering);
  const TensorId x = f.input(0);
  const DType to = lowered_dtype(infer_cast(lowering)[0].dtype);
  f.result(f.cast(x, to));
  return std::nullopt;
}

/// Simplifying makes a Cast of it.
std::vector<OnnxType> infer_cast_like(const NodeView& view) {
  return {{view.input_type(1).dtype, view.input_type(0).shape}};
}

const OnnxOp onnx_rows[] = {
    {.type = "Cast",
     .inputs = {1, 1},
     .infer = infer_cast,
     .fold = fold_cast,
     .lower = lower_cast,
     .traits = {.elements = elements_of_first_input}},
    {.type = "CastLike", .inputs = {2, 2}, .infer = infer_cast_like},
};

// --- TFLite ---

std::vector<TensorType> infer_cast_tflite(const OperatorView& view) {
  view.require_type(0, moved_types);
  const DType to = view.options<tflite::Cast>().to;
  if (std::find(moved_types.begin(), moved_types.end(), to) == moved_types.end())
    view.fail("there is no kernel for a cast to " + std::string(name_of(to)));
  return {{to, view.input(0).shape}};
}

int version_of_cast(const TfliteGraph& graph, const TfliteOperator& op) {
  const DType from = input_of(graph, op, 0).dtype, to = std::get<tflite::Cast>(op.options).to;
  const auto is_any = [&](DType dtype) { return from == dtype || to == dtype; };
  return is_any(DType::int16) ? 3 : is_any(DType::int8) ? 2 : 1;
}

TfliteOp::WrittenOptions write_cast(flatbuffers::FlatBufferBuilder& builder, const tflite::Options& options) {
  schema::CastOptionsBuilder table(builder);
  table.add_out_data_type(tensor_type_of(std::get<tflite::Cast>(options).to));
  return written(schema::BuiltinOptions::CastOptions, table.Finish());
}

tflite::Options read_cast(const schema::Operator& op) {
  const auto* table = options_table<schema::CastOptions>(op);
  const auto to = dtype_of(table ? table->out_data_type() : schema::TensorType::FLOAT32);
  if (!to) throw Error(ErrorCode::model, "casts to a type that is not supported");
  return tflite::Cast{*to};
}

constexpr OpFamily::TfliteRow tflite_rows[] = {
    row_of<tflite::Cast>({.infer = infer_cast_tflite,
                          .is_elementwise = true,
                          .builtin_code = 53,
                          .rule = keep_float("turns integers into numbers, or numbers into integers"),
                          .version = version_of_cast,
                          .write = write_cast,
                          .read = read_cast,
                          .minimum_runtime =
                              [](int version) {
                                return release_of(version, {"1.5.0", "2.7.0", "2.8.0"});
                              }}),
};

}  // namespace

const OpFamily& cast_family() {
  static const OpFamily family{onnx_rows, tflite_rows};
  return family;
}

}  // namespace calib8
