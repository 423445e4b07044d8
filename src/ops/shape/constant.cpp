#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "ops/all_ops.h"
#include "ops/emit.h"
#include "ops/infer.h"
#include "ops/strided.h"

namespace calib8 {
namespace {

template <class T>
Tensor vector_of(std::vector<T> values) {
  const auto count = static_cast<std::int64_t>(values.size());
  return make_tensor({count}, std::move(values));
}

// --- ONNX: Constant ---

Tensor constant_of(const NodeView& view) {
  const OnnxNode& node = view.node;
  if (const auto value = node.attributes.find("value"); value != node.attributes.end()) {
    if (const Tensor* tensor = std::get_if<Tensor>(&value->second)) return *tensor;
    view.fail("attribute 'value' is not a tensor");
  }
  if (node.has("value_float")) return make_tensor<float>({}, {node.get_float("value_float", 0)});
  if (node.has("value_int")) return make_tensor<std::int64_t>({}, {node.get_int("value_int", 0)});
  if (node.has("value_floats")) {
    std::vector<float> values = node.get_floats("value_floats", {});
    return vector_of(std::move(values));
  }
  if (node.has("value_ints")) {
    std::vector<std::int64_t> values = node.get_ints("value_ints", {});
    return vector_of(std::move(values));
  }
  view.fail("holds no tensor of numbers");
}

std::vector<OnnxType> infer_constant(const NodeView& view) {
  const Tensor tensor = constant_of(view);
  return {static_type(tensor.dtype, tensor.shape)};
}

std::vector<Tensor> fold_constant(const NodeView& view) {
  return {constant_of(view)};
}

// --- ONNX: ConstantOfShape ---

/// The one element, as a scalar; float32 0 where the attribute is absent.
Tensor filling_of(const NodeView& view) {
  const auto value = view.node.attributes.find("value");
  if (value == view.node.attributes.end()) return make_tensor<float>({}, {0.0f});
  const Tensor* tensor = std::get_if<Tensor>(&value->second);
  if (!tensor || tensor->count() != 1) view.fail("attribute 'value' is not a tensor of one element");
  return {tensor->dtype, {}, tensor->data};
}

std::vector<OnnxType> infer_constant_of_shape(const NodeView& view) {
  const DType dtype = filling_of(view).dtype;
  const auto sizes = known_elements(view, 0);
  if (!sizes) return {{dtype, std::nullopt}};
  return {{dtype, *sizes}};
}

std::vector<Tensor> fold_constant_of_shape(const NodeView& view) {
  const auto sizes = constant_integers(view, 0);
  if (!sizes) return {};
  for (const std::int64_t size : *sizes) {
    if (size < 0) view.fail("asks for a size of " + std::to_string(size));
  }
  const Tensor filling = filling_of(view);
  if (!is_foldable_size(*sizes, filling.dtype)) return {};
  return {broadcast_to(filling, *sizes)};
}

// --- ONNX: Cast ---

/// onnx.proto's TensorProto.DataType; nothing for strings, complex and 8-bit or 4-bit floats.
std::optional<DType> dtype_of_number(std::int64_t number) {
  constexpr std::pair<std::int64_t, DType> numbers[] = {
      {1, DType::float32},  {2, DType::uint8},    {3, DType::int8},    {4, DType::uint16},
      {5, DType::int16},    {6, DType::int32},    {7, DType::int64},   {9, DType::boolean},
      {10, DType::float16}, {11, DType::float64}, {12, DType::uint32}, {13, DType::uint64},
      {16, DType::bfloat16}};
  for (const auto& [known_number, dtype] : numbers) {
    if (known_number == number) return dtype;
  }
  return std::nullopt;
}

std::vector<OnnxType> infer_cast(const NodeView& view) {
  const auto dtype = dtype_of_number(view.node.get_int("to", 0));
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
  const DType from = lowering.input_type(0).dtype, to = infer_cast(lowering)[0].dtype;
  if (from != to) return "cast from " + std::string(name_of(from)) + " to " + std::string(name_of(to));
  lowering.set_output(0, lowering.input(0));
  return std::nullopt;
}

// --- ONNX: Range ---

std::vector<OnnxType> infer_range(const NodeView& view);

template <class T>
std::vector<Tensor> make_range(const NodeView& view, T start, T limit, T delta) {
  if (delta == 0) view.fail("has a step of 0");
  // In long double, whose 64 bits of mantissa hold every int64.
  const long double count = std::ceil((static_cast<long double>(limit) - static_cast<long double>(start)) /
                                      static_cast<long double>(delta));
  if (!(count <= static_cast<long double>(most_folded_bytes / static_cast<std::int64_t>(sizeof(T)))))
    return {};
  std::vector<T> values;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(std::max(count, 0.0L)); ++i) {
    if constexpr (std::is_integral_v<T>) {
      // Without sign: i * delta may leave the type where start + i * delta doesn't.
      values.push_back(static_cast<T>(static_cast<std::uint64_t>(start) +
                                      static_cast<std::uint64_t>(i) * static_cast<std::uint64_t>(delta)));
    } else {
      values.push_back(start + static_cast<T>(i) * delta);
    }
  }
  return {vector_of(std::move(values))};
}

std::vector<Tensor> fold_range(const NodeView& view) {
  const Tensor *start = view.constant(0), *limit = view.constant(1), *delta = view.constant(2);
  if (!start || !limit || !delta) return {};
  for (const Tensor* tensor : {start, limit, delta}) {
    if (tensor->count() != 1 || tensor->dtype != start->dtype)
      view.fail("its inputs are not three numbers of one type");
  }
  if (start->dtype == DType::int64) {
    return make_range(view, start->as<std::int64_t>()[0], limit->as<std::int64_t>()[0],
                      delta->as<std::int64_t>()[0]);
  }
  if (start->dtype == DType::int32) {
    return make_range(view, start->as<std::int32_t>()[0], limit->as<std::int32_t>()[0],
                      delta->as<std::int32_t>()[0]);
  }
  if (start->dtype == DType::float32) {
    return make_range(view, start->as<float>()[0], limit->as<float>()[0], delta->as<float>()[0]);
  }
  return {};
}

std::vector<OnnxType> infer_range(const NodeView& view) {
  const std::vector<Tensor> range = fold_range(view);
  if (range.empty()) return {{view.input_type(0).dtype, Dimensions(1)}};
  return {static_type(range[0].dtype, range[0].shape)};
}

/// Simplifying makes a Cast of it.
std::vector<OnnxType> infer_cast_like(const NodeView& view) {
  return {{view.input_type(1).dtype, view.input_type(0).shape}};
}

const OnnxOp onnx_rows[] = {
    {.type = "Constant", .inputs = {0, 0}, .infer = infer_constant, .fold = fold_constant},
    {.type = "ConstantOfShape",
     .inputs = {1, 1},
     .infer = infer_constant_of_shape,
     .fold = fold_constant_of_shape},
    {.type = "Cast",
     .inputs = {1, 1},
     .infer = infer_cast,
     .fold = fold_cast,
     .lower = lower_cast,
     .traits = {.elements = elements_of_first_input}},
    {.type = "CastLike", .inputs = {2, 2}, .infer = infer_cast_like},
    {.type = "Range", .inputs = {3, 3}, .infer = infer_range, .fold = fold_range},
};

}  // namespace

const OpFamily& constant_family() {
  static const OpFamily family{onnx_rows, {}};
  return family;
}

}  // namespace calib8
