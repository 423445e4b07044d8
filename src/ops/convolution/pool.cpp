// MaxPool, AveragePool, GlobalAveragePool, GlobalMaxPool. Their TFLite half is pool_tflite.cpp.

#include <algorithm>
#include <limits>

#include "ops/convolution/pool_rows.h"
#include "ops/convolution/spatial.h"
#include "ops/emit.h"
#include "ops/formula.h"
#include "ops/lowering.h"

namespace calib8 {
namespace {

struct PoolShape {
  std::vector<Window> windows;
  bool ceil_mode;
};

PoolShape read_pool(const NodeView& view) {
  const OnnxType& x = view.input_type(0);
  if (!x.has_rank()) view.fail("the rank of its input is unknown");
  const Shape kernel = view.node.get_ints("kernel_shape", {});
  if (kernel.empty() || kernel.size() + 2 != x.shape->size()) {
    view.fail("kernel_shape " + to_string(kernel) + " doesn't fit an input of rank " +
              std::to_string(x.shape->size()));
  }
  return {read_windows(view, kernel, {x.shape->begin() + 2, x.shape->end()}),
          view.node.get_int("ceil_mode", 0) != 0};
}

std::vector<OnnxType> infer_pool(const NodeView& view) {
  if (!view.input_type(0).has_rank()) return {view.input_type(0)};
  const PoolShape pool = read_pool(view);
  const OnnxType type = windowed_type(view, pool.windows, view.input_type(0).shape->at(1), pool.ceil_mode);
  std::vector<OnnxType> outputs(view.node.outputs.size(), type);
  for (std::size_t i = 1; i < outputs.size(); ++i) outputs[i].dtype = DType::int64;  // MaxPool's indices
  return outputs;
}

std::vector<OnnxType> infer_global_pool(const NodeView& view) {
  OnnxType type = view.input_type(0);
  if (!type.has_rank()) return {type};
  if (type.shape->size() < 3) view.fail("its input has no spatial dimensions");
  for (std::size_t i = 2; i < type.shape->size(); ++i) (*type.shape)[i] = {1, {}};
  return {type};
}

/// A pool ready to be lowered: windows and sizes of an image's two dimensions.
struct ImagePool {
  std::vector<Window> windows;
  Shape input, output;
  PaddingForm form;
};

ImagePool image_pool(const Lowering& lowering) {
  const Shape input = lowering.input_shape(0), output = lowering.output_shape();
  ImagePool pool{
      read_pool(lowering).windows, {input.begin() + 2, input.end()}, {output.begin() + 2, output.end()}, {}};
  if (pool.windows.size() == 1) {
    pool.windows.insert(pool.windows.begin(), Window{});
    pool.input.insert(pool.input.begin(), 1);
    pool.output.insert(pool.output.begin(), 1);
  }
  pool.form = padding_form(pool.windows, pool.input, pool.output);
  return pool;
}

Refusal refuse_pool(const Lowering& lowering) {
  const PoolShape pool = read_pool(lowering);
  if (pool.windows.size() > 3) return "pooling over " + std::to_string(pool.windows.size()) + " dimensions";
  for (const Window& window : pool.windows) {
    if (window.dilation != 1) return "dilation in a pool";
    if (window.pad_before >= window.kernel || window.pad_after >= window.kernel) {
      return "padding as wide as the pool's window";
    }
  }
  if (lowering.node.outputs.size() > 1 && lowering.node.outputs[1].exists()) return "a pool's indices";
  return refuse_integers(lowering);
}

template <class Op>
TensorId emit_pool(Lowering& lowering, TensorId x, const ImagePool& pool, tflite::Padding padding,
                   std::string_view part = {}) {
  Op op;
  op.padding = padding;
  op.stride_height = static_cast<std::int32_t>(pool.windows[0].stride);
  op.stride_width = static_cast<std::int32_t>(pool.windows[1].stride);
  op.filter_height = static_cast<std::int32_t>(pool.windows[0].kernel);
  op.filter_width = static_cast<std::int32_t>(pool.windows[1].kernel);
  const Shape shape = lowering.target[x].shape;
  return lowering.emit(op, {x}, {shape[0], pool.output[0], pool.output[1], shape[3]}, part);
}

/// Pools x [N, H, W, C]; `part` names its result where it isn't the node's.
using PoolImages = TensorId (*)(Lowering& lowering, TensorId x, const ImagePool& pool, std::string_view part);

/// A pool over volumes goes over height and width first, then over depth: maxima and means are separable, and
/// so is what corrects a padded mean.
//   x   ->   TRANSPOSE, RESHAPE, pool, RESHAPE, pool, RESHAPE, TRANSPOSE
Refusal lower_volume_pool(Lowering& lowering, PoolImages pool_images) {
  const std::vector<Window> windows = read_pool(lowering).windows;
  const Shape in = lowering.input_shape(0), out = lowering.output_shape();  // [N, C, D, H, W]
  const auto pool_of = [](std::vector<Window> two, Shape input, Shape output) {
    ImagePool pool{std::move(two), std::move(input), std::move(output), {}};
    pool.form = padding_form(pool.windows, pool.input, pool.output);
    return pool;
  };
  Formula f(lowering);
  TensorId y = lowering.to_channels_last(lowering.input(0));
  y = f.reshape(y, {in[0] * in[2], in[3], in[4], in[1]});
  y = pool_images(lowering, y, pool_of({windows[1], windows[2]}, {in[3], in[4]}, {out[3], out[4]}), "planes");
  y = f.reshape(y, {in[0], in[2], out[3] * out[4], in[1]});
  const std::int64_t places = out[3] * out[4];
  y = pool_images(lowering, y, pool_of({windows[0], Window{}}, {in[2], places}, {out[2], places}), "depth");
  y = f.reshape(y, {in[0], out[2], out[3], out[4], in[1]});
  lowering.set_output(0, lowering.to_channels_first(y));
  return std::nullopt;
}

/// ONNX pads a MaxPool with -infinity, as TFLite's SAME does.
TensorId max_of_images(Lowering& lowering, TensorId x, const ImagePool& pool, std::string_view part) {
  auto padding = tflite::Padding::valid;
  if (!pool.form.is_valid && pool.form.is_same) {
    padding = tflite::Padding::same;
  } else if (!pool.form.is_valid) {
    x = emit_image_padding(lowering, x, pool.form, std::numeric_limits<float>::lowest());
  }
  return emit_pool<tflite::MaxPool2D>(lowering, x, pool, padding, part);
}

//   MaxPool(x)   ->   TRANSPOSE, [PADV2 lowest], MAX_POOL_2D, TRANSPOSE
Refusal lower_max_pool(Lowering& lowering) {
  if (Refusal refusal = refuse_pool(lowering)) return refusal;
  if (read_pool(lowering).windows.size() == 3) return lower_volume_pool(lowering, max_of_images);
  const TensorId x = enter_image(lowering, lowering.input(0));
  lowering.set_output(0, leave_image(lowering, max_of_images(lowering, x, image_pool(lowering), "")));
  return std::nullopt;
}

/// How many elements ONNX divides each window's sum by: those of the input, or with count_include_pad those
/// of the padding too, but never those by which ceil_mode overhangs it.
Shape divisors(const Window& window, std::int64_t input, std::int64_t output, bool count_padding) {
  const std::int64_t first = count_padding ? -window.pad_before : 0;
  const std::int64_t end = count_padding ? input + window.pad_after : input;
  Shape counts;
  for (std::int64_t i = 0; i < output; ++i) {
    const std::int64_t start = i * window.stride - window.pad_before;
    counts.push_back(std::min(start + window.kernel, end) - std::max(start, first));
  }
  return counts;
}

/// A factor for each place is a constant that the file doesn't hold.
constexpr std::int64_t most_places = std::int64_t{1} << 22;

/// What a window's mean over kernel elements is to be multiplied by, [1, H, W, 1]; nothing where that is 1
/// everywhere.
std::optional<Tensor> mean_correction(const ImagePool& pool, bool count_padding) {
  const Shape rows = divisors(pool.windows[0], pool.input[0], pool.output[0], count_padding);
  const Shape columns = divisors(pool.windows[1], pool.input[1], pool.output[1], count_padding);
  const std::int64_t whole = pool.windows[0].kernel * pool.windows[1].kernel;
  std::vector<float> factors;
  for (const std::int64_t row : rows) {
    for (const std::int64_t column : columns) {
      factors.push_back(static_cast<float>(static_cast<double>(whole) / static_cast<double>(row * column)));
    }
  }
  if (std::all_of(factors.begin(), factors.end(), [](float factor) { return factor == 1.0f; }))
    return std::nullopt;
  return make_tensor({1, pool.output[0], pool.output[1], 1}, std::move(factors));
}

/// TFLite's SAME counts no padding; a PAD before VALID counts all of it, and a constant factor per place sets
/// that right.
TensorId mean_of_images(Lowering& lowering, TensorId x, const ImagePool& pool, std::string_view part) {
  const bool count_padding = lowering.node.get_int("count_include_pad", 0) != 0;
  if (pool.form.is_valid)
    return emit_pool<tflite::AveragePool2D>(lowering, x, pool, tflite::Padding::valid, part);
  if (pool.form.is_same && !count_padding)
    return emit_pool<tflite::AveragePool2D>(lowering, x, pool, tflite::Padding::same, part);
  const std::optional<Tensor> correction = mean_correction(pool, count_padding);
  TensorId y = emit_image_padding(lowering, x, pool.form);
  y = emit_pool<tflite::AveragePool2D>(lowering, y, pool, tflite::Padding::valid, correction ? "mean" : part);
  if (!correction) return y;
  const TensorId factors = lowering.constant("correction", *correction);
  return lowering.emit(tflite::Mul{}, {y, factors}, lowering.target[y].shape, part);
}

//   AveragePool(x)   ->   TRANSPOSE, [PAD], AVERAGE_POOL_2D, [MUL], TRANSPOSE
Refusal lower_average_pool(Lowering& lowering) {
  if (Refusal refusal = refuse_pool(lowering)) return refusal;
  const Shape out = lowering.output_shape();
  const auto places = element_count({out.begin() + 2, out.end()});
  const bool is_volume = read_pool(lowering).windows.size() == 3;
  const bool is_padded = is_volume || !image_pool(lowering).form.is_valid;
  if (is_padded && (!places || *places > most_places))
    return "a padded average over " + to_string(Shape(out.begin() + 2, out.end())) + " places";
  if (is_volume) return lower_volume_pool(lowering, mean_of_images);
  const TensorId x = enter_image(lowering, lowering.input(0));
  lowering.set_output(0, leave_image(lowering, mean_of_images(lowering, x, image_pool(lowering), "")));
  return std::nullopt;
}

//   GlobalAveragePool(x)   ->   TRANSPOSE, MEAN over height and width, TRANSPOSE
template <class Op>
Refusal lower_global_pool(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  const TensorId x = lowering.to_channels_last(lowering.input(0));
  Shape shape = lowering.target[x].shape;
  std::vector<std::int32_t> axes;
  for (std::size_t axis = 1; axis + 1 < shape.size(); ++axis) {
    axes.push_back(static_cast<std::int32_t>(axis));
    shape[axis] = 1;
  }
  const TensorId y = lowering.emit(Op{true}, {x, lowering.constant("axes", axes)}, shape);
  lowering.set_output(0, lowering.to_channels_first(y));
  return std::nullopt;
}

const OnnxOp onnx_rows[] = {
    {.type = "AveragePool",
     .inputs = {1, 1},
     .infer = infer_pool,
     .lower = lower_average_pool,
     .traits = {.sign = Sign::keeps, .defaults = window_defaults}},
    {.type = "GlobalAveragePool",
     .inputs = {1, 1},
     .infer = infer_global_pool,
     .lower = lower_global_pool<tflite::Mean>,
     .traits = {.sign = Sign::keeps}},
    {.type = "GlobalMaxPool",
     .inputs = {1, 1},
     .infer = infer_global_pool,
     .lower = lower_global_pool<tflite::ReduceMax>,
     .traits = {.sign = Sign::keeps}},
    {.type = "MaxPool",
     .inputs = {1, 1},
     .infer = infer_pool,
     .lower = lower_max_pool,
     .traits = {.sign = Sign::keeps, .defaults = window_defaults, .has_optional_outputs = true}},
};

}  // namespace

const OpFamily& pool_family() {
  static const OpFamily family{onnx_rows, pool_tflite_rows()};
  return family;
}

}  // namespace calib8
