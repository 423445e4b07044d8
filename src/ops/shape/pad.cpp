#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "ops/all_ops.h"
#include "ops/emit.h"
#include "ops/file_options.h"
#include "ops/formula.h"
#include "ops/infer.h"
#include "ops/infer_tflite.h"
#include "ops/strided.h"
#include "ops/xnnpack.h"

namespace calib8 {
namespace {

// --- ONNX: Pad ---

using Ints = std::vector<std::int64_t>;

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

/// What PADV2 fills in, of x's type.
TensorId filling(Lowering& lowering, DType dtype, const Tensor& value) {
  if (dtype == DType::float32) return lowering.constant("value", make_tensor<float>({}, to_float(value)));
  const auto number = to_int64(value)[0];
  return lowering.constant("value", make_tensor<std::int32_t>({}, {static_cast<std::int32_t>(number)}));
}

TensorId emit_constant_padding(Formula& f, Lowering& lowering, TensorId x, const Shape& pairs,
                               const Shape& shape) {
  const auto rank = static_cast<std::int64_t>(shape.size());
  const TensorId paddings = f.integers({rank, 2}, pairs);
  const Tensor* value = lowering.has_input(2) ? lowering.constant(2) : nullptr;
  if (!value || to_float(*value)[0] == 0) return f.emit(tflite::Pad{}, {x, paddings}, shape);
  return f.emit(tflite::PadV2{}, {x, paddings, filling(lowering, lowering.target[x].dtype, *value)}, shape);
}

/// MIRROR_PAD adds less than there is along an axis; what is wider is mirrored again.
TensorId emit_mirror_padding(Formula& f, TensorId x, Shape before, Shape after) {
  while (true) {
    Shape pairs, shape = f.shape(x);
    bool adds = false;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      const std::int64_t most = shape[axis] - 1;
      const std::int64_t low = std::min(before[axis], most), high = std::min(after[axis], most);
      pairs.insert(pairs.end(), {low, high});
      before[axis] -= low;
      after[axis] -= high;
      shape[axis] += low + high;
      adds = adds || low + high > 0;
    }
    if (!adds) return x;
    const TensorId paddings = f.integers({static_cast<std::int64_t>(shape.size()), 2}, pairs);
    x = f.emit(tflite::MirrorPad{}, {x, paddings}, shape);
  }
}

/// Its edge, or its other end, joined on at either side of an axis.
TensorId emit_edge_padding(Formula& f, TensorId x, std::size_t axis, std::int64_t before, std::int64_t after,
                           bool wraps) {
  const std::int64_t size = f.shape(x)[axis];
  const auto beside = [&](std::int64_t count, bool is_before) {
    if (wraps) return f.slice(x, axis, is_before ? size - count : 0, count);
    const TensorId edge = f.slice(x, axis, is_before ? 0 : size - 1, 1);
    Ints repeats(f.rank(x), 1);
    Shape shape = f.shape(edge);
    repeats[axis] = shape[axis] = count;
    const TensorId counts = f.integers({static_cast<std::int64_t>(repeats.size())}, repeats);
    return f.emit(tflite::Tile{}, {edge, counts}, shape);
  };
  std::vector<TensorId> parts{x};
  if (before > 0) parts.insert(parts.begin(), beside(before, true));
  if (after > 0) parts.push_back(beside(after, false));
  return f.concatenate(parts, axis);
}

Refusal lower_pad(Lowering& lowering) {
  if (Refusal refusal = refuse_unmovable(lowering)) return refusal;
  const std::string mode = lowering.node.get_string("mode", "constant");
  if (mode != "constant" && mode != "reflect" && mode != "edge" && mode != "wrap")
    return "padding mode " + mode;
  Formula f(lowering);
  TensorId x = f.input(0);
  auto padding = padding_of(lowering, f.rank(x));
  if (!padding) return "pads that are not constant";
  if (lowering.has_input(2) && mode == "constant") {
    const Tensor* value = lowering.constant(2);
    if (!value || value->count() != 1) return "a value that is not constant";
  }
  Shape pairs, shape = f.shape(x);
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {  // what is negative is cut off
    std::int64_t &before = padding->before[axis], &after = padding->after[axis];
    const std::int64_t cut = std::min<std::int64_t>(before, 0), cut_after = std::min<std::int64_t>(after, 0);
    x = f.slice(x, axis, -cut, shape[axis] + cut + cut_after);
    before -= cut;
    after -= cut_after;
    pairs.insert(pairs.end(), {before, after});
    if (mode == "wrap" && std::max(before, after) > f.shape(x)[axis]) return "padding by more than there is";
    if (mode == "reflect" && std::max(before, after) > 0 && f.shape(x)[axis] < 2)
      return "a reflection of one element";
  }
  const Shape result = lowering.output_shape();
  if (result == f.shape(x)) {
    f.result(x);
  } else if (mode == "constant") {
    if (shape.size() > 5) return "padding of more than five dimensions";
    f.result(emit_constant_padding(f, lowering, x, pairs, result));
  } else if (mode == "reflect") {
    if (shape.size() > 5) return "padding of more than five dimensions";
    f.result(emit_mirror_padding(f, x, padding->before, padding->after));
  } else {
    for (std::size_t axis = 0; axis < shape.size(); ++axis)
      x = emit_edge_padding(f, x, axis, padding->before[axis], padding->after[axis], mode == "wrap");
    f.result(x);
  }
  return std::nullopt;
}

const OnnxOp onnx_rows[] = {
    {.type = "Pad", .inputs = {2, 4}, .infer = infer_pad, .fold = fold_pad, .lower = lower_pad},
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

/// Less than the whole is added along each axis; the edge itself too where it is repeated.
std::vector<TensorType> infer_mirror_pad(const OperatorView& view) {
  std::vector<TensorType> types = infer_pad_tflite(view);
  const Shape& x = view.input(0).shape;
  const auto paddings = view.integers(1, "its paddings", true);
  const std::int64_t edge = view.options<tflite::MirrorPad>().symmetric ? 0 : 1;
  for (std::size_t i = 0; i < paddings.size(); ++i) {
    if (paddings[i] > x[i / 2] - edge)
      view.fail(fmt::format("mirrors {} of {} elements", paddings[i], x[i / 2]));
  }
  return types;
}

TfliteOp::WrittenOptions write_mirror_pad(flatbuffers::FlatBufferBuilder& builder,
                                          const tflite::Options& options) {
  const auto mode = std::get<tflite::MirrorPad>(options).symmetric ? schema::MirrorPadMode::SYMMETRIC
                                                                   : schema::MirrorPadMode::REFLECT;
  return written(schema::BuiltinOptions::MirrorPadOptions, schema::CreateMirrorPadOptions(builder, mode));
}

tflite::Options read_mirror_pad(const schema::Operator& op) {
  const auto* table = options_table<schema::MirrorPadOptions>(op);
  return tflite::MirrorPad{table && table->mode() == schema::MirrorPadMode::SYMMETRIC};
}

constexpr OpFamily::TfliteRow tflite_rows[] = {
    {alternative_of<tflite::MirrorPad>,
     {.name = tflite::MirrorPad::name,
      .inputs = {2, 2},
      .most_dimensions = 5,
      .infer = infer_mirror_pad,
      .sign = SignEffect::keeps,
      .builtin_code = 100,
      .rule = int8_only(OutputRange::same_as_input),
      .version = version_by_type<0>,
      .write = write_mirror_pad,
      .read = read_mirror_pad,
      .runs_on_xnnpack = xnnpack_never,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.13.1", "2.3.0", "2.12.0"});
          }}},
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
