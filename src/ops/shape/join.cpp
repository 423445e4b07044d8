#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "ops/all_ops.h"
#include "ops/emit.h"
#include "ops/file_options.h"
#include "ops/infer.h"
#include "ops/infer_tflite.h"
#include "ops/strided.h"
#include "ops/xnnpack.h"

namespace calib8 {
namespace {

// --- ONNX: Concat ---

std::int64_t concat_axis(const NodeView& view, std::size_t rank) {
  if (!view.node.has("axis")) view.fail("attribute 'axis' is missing");
  return normalized_axis(view, view.node.get_int("axis", 0), rank);
}

std::vector<OnnxType> infer_concat(const NodeView& view) {
  OnnxType result = view.input_type(0);
  for (std::size_t i = 1; i < view.node.inputs.size(); ++i) {
    const OnnxType& next = view.input_type(i);
    if (next.dtype != result.dtype) view.fail("its inputs have different types");
    if (!result.has_rank() || !next.has_rank()) {
      const auto& ranked = result.has_rank() ? result.shape : next.shape;
      if (ranked) result.shape = Dimensions(ranked->size());
      continue;
    }
    Dimensions& sizes = *result.shape;
    if (next.shape->size() != sizes.size()) view.fail("its inputs have different ranks");
    const auto axis = static_cast<std::size_t>(concat_axis(view, sizes.size()));
    for (std::size_t k = 0; k < sizes.size(); ++k) {
      const Dimension& other = (*next.shape)[k];
      if (k != axis) {
        sizes[k] = merged(view, sizes[k], other);
      } else {
        sizes[k] = sum(view, sizes[k], other);
      }
    }
  }
  if (result.has_rank()) concat_axis(view, result.shape->size());
  return {result};
}

std::vector<Tensor> fold_concat(const NodeView& view) {
  const OnnxType type = infer_concat(view)[0];
  const Shape shape = type.static_shape();
  if (!is_foldable_size(shape, type.dtype)) return {};
  const auto axis = static_cast<std::size_t>(concat_axis(view, shape.size()));
  const auto count = static_cast<std::size_t>(element_count(shape).value());
  if (count == 0) return {{type.dtype, shape, Data{}}};
  std::vector<std::byte> bytes(count * size_of(type.dtype));
  const auto outer = static_cast<std::size_t>(element_count(std::span(shape).first(axis)).value());
  const std::size_t row = bytes.size() / outer;
  std::size_t offset = 0;
  for (std::size_t i = 0; i < view.node.inputs.size(); ++i) {
    const ByteView part = view.constant(i)->data.bytes();
    const std::size_t part_row = part.size() / outer;
    for (std::size_t k = 0; k < outer && part_row > 0; ++k) {
      std::memcpy(bytes.data() + k * row + offset, part.data() + k * part_row, part_row);
    }
    offset += part_row;
  }
  return {{type.dtype, shape, Data::from_vector(std::move(bytes))}};
}

/// XNNPACK concatenates up to five tensors.
constexpr std::size_t most_parts = 5;

Refusal lower_concat(Lowering& lowering) {
  if (Refusal refusal = refuse_unmovable(lowering)) return refusal;
  const auto axis = static_cast<std::size_t>(concat_axis(lowering, lowering.output_shape().size()));
  std::vector<TensorId> parts;
  for (std::size_t i = 0; i < lowering.node.inputs.size(); ++i) {
    const TensorId part = lowering.input(i);
    if (lowering.target[part].shape[axis] > 0) parts.push_back(part);
  }
  if (parts.empty()) return "joining of empty tensors";
  tflite::Concatenation op;
  op.axis = static_cast<std::int32_t>(axis);
  lowering.set_output(0, parts.size() == 1 ? parts[0] : lowering.emit(op, parts, lowering.output_shape()));
  return std::nullopt;
}

std::optional<Dimensions> elements_of_concat(const NodeView& view, const ElementsOfInput& elements_of) {
  Dimensions elements;
  for (std::size_t i = 0; i < view.node.inputs.size(); ++i) {
    const auto part = elements_of(i);
    if (!part) return std::nullopt;
    elements.insert(elements.end(), part->begin(), part->end());
    if (elements.size() > static_cast<std::size_t>(most_elements)) return std::nullopt;
  }
  return elements;
}

// --- ONNX: Split ---

/// The sizes of the parts along the axis; nothing where they can't be known.
std::optional<std::vector<std::int64_t>> split_sizes(const NodeView& view, const Dimension& whole) {
  const auto outputs = static_cast<std::int64_t>(view.node.outputs.size());
  if (view.has_input(1)) {
    auto sizes = constant_integers(view, 1);
    if (!sizes) return std::nullopt;
    const bool is_right =
        static_cast<std::int64_t>(sizes->size()) == outputs &&
        std::all_of(sizes->begin(), sizes->end(), [](std::int64_t size) { return size >= 0; });
    std::int64_t sum = 0;
    for (const std::int64_t size : *sizes) {
      if (!is_right || __builtin_add_overflow(sum, size, &sum)) view.fail("its sizes don't fit its outputs");
    }
    if (!is_right || (whole.is_known() && sum != whole.size)) view.fail("its sizes don't fit its input");
    return sizes;
  }
  const std::int64_t parts = view.node.get_int("num_outputs", outputs);
  if (parts != outputs || parts < 1) view.fail("num_outputs is not the number of its outputs");
  if (!whole.is_known()) return std::nullopt;
  const std::int64_t chunk = whole.size / parts + (whole.size % parts != 0);  // the last one may be smaller
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(parts), chunk);
  sizes.back() = whole.size - chunk * (parts - 1);
  if (sizes.back() < 0) view.fail("can't be split into " + std::to_string(parts) + " parts");
  return sizes;
}

std::size_t split_axis(const NodeView& view, std::size_t rank) {
  return static_cast<std::size_t>(normalized_axis(view, view.node.get_int("axis", 0), rank));
}

std::vector<OnnxType> infer_split(const NodeView& view) {
  const OnnxType& x = view.input_type(0);
  std::vector<OnnxType> types(view.node.outputs.size(), x);
  if (!x.has_rank()) return types;
  const std::size_t axis = split_axis(view, x.shape->size());
  const auto sizes = split_sizes(view, (*x.shape)[axis]);
  for (std::size_t i = 0; i < types.size(); ++i) {
    (*types[i].shape)[axis] = sizes ? known((*sizes)[i]) : Dimension{};
  }
  return types;
}

std::vector<Tensor> fold_split(const NodeView& view) {
  const Tensor* tensor = view.constant(0);
  if (!tensor) return {};
  const std::size_t axis = split_axis(view, tensor->shape.size());
  const Shape strides = row_major_strides(tensor->shape);
  std::vector<Tensor> parts;
  std::int64_t begin = 0;
  for (const OnnxType& type : infer_split(view)) {
    if (!type.is_static()) return {};
    const Shape shape = type.static_shape();
    parts.push_back(copy_strided(*tensor, shape, strides, begin * strides[axis]));
    begin += shape[axis];
  }
  return parts;
}

/// XNNPACK splits into up to four parts.
constexpr std::size_t most_splits = 4;

void emit_split(Lowering& lowering, TensorId x, std::size_t axis, std::size_t count) {
  const TensorId along =
      lowering.constant("axis", make_tensor<std::int32_t>({}, {static_cast<std::int32_t>(axis)}));
  Shape shape = lowering.target[x].shape;
  shape[axis] /= static_cast<std::int64_t>(count);
  TfliteOperator split{tflite::Split{static_cast<std::int32_t>(count)}, {along, x}, {}};
  for (std::size_t i = 0; i < count; ++i) {
    split.outputs.push_back(
        lowering.target.add_value({lowering.tensor_name("part_" + std::to_string(i)),
                                   lowering.target[x].dtype, shape, std::nullopt, std::nullopt}));
  }
  lowering.target.append(split);
  for (std::size_t i = 0; i < count; ++i) {
    if (lowering.node.outputs[i].exists()) lowering.set_output(i, split.outputs[i]);
  }
}

//   Split into equal parts   ->   SPLIT
//   Split otherwise          ->   one SLICE a part
Refusal lower_split(Lowering& lowering) {
  if (Refusal refusal = refuse_unmovable(lowering)) return refusal;
  const TensorId x = lowering.input(0);
  const Shape whole = lowering.target[x].shape;
  const std::size_t axis = split_axis(lowering, whole.size());
  const auto sizes = split_sizes(lowering, known(whole[axis]));
  if (!sizes) return "sizes that are not constant";
  const bool is_equal =
      std::adjacent_find(sizes->begin(), sizes->end(), std::not_equal_to<>()) == sizes->end();
  if (is_equal && sizes->size() > 1 && sizes->front() > 0) {
    emit_split(lowering, x, axis, sizes->size());
    return std::nullopt;
  }
  Shape begin(whole.size(), 0), size = whole;
  for (std::size_t i = 0; i < sizes->size(); ++i) {
    size[axis] = (*sizes)[i];
    if (lowering.node.outputs[i].exists()) {
      lowering.set_output(i, emit_slice(lowering, x, begin, size, "part_" + std::to_string(i)));
    }
    begin[axis] += size[axis];
  }
  return std::nullopt;
}

const OnnxOp onnx_rows[] = {
    {.type = "Concat",
     .inputs = {1, any_number},
     .infer = infer_concat,
     .fold = fold_concat,
     .lower = lower_concat,
     .traits = {.sign = Sign::combines, .elements = elements_of_concat}},
    {.type = "Split",
     .inputs = {1, 2},
     .infer = infer_split,
     .fold = fold_split,
     .lower = lower_split,
     .traits = {.sign = Sign::keeps}},
};

// --- TFLite ---

bool xnnpack_takes_concatenation(const TfliteGraph& graph, const TfliteOperator& op) {
  return op.inputs.size() >= 2 && op.inputs.size() <= most_parts &&
         op.get_if<tflite::Concatenation>()->activation == tflite::Activation::none &&
         xnnpack_moves_bytes(graph, op);
}

bool xnnpack_takes_split(const TfliteGraph& graph, const TfliteOperator& op) {
  return op.outputs.size() >= 2 && op.outputs.size() <= most_splits && xnnpack_moves_bytes(graph, op);
}

std::vector<TensorType> infer_concatenation(const OperatorView& view) {
  view.require_type(0, moved_types);
  const auto& op = view.options<tflite::Concatenation>();
  if (op.activation != tflite::Activation::none) {
    view.fail("has a fused activation, which LiteRT's kernels ignore or refuse");
  }
  const TfliteTensor& first = view.input(0);
  const std::size_t axis = axis_of(view, op.axis, first.shape.size());
  Shape shape = first.shape;
  for (std::size_t i = 1; i < view.op.inputs.size(); ++i) {
    const TfliteTensor& part = view.input(i);
    Shape others = part.shape;
    if (axis < others.size()) others[axis] = first.shape[axis];
    if (part.dtype != first.dtype || others != first.shape) {
      view.fail(fmt::format("{}{} can't follow {}{} along axis {}", name_of(part.dtype),
                            to_string(part.shape), name_of(first.dtype), to_string(first.shape), axis));
    }
    shape[axis] += part.shape[axis];
  }
  return {{first.dtype, std::move(shape)}};
}

std::vector<TensorType> infer_split_tflite(const OperatorView& view) {
  view.require_type(1, number_types);
  const auto axes = view.integers(0, "its axis");
  if (axes.size() != 1) view.fail(fmt::format("has {} axes", axes.size()));
  const TfliteTensor& x = view.input(1);
  const std::size_t axis = axis_of(view, axes[0], x.shape.size());
  const std::size_t parts = view.op.outputs.size();
  const std::int64_t wanted = view.options<tflite::Split>().num_splits;
  if (wanted < 1 || wanted != static_cast<std::int64_t>(parts) || x.shape[axis] % wanted != 0) {
    view.fail(fmt::format("can't split axis {} of {} in {} parts for {} outputs", axis, to_string(x.shape),
                          wanted, parts));
  }
  Shape shape = x.shape;
  shape[axis] /= wanted;
  return std::vector<TensorType>(parts, TensorType{x.dtype, shape});
}

TfliteOp::WrittenOptions write_concatenation(flatbuffers::FlatBufferBuilder& builder,
                                             const tflite::Options& options) {
  const auto& op = std::get<tflite::Concatenation>(options);
  return written(schema::BuiltinOptions::ConcatenationOptions,
                 schema::CreateConcatenationOptions(builder, op.axis, to_schema(op.activation)));
}

tflite::Options read_concatenation(const schema::Operator& op) {
  tflite::Concatenation options;
  if (const auto* table = options_table<schema::ConcatenationOptions>(op)) {
    options.axis = table->axis();
    options.activation = from_schema(table->fused_activation_function());
  }
  return options;
}

TfliteOp::WrittenOptions write_split(flatbuffers::FlatBufferBuilder& builder,
                                     const tflite::Options& options) {
  return written(schema::BuiltinOptions::SplitOptions,
                 schema::CreateSplitOptions(builder, std::get<tflite::Split>(options).num_splits));
}

tflite::Options read_split(const schema::Operator& op) {
  return tflite::Split{required_table<schema::SplitOptions>(op).num_splits()};
}

constexpr OpFamily::TfliteRow tflite_rows[] = {
    {alternative_of<tflite::Concatenation>,
     {.name = tflite::Concatenation::name,
      .inputs = {1, InputCount::any},
      .most_dimensions = 6,
      .infer = infer_concatenation,
      .sign = SignEffect::keeps_of_all,
      .builtin_code = 2,
      .rule = {OutputRange::same_as_output},
      .version = version_by_type<0>,
      .write = write_concatenation,
      .read = read_concatenation,
      .runs_on_xnnpack = xnnpack_takes_concatenation,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.5.0", "1.14.0", "2.3.0"});
          }}},
    {alternative_of<tflite::Split>,
     {.name = tflite::Split::name,
      .inputs = {2, 2},
      .infer = infer_split_tflite,
      .builtin_code = 49,
      .rule = {OutputRange::same_as_input},
      .version = version_by_type<1, 4>,
      .write = write_split,
      .read = read_split,
      .runs_on_xnnpack = xnnpack_takes_split,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.5.0", "1.14.0", "1.14.0", "2.3.0"});
          }}},
};

}  // namespace

const OpFamily& join_family() {
  static const OpFamily family{onnx_rows, tflite_rows};
  return family;
}

}  // namespace calib8
