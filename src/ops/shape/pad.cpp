#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "ops/all_ops.h"
#include "ops/emit.h"
#include "ops/file_options.h"
#include "ops/infer.h"
#include "ops/infer_tflite.h"
#include "ops/strided.h"
#include "ops/xnnpack.h"

namespace calib8 {
namespace {

// --- ONNX: Pad ---

/// How many elements Pad adds (negative: takes away) before and after, per dimension.
struct Padding {
  Shape before, after;
};

/// Beyond any tensor; keeps sums of sizes and paddings within int64.
constexpr std::int64_t most_padding = std::int64_t{1} << 40;

std::optional<Padding> padding_of(const NodeView& view, std::size_t rank) {
  const auto pads = constant_integers(view, 1);
  if (!pads) return std::nullopt;
  std::vector<std::int64_t> axes;
  for (std::size_t i = 0; i < rank; ++i) axes.push_back(static_cast<std::int64_t>(i));
  if (view.has_input(3)) {
    const auto constant = constant_integers(view, 3);
    if (!constant) return std::nullopt;
    axes = *constant;
    normalized_axes(view, axes, rank);  // refuses an axis twice
    for (std::int64_t& axis : axes) axis = normalized_axis(view, axis, rank);
  }
  if (pads->size() != axes.size() * 2) view.fail("pads has not two numbers for each axis");
  Padding padding{Shape(rank, 0), Shape(rank, 0)};
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<std::size_t>(axes[i]);
    padding.before[axis] = (*pads)[i];
    padding.after[axis] = (*pads)[i + axes.size()];
  }
  for (const std::int64_t pad : *pads) {
    if (pad < -most_padding || pad > most_padding)
      view.fail("padding of " + std::to_string(pad) + " elements");
  }
  return padding;
}

std::vector<OnnxType> infer_pad(const NodeView& view) {
  const OnnxType& x = view.input_type(0);
  if (!x.has_rank()) return {x};
  const auto padding = padding_of(view, x.shape->size());
  if (!padding) return {{x.dtype, Dimensions(x.shape->size())}};
  OnnxType result = x;
  for (std::size_t i = 0; i < x.shape->size(); ++i) {
    const std::int64_t more = padding->before[i] + padding->after[i];
    Dimension& size = (*result.shape)[i];
    if (!size.is_known()) {
      if (more != 0) size = Dimension{};
    } else {
      if (size.size > most_padding || size.size + more < 0) view.fail("its padding doesn't fit its input");
      size = known(size.size + more);
    }
  }
  return {result};
}

bool is_constant_mode(const NodeView& view) {
  return view.node.get_string("mode", "constant") == "constant";
}

bool adds_only(const Padding& padding) {
  const auto is_negative = [](std::int64_t size) { return size < 0; };
  return std::none_of(padding.before.begin(), padding.before.end(), is_negative) &&
         std::none_of(padding.after.begin(), padding.after.end(), is_negative);
}

std::vector<Tensor> fold_pad(const NodeView& view) {
  const Tensor* tensor = view.constant(0);
  if (!tensor || !is_constant_mode(view)) return {};
  const auto padding = padding_of(view, tensor->shape.size());
  const OnnxType type = infer_pad(view)[0];
  if (!padding || !adds_only(*padding) || !is_foldable_size(type.static_shape(), type.dtype)) return {};
  const std::size_t element_size = size_of(type.dtype);
  const Tensor* value = view.constant(2);
  if (value && (value->dtype != type.dtype || value->count() != 1))
    view.fail("its value is not one number of its type");
  const Shape shape = type.static_shape();
  std::vector<std::byte> bytes(static_cast<std::size_t>(element_count(shape).value()) * element_size);
  for (std::size_t at = 0; value && at < bytes.size(); at += element_size) {
    std::memcpy(bytes.data() + at, value->data.bytes().data(), element_size);
  }
  const Shape strides = row_major_strides(shape);
  std::int64_t offset = 0;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) offset += strides[axis] * padding->before[axis];
  const std::byte* from = tensor->data.bytes().data();
  for_each_pair(tensor->shape, strides, Shape(shape.size(), 0),
                [&](std::int64_t i, std::int64_t to, std::int64_t) {
                  std::memcpy(bytes.data() + static_cast<std::size_t>(to + offset) * element_size,
                              from + static_cast<std::size_t>(i) * element_size, element_size);
                });
  return {{type.dtype, shape, Data::from_vector(std::move(bytes))}};
}

