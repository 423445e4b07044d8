#include <algorithm>

#include "calib8/error.h"
#include "ops/all_ops.h"
#include "ops/emit.h"
#include "ops/file_options.h"
#include "ops/infer.h"
#include "ops/shape/slice_rows.h"
#include "ops/strided.h"
#include "ops/xnnpack.h"

namespace calib8 {
namespace {

// --- ONNX: Slice ---

/// What Slice reads along one axis, in range: `count` elements from `begin` on, `step` apart.
struct Range {
  std::int64_t begin = 0, step = 1, count = 0;
};

Range range_of(std::int64_t start, std::int64_t end, std::int64_t step, std::int64_t size) {
  const auto place = [&](std::int64_t at) {
    const std::int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
    // A start below -size means the first element, or, stepping backwards, the place before it.
    return std::clamp(at < 0 ? (at < -size ? low : at + size) : at, low, high);
  };
  const std::int64_t first =
      step > 0 ? place(start) : std::max<std::int64_t>(place(start), size > 0 ? 0 : -1);
  const std::int64_t last = place(end);
  Range range{std::max<std::int64_t>(first, 0), step, 0};
  const std::int64_t distance = step > 0 ? last - first : first - last;
  const std::uint64_t stride =
      step > 0 ? static_cast<std::uint64_t>(step) : ~static_cast<std::uint64_t>(step) + 1;
  if (size > 0 && distance > 0)
    range.count = static_cast<std::int64_t>((static_cast<std::uint64_t>(distance) - 1) / stride) + 1;
  if (range.count <= 1) range.step = 1;  // so that no step leaves the tensor's range of int64
  return range;
}

/// Slice's constant inputs, one entry per sliced axis.
struct Slicing {
  std::vector<std::int64_t> axes, starts, ends, steps;
};

std::optional<Slicing> slicing_of(const NodeView& view, std::size_t rank) {
  Slicing slicing;
  const auto starts = constant_integers(view, 1), ends = constant_integers(view, 2);
  if (!starts || !ends) return std::nullopt;
  slicing.starts = *starts, slicing.ends = *ends;
  for (std::size_t i = 0; i < starts->size(); ++i) slicing.axes.push_back(static_cast<std::int64_t>(i));
  if (view.has_input(3)) {
    const auto axes = constant_integers(view, 3);
    if (!axes) return std::nullopt;
    slicing.axes = *axes;
  }
  slicing.steps.assign(starts->size(), 1);
  if (view.has_input(4)) {
    const auto steps = constant_integers(view, 4);
    if (!steps) return std::nullopt;
    slicing.steps = *steps;
  }
  const std::size_t count = starts->size();
  if (ends->size() != count || slicing.axes.size() != count || slicing.steps.size() != count) {
    view.fail("starts, ends, axes and steps have different lengths");
  }
  if (std::find(slicing.steps.begin(), slicing.steps.end(), 0) != slicing.steps.end())
    view.fail("has a step of 0");
  normalized_axes(view, slicing.axes, rank);  // refuses an axis twice
  for (std::int64_t& axis : slicing.axes) axis = normalized_axis(view, axis, rank);
  return slicing;
}

/// The unknown size that is left of an unknown size: the whole of it, where the slice plainly takes all.
Dimension sliced_unknown(const Dimension& size, std::int64_t start, std::int64_t end, std::int64_t step) {
  constexpr std::int64_t beyond_all = 0x7fffffff;  // exporters write INT64_MAX or INT32_MAX for "to the end"
  if (step == 1 && start == 0 && end >= beyond_all) return size;
  return {};
}

std::vector<OnnxType> infer_slice(const NodeView& view) {
  const OnnxType& x = view.input_type(0);
  if (!x.has_rank()) return {x};
  OnnxType result = x;
  const auto slicing = slicing_of(view, x.shape->size());
  if (!slicing) return {{x.dtype, Dimensions(x.shape->size())}};
  for (std::size_t i = 0; i < slicing->axes.size(); ++i) {
    Dimension& size = (*result.shape)[static_cast<std::size_t>(slicing->axes[i])];
    const std::int64_t start = slicing->starts[i], end = slicing->ends[i], step = slicing->steps[i];
    size = size.is_known() ? known(range_of(start, end, step, size.size).count)
                           : sliced_unknown(size, start, end, step);
  }
  return {result};
}

/// One range per axis of a tensor of this shape.
std::optional<std::vector<Range>> ranges_of(const NodeView& view, const Shape& shape) {
  const auto slicing = slicing_of(view, shape.size());
  if (!slicing) return std::nullopt;
  std::vector<Range> ranges;
  for (const std::int64_t size : shape) ranges.push_back({0, 1, size});
  for (std::size_t i = 0; i < slicing->axes.size(); ++i) {
    const auto axis = static_cast<std::size_t>(slicing->axes[i]);
    ranges[axis] = range_of(slicing->starts[i], slicing->ends[i], slicing->steps[i], shape[axis]);
  }
  return ranges;
}

std::vector<Tensor> fold_slice(const NodeView& view) {
  const Tensor* tensor = view.constant(0);
  if (!tensor) return {};
  const auto ranges = ranges_of(view, tensor->shape);
  if (!ranges) return {};
  const Shape own = row_major_strides(tensor->shape);
  Shape shape, strides;
  std::int64_t offset = 0;
  for (std::size_t axis = 0; axis < ranges->size(); ++axis) {
    const Range& range = (*ranges)[axis];
    shape.push_back(range.count);
    strides.push_back(own[axis] * range.step);
    offset += own[axis] * range.begin;
  }
  return {copy_strided(*tensor, shape, strides, offset)};
}

/// STRIDED_SLICE; its kernels have up to five dimensions.
Refusal emit_strided_slice(Lowering& lowering, TensorId x, const std::vector<Range>& ranges) {
  if (ranges.size() > 5) return "steps in a tensor of more than five dimensions";
  Shape begin, end, strides;
  tflite::StridedSlice op;
  for (std::size_t axis = 0; axis < ranges.size(); ++axis) {
    const Range& range = ranges[axis];
    begin.push_back(range.begin);
    end.push_back(range.begin + range.count * range.step);
    strides.push_back(range.step);
    if (end.back() < 0) {  // a negative end would count from the back: say "to the first element"
      end.back() = 0;
      op.end_mask |= 1 << axis;
    }
  }
  lowering.set_output(0, lowering.emit(op,
                                       {x, lowering.constant("begin", as_int32(lowering, begin)),
                                        lowering.constant("end", as_int32(lowering, end)),
                                        lowering.constant("strides", as_int32(lowering, strides))},
                                       lowering.output_shape()));
  return std::nullopt;
}

Refusal lower_slice(Lowering& lowering) {
  if (Refusal refusal = refuse_unmovable(lowering)) return refusal;
  const TensorId x = lowering.input(0);
  const auto ranges = ranges_of(lowering, lowering.target[x].shape);
  if (!ranges) return "starts or ends that are not constant";
  if (std::any_of(ranges->begin(), ranges->end(), [](const Range& r) { return r.step != 1; })) {
    return emit_strided_slice(lowering, x, *ranges);
  }
  Shape begin, size;
  for (const Range& range : *ranges) {
    begin.push_back(range.begin);
    size.push_back(range.count);
  }
  if (element_count(size) == 0) return "a slice without elements";
  lowering.set_output(0, emit_slice(lowering, x, begin, size));
  return std::nullopt;
}

const OnnxOp onnx_rows[] = {
    {.type = "Slice",
     .inputs = {3, 5},
     .infer = infer_slice,
     .fold = fold_slice,
     .lower = lower_slice,
     .traits = {.sign = Sign::keeps}},
};

// --- TFLite ---

int version_of_slice(const TfliteGraph& graph, const TfliteOperator& op) {
  return input_of(graph, op, 0).shape.size() > 4 ? 5 : version_by_type<0, 4>(graph, op);
}

int version_of_strided_slice(const TfliteGraph& graph, const TfliteOperator& op) {
  const auto& options = std::get<tflite::StridedSlice>(op.options);
  if (options.ellipsis_mask != 0 || options.new_axis_mask != 0) return 6;
  return input_of(graph, op, 0).shape.size() > 4 ? 4 : version_by_type<0, 1>(graph, op);
}

/// Sizes of -1 ("the rest") stay with the builtin kernel.
bool xnnpack_takes_slice(const TfliteGraph& graph, const TfliteOperator& op) {
  if (!xnnpack_moves_bytes(graph, op)) return false;
  const auto sizes = graph.constant_integers(op.inputs.at(2));
  return std::all_of(sizes.begin(), sizes.end(), [](std::int64_t size) { return size > 0; });
}

bool xnnpack_takes_strided_slice(const TfliteGraph& graph, const TfliteOperator& op) {
  if (!xnnpack_moves_bytes(graph, op)) return false;
  const auto& options = std::get<tflite::StridedSlice>(op.options);
  if (options.ellipsis_mask != 0 || options.new_axis_mask != 0 || options.shrink_axis_mask != 0) return false;
  const auto strides = graph.constant_integers(op.inputs.at(3));
  return std::all_of(strides.begin(), strides.end(), [](std::int64_t stride) { return stride == 1; });
}

TfliteOp::WrittenOptions write_slice(flatbuffers::FlatBufferBuilder& builder, const tflite::Options&) {
  return written(schema::BuiltinOptions::SliceOptions, schema::CreateSliceOptions(builder));
}

TfliteOp::WrittenOptions write_strided_slice(flatbuffers::FlatBufferBuilder& builder,
                                             const tflite::Options& options) {
  const auto& op = std::get<tflite::StridedSlice>(options);
  return written(schema::BuiltinOptions::StridedSliceOptions,
                 schema::CreateStridedSliceOptions(builder, op.begin_mask, op.end_mask, op.ellipsis_mask,
                                                   op.new_axis_mask, op.shrink_axis_mask));
}

tflite::Options read_strided_slice(const schema::Operator& op) {
  const auto* table = options_table<schema::StridedSliceOptions>(op);
  if (!table) return tflite::StridedSlice{};
  if (table->offset())
    throw Error(ErrorCode::model, "ends that are relative to the starts are not supported");
  return tflite::StridedSlice{table->begin_mask(), table->end_mask(), table->ellipsis_mask(),
                              table->new_axis_mask(), table->shrink_axis_mask()};
}

constexpr OpFamily::TfliteRow tflite_rows[] = {
    {alternative_of<tflite::Slice>,
     {.name = tflite::Slice::name,
      .inputs = {3, 3},
      .infer = infer_slice_tflite,
      .sign = SignEffect::keeps,
      .builtin_code = 65,
      .rule = {OutputRange::same_as_input},
      .version = version_of_slice,
      .write = write_slice,
      .read = read_plain<tflite::Slice>,
      .runs_on_xnnpack = xnnpack_takes_slice,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.14.0", "1.14.0", "1.14.0", "2.4.0", "2.5.0"});
          }}},
    {alternative_of<tflite::StridedSlice>,
     {.name = tflite::StridedSlice::name,
      .inputs = {4, 4},
      .infer = infer_strided_slice,
      .sign = SignEffect::keeps,
      .builtin_code = 45,
      .rule = {OutputRange::same_as_input},
      .version = version_of_strided_slice,
      .write = write_strided_slice,
      .read = read_strided_slice,
      .runs_on_xnnpack = xnnpack_takes_strided_slice,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.6.0", "1.14.0", "2.1.0", "2.2.0", "2.5.0", "2.6.0"});
          }}},
};

}  // namespace

const OpFamily& slice_family() {
  static const OpFamily family{onnx_rows, tflite_rows};
  return family;
}

}  // namespace calib8
