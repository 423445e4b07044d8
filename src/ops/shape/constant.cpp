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

const OnnxOp onnx_rows[] = {
    {.type = "Constant", .inputs = {0, 0}, .infer = infer_constant, .fold = fold_constant},
    {.type = "ConstantOfShape",
     .inputs = {1, 1},
     .infer = infer_constant_of_shape,
     .fold = fold_constant_of_shape},
    {.type = "Range", .inputs = {3, 3}, .infer = infer_range, .fold = fold_range},
};

}  // namespace

const OpFamily& constant_family() {
  static const OpFamily family{onnx_rows, {}};
  return family;
}

}  // namespace calib8