Refusal lower_pad(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  if (!is_constant_mode(lowering)) return "padding mode " + lowering.node.get_string("mode", "constant");
  const TensorId x = lowering.input(0);
  const std::size_t rank = lowering.target[x].shape.size();
  const auto padding = padding_of(lowering, rank);
  if (!padding) return "pads that are not constant";
  if (!adds_only(*padding)) return "negative padding";
  if (rank > 5) return "padding of more than five dimensions";
  float value = 0;
  if (lowering.has_input(2)) {
    const Tensor* constant = lowering.constant(2);
    if (!constant || constant->count() != 1) return "a value that is not constant";
    value = to_float(*constant)[0];
  }
  const Shape shape = lowering.output_shape();
  if (shape == lowering.target[x].shape) {
    lowering.set_output(0, x);
    return std::nullopt;
  }
  Shape pairs;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    pairs.push_back(padding->before[axis]);
    pairs.push_back(padding->after[axis]);
  }
  const TensorId paddings = lowering.constant(
      "paddings", make_tensor({static_cast<std::int64_t>(rank), 2}, as_int32(lowering, pairs)));
  if (value == 0) {
    lowering.set_output(0, lowering.emit(tflite::Pad{}, {x, paddings}, shape));
  } else {
    const TensorId constant = lowering.constant("value", make_tensor<float>({}, {value}));
    lowering.set_output(0, lowering.emit(tflite::PadV2{}, {x, paddings, constant}, shape));
  }
  return std::nullopt;
}

// --- ONNX: Expand, Tile ---

std::vector<OnnxType> infer_expand(const NodeView& view) {
  const OnnxType& x = view.input_type(0);
  const auto wanted = known_elements(view, 1);
  if (!x.has_rank() || !wanted) return {{x.dtype, std::nullopt}};
  return {{x.dtype, broadcast(view, *x.shape, *wanted)}};
}

std::vector<Tensor> fold_expand(const NodeView& view) {
  const Tensor* tensor = view.constant(0);
  const OnnxType type = infer_expand(view)[0];
  if (!tensor || !type.is_static() || !is_foldable_size(type.static_shape(), type.dtype)) return {};
  return {broadcast_to(*tensor, type.static_shape())};
}

//   Expand(x)   ->   MUL(x, ones of the sizes that x lacks)
//
// BROADCAST_TO isn't delegated; and a factor of 1 is exact in int8 (scale 1/255), where an added 0 would have
// no scale.
Refusal lower_expand(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  const Shape shape = lowering.output_shape();
  Shape from = lowering.input_shape(0);
  from.insert(from.begin(), shape.size() - from.size(), 1);
  const TensorId x = emit_reshape(lowering, lowering.input(0), from, "broadcast");
  Shape missing(shape.size(), 1);
  for (std::size_t axis = 0; axis < shape.size(); ++axis) missing[axis] = from[axis] == 1 ? shape[axis] : 1;
  if (from == shape) {
    lowering.set_output(0, x);
    return std::nullopt;
  }
  if (!is_foldable_size(missing, DType::float32)) return "expansion to " + to_string(shape);
  const auto count = static_cast<std::size_t>(element_count(missing).value());
  const TensorId ones = lowering.constant("ones", make_tensor(missing, std::vector<float>(count, 1.0f)));
  lowering.set_output(0, lowering.emit(tflite::Mul{}, {x, ones}, shape));
  return std::nullopt;
}

std::vector<OnnxType> infer_tile(const NodeView& view) {
  const OnnxType& x = view.input_type(0);
  if (!x.has_rank()) return {x};
  const auto repeats = constant_integers(view, 1);
  OnnxType result{x.dtype, Dimensions(x.shape->size())};
  if (!repeats) return {result};
  if (repeats->size() != x.shape->size()) view.fail("has not one repeat for each dimension");
  for (std::size_t i = 0; i < repeats->size(); ++i) {
    const std::int64_t count = (*repeats)[i];
    if (count < 0) view.fail("repeats " + std::to_string(count) + " times");
    (*result.shape)[i] = count == 1 ? (*x.shape)[i] : product(view, {(*x.shape)[i], known(count)});
  }
  return {result};
}

/// Reads the tensor as if it had a dimension of stride 0 before each of its own.
std::vector<Tensor> fold_tile(const NodeView& view) {
  const Tensor* tensor = view.constant(0);
  const auto repeats = constant_integers(view, 1);
  const OnnxType type = infer_tile(view)[0];
  if (!tensor || !repeats || !is_foldable_size(type.static_shape(), type.dtype)) return {};
  const Shape own = row_major_strides(tensor->shape);
  Shape shape, strides;
  for (std::size_t axis = 0; axis < own.size(); ++axis) {
    shape.insert(shape.end(), {(*repeats)[axis], tensor->shape[axis]});
    strides.insert(strides.end(), {0, own[axis]});
  }
  const Tensor tiled = copy_strided(*tensor, shape, strides);
  return {{tiled.dtype, type.static_shape(), tiled.data}};
}

constexpr OnnxOp onnx_rows[] = {
    {"Pad", infer_pad, fold_pad, lower_pad},
    {"Expand", infer_expand, fold_expand, lower_expand},
    {"Tile", infer_tile, fold_tile},
};

// --- TFLite ---

/// PAD and PADV2: paddings are [rank, 2], before and after each dimension.
std::vector<TensorType> infer_pad_tflite(const OperatorView& view) {
  view.require_type(0, moved_types);
  const TfliteTensor& x = view.input(0);
  const std::size_t rank = x.shape.size();
  const auto paddings = view.integers(1, "its paddings", true);
  if (view.input(1).shape != Shape{static_cast<std::int64_t>(rank), 2}) {
    view.fail(fmt::format("paddings of shape {} don't fit an input of {}", to_string(view.input(1).shape),
                          to_string(x.shape)));
  }
  if (view.has_input(2) && (view.input(2).dtype != x.dtype || element_count(view.input(2).shape) != 1)) {
    view.fail(fmt::format("pads {} with {}{}", name_of(x.dtype), name_of(view.input(2).dtype),
                          to_string(view.input(2).shape)));
  }
  Shape shape = x.shape;
  for (std::size_t i = 0; i < paddings.size(); ++i) {
    if (paddings[i] < 0 || paddings[i] > std::numeric_limits<std::int32_t>::max())
      view.fail(fmt::format("can't pad by {}", paddings[i]));
    shape[i / 2] += paddings[i];
  }
  return {{x.dtype, std::move(shape)}};
}

int version_of_pad(const TfliteGraph& graph, const TfliteOperator& op) {
  return input_of(graph, op, 0).shape.size() > 4 ? 4 : version_by_type<0>(graph, op);
}

template <class Table, schema::BuiltinOptions type>
TfliteOp::WrittenOptions write_empty(flatbuffers::FlatBufferBuilder& builder, const tflite::Options&) {
  return written(type, typename Table::Builder(builder).Finish());
}

constexpr OpFamily::TfliteRow tflite_rows[] = {
    {alternative_of<tflite::Pad>,
     {.name = tflite::Pad::name,
      .inputs = {2, 2},
      .most_dimensions = 5,
      .infer = infer_pad_tflite,
      .sign = SignEffect::keeps,
      .builtin_code = 34,
      .rule = {OutputRange::same_as_input},
      .version = version_of_pad,
      .write = write_empty<schema::PadOptions, schema::BuiltinOptions::PadOptions>,
      .read = read_plain<tflite::Pad>,
      .runs_on_xnnpack = xnnpack_moves_bytes,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.5.0", "1.14.0", "2.4.0", "2.6.0"});
          }}},
    {alternative_of<tflite::PadV2>,
     {.name = tflite::PadV2::name,
      .inputs = {3, 3},
      .most_dimensions = 5,
      .infer = infer_pad_tflite,
      .builtin_code = 60,
      .rule = {OutputRange::same_as_input},
      .version = version_of_pad,
      .write = write_empty<schema::PadV2Options, schema::BuiltinOptions::PadV2Options>,
      .read = read_plain<tflite::PadV2>,
      .runs_on_xnnpack = xnnpack_never,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.9.0", "1.14.0", "2.4.0", "2.6.0"});
          }}},
};

}  // namespace

const OpFamily& pad_family() {
  static const OpFamily family{onnx_rows, tflite_rows};
  return family;
}

}  // namespace calib8
