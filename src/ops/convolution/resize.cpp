#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ops/all_ops.h"
#include "ops/emit.h"
#include "ops/file_options.h"
#include "ops/infer.h"
#include "ops/infer_tflite.h"
#include "ops/xnnpack.h"

namespace calib8 {
namespace {

// --- ONNX: Resize ---

constexpr float largest_size = 1e9f;
constexpr std::int64_t largest_image = 65536;  ///< Rows or columns of what is lowered.

/// One entry per dimension of the input: the output's size (as far as it is known) and ONNX's scale.
struct Resizing {
  Dimensions sizes;
  std::vector<float> scales;  ///< 0 where unknown.
};

std::vector<std::int64_t> resized_axes(const NodeView& view, std::size_t rank) {
  std::vector<std::int64_t> all;
  for (std::size_t i = 0; i < rank; ++i) all.push_back(static_cast<std::int64_t>(i));
  std::vector<std::int64_t> axes = view.node.get_ints("axes", all);
  normalized_axes(view, axes, rank);  // refuses an axis twice
  for (std::int64_t& axis : axes) axis = normalized_axis(view, axis, rank);
  return axes;
}

std::optional<std::vector<float>> given_scales(const NodeView& view) {
  const Tensor* scales = view.constant(2);
  if (!scales || scales->count() == 0) return std::nullopt;
  if (scales->dtype != DType::float32) view.fail("its scales are not float32");
  const auto values = scales->as<float>();
  return std::vector<float>(values.begin(), values.end());
}

Resizing resizing_of(const NodeView& view, const Dimensions& from) {
  Resizing resizing{from, std::vector<float>(from.size(), 1.0f)};
  const std::vector<std::int64_t> axes = resized_axes(view, from.size());
  const auto scales = given_scales(view);
  const auto sizes = view.has_input(3) ? known_elements(view, 3) : std::nullopt;
  const std::size_t given = scales ? scales->size() : sizes ? sizes->size() : axes.size();
  if (given != axes.size()) view.fail("has not one scale or size for each axis");
  const bool stretches = view.node.get_string("keep_aspect_ratio_policy", "stretch") == "stretch";
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<std::size_t>(axes[i]);
    Dimension& size = resizing.sizes[axis];
    float& scale = resizing.scales[axis];
    const Dimension before = size;
    if (scales) {
      scale = (*scales)[i];
      if (!(scale > 0) || scale > largest_size) view.fail("a scale of " + std::to_string(scale));
      if (scale == 1.0f) continue;
      const float product = before.is_known() ? std::floor(static_cast<float>(before.size) * scale) : -1.0f;
      if (product > largest_size) view.fail("its output is too large");
      size = product < 0 ? Dimension{} : known(static_cast<std::int64_t>(product));
    } else {
      size = sizes && stretches ? (*sizes)[i] : Dimension{};
      const bool is_exact = size.is_known() && before.is_known() && before.size > 0;
      scale = is_exact ? static_cast<float>(size.size) / static_cast<float>(before.size) : 0.0f;
    }
  }
  return resizing;
}

std::vector<OnnxType> infer_resize(const NodeView& view) {
  const OnnxType& x = view.input_type(0);
  if (!x.has_rank()) return {x};
  return {{x.dtype, resizing_of(view, *x.shape).sizes}};
}

/// One spatial dimension of a Resize.
struct Line {
  std::int64_t input, output;
  float scale;
};

/// Where in the input ONNX reads for the output's element `x` (Resize, coordinate_transformation_mode).
/// Nothing for modes that aren't lowered.
std::optional<float> onnx_coordinate(const std::string& mode, const Line& line, std::int64_t x) {
  const auto at = static_cast<float>(x);
  if (mode == "asymmetric") return at / line.scale;
  if (mode == "half_pixel") return (at + 0.5f) / line.scale - 0.5f;
  if (mode == "pytorch_half_pixel") return line.output > 1 ? (at + 0.5f) / line.scale - 0.5f : 0.0f;
  if (mode == "align_corners") {
    if (line.output == 1) return 0.0f;
    return at * static_cast<float>(line.input - 1) / static_cast<float>(line.output - 1);
  }
  return std::nullopt;
}

/// Where TFLite's kernels read (GetNearestNeighbor and ComputeInterpolationValues of LiteRT's
/// kernels/internal/reference).
float tflite_scale(const tflite::Resize& op, const Line& line) {
  if (op.align_corners && line.output > 1) {
    return static_cast<float>(line.input - 1) / static_cast<float>(line.output - 1);
  }
  return static_cast<float>(line.input) / static_cast<float>(line.output);
}

std::int64_t tflite_nearest(const tflite::Resize& op, const Line& line, std::int64_t x) {
  const float at = (static_cast<float>(x) + (op.half_pixel_centers ? 0.5f : 0.0f)) * tflite_scale(op, line);
  const auto index = static_cast<std::int64_t>(op.align_corners ? std::round(at) : std::floor(at));
  return std::clamp<std::int64_t>(index, 0, line.input - 1);
}

float tflite_coordinate(const tflite::Resize& op, const Line& line, std::int64_t x) {
  const auto at = static_cast<float>(x);
  const float scale = tflite_scale(op, line);
  return op.half_pixel_centers ? (at + 0.5f) * scale - 0.5f : at * scale;
}

std::optional<std::int64_t> onnx_nearest(const std::string& rounding, float at, std::int64_t input) {
  float index = 0;
  if (rounding == "round_prefer_floor") {
    index = std::ceil(at - 0.5f);
  } else if (rounding == "round_prefer_ceil") {
    index = std::floor(at + 0.5f);
  } else if (rounding == "floor") {
    index = std::floor(at);
  } else if (rounding == "ceil") {
    index = std::ceil(at);
  } else {
    return std::nullopt;
  }
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(index), 0, input - 1);
}

/// True where TFLite, with these options, reads the same elements (nearest) or the same places between them
/// (linear, within a ten-thousandth of a pixel) as ONNX does.
bool reads_the_same(const NodeView& view, const tflite::Resize& op, const Line& line, bool is_linear) {
  const std::string mode = view.node.get_string("coordinate_transformation_mode", "half_pixel");
  const std::string rounding = view.node.get_string("nearest_mode", "round_prefer_floor");
  const auto last = static_cast<float>(line.input - 1);
  for (std::int64_t x = 0; x < line.output; ++x) {
    const auto at = onnx_coordinate(mode, line, x);
    if (!at) return false;
    if (is_linear) {
      const float wanted = std::clamp(*at, 0.0f, last);
      if (std::fabs(wanted - std::clamp(tflite_coordinate(op, line, x), 0.0f, last)) > 1e-4f) return false;
    } else if (onnx_nearest(rounding, *at, line.input) != tflite_nearest(op, line, x)) {
      return false;
    }
  }
  return true;
}

/// The form of TFLite's kernel that does what the node asks for.
std::optional<tflite::Resize> matching_form(const NodeView& view, const Line& rows, const Line& columns,
                                            bool is_linear) {
  constexpr tflite::Resize forms[] = {{}, {.half_pixel_centers = true}, {.align_corners = true}};
  for (const tflite::Resize& form : forms) {
    if (reads_the_same(view, form, rows, is_linear) && reads_the_same(view, form, columns, is_linear))
      return form;
  }
  return std::nullopt;
}

Refusal refuse_resize(const Lowering& lowering, const Shape& from, const Shape& to) {
  const OnnxNode& node = lowering.node;
  const std::string mode = node.get_string("mode", "nearest");
  if (mode != "nearest" && mode != "linear") return "resizing in mode " + mode;
  if (node.get_int("antialias", 0) != 0) return "antialiased resizing";
  if (from.size() != 4 || from[0] != to[0] || from[1] != to[1])
    return "resizing of other than height and width";
  if (std::max(to[2], to[3]) > largest_image) return "resizing to more than 65536 rows or columns";
  if (to[2] < 1 || to[3] < 1 || from[2] < 1 || from[3] < 1) return "resizing of an empty image";
  return std::nullopt;
}

//   Resize(x)   ->   TRANSPOSE, RESIZE_BILINEAR or RESIZE_NEAREST_NEIGHBOR, TRANSPOSE
Refusal lower_resize(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  const TensorId x = lowering.input(0);
  const Shape from = lowering.target[x].shape, to = lowering.output_shape();
  if (Refusal refusal = refuse_resize(lowering, from, to)) return refusal;
  const Resizing resizing = resizing_of(lowering, *static_type(DType::float32, from).shape);
  const Line rows{from[2], to[2], resizing.scales[2]}, columns{from[3], to[3], resizing.scales[3]};
  const bool is_linear = lowering.node.get_string("mode", "nearest") == "linear";
  const auto form = matching_form(lowering, rows, columns, is_linear);
  if (!form) {
    return "resizing by " + lowering.node.get_string("coordinate_transformation_mode", "half_pixel") +
           " coordinates from " + to_string(from) + " to " + to_string(to);
  }
  if (from == to) {
    lowering.set_output(0, x);
    return std::nullopt;
  }
  const TensorId size = lowering.constant("size", as_int32(lowering, {to[2], to[3]}));
  const TensorId image = lowering.to_channels_last(x);
  const tflite::Options options = is_linear ? tflite::Options{tflite::ResizeBilinear{*form}}
                                            : tflite::Options{tflite::ResizeNearestNeighbor{*form}};
  const TensorId resized = lowering.emit(options, {image, size}, {to[0], to[2], to[3], to[1]});
  lowering.set_output(0, lowering.to_channels_first(resized));
  return std::nullopt;
}

const OnnxOp onnx_rows[] = {
    {.type = "Resize", .inputs = {1, 4}, .infer = infer_resize, .lower = lower_resize},
};

// --- TFLite ---

template <class Op>
std::vector<TensorType> infer_resized(const OperatorView& view) {
  view.require_type(0, real_types);
  const Shape& x = view.shape(0, 4);
  const Shape size = view.integers(1, "its sizes");
  if (size.size() != 2 || size[0] < 1 || size[1] < 1) {
    view.fail(fmt::format("can't resize to {}", to_string(size)));
  }
  const tflite::Resize& op = view.options<Op>();
  if (op.align_corners && op.half_pixel_centers) {
    view.fail("corners can't be aligned where pixels have their centers at halves");
  }
  return {{view.input(0).dtype, {x[0], size[0], size[1], x[3]}}};
}

int version_of_bilinear(const TfliteGraph& graph, const TfliteOperator& op) {
  if (input_of(graph, op, 0).dtype == DType::int16) return 4;
  return std::get<tflite::ResizeBilinear>(op.options).half_pixel_centers ? 3 : version_by_type<0>(graph, op);
}

int version_of_nearest(const TfliteGraph& graph, const TfliteOperator& op) {
  if (input_of(graph, op, 0).dtype == DType::int16) return 4;
  const auto& options = std::get<tflite::ResizeNearestNeighbor>(op.options);
  return options.half_pixel_centers || options.align_corners ? 3 : version_by_type<0>(graph, op);
}

TfliteOp::WrittenOptions write_bilinear(flatbuffers::FlatBufferBuilder& builder,
                                        const tflite::Options& options) {
  const auto& op = std::get<tflite::ResizeBilinear>(options);
  return written(schema::BuiltinOptions::ResizeBilinearOptions,
                 schema::CreateResizeBilinearOptions(builder, op.align_corners, op.half_pixel_centers));
}

TfliteOp::WrittenOptions write_nearest(flatbuffers::FlatBufferBuilder& builder,
                                       const tflite::Options& options) {
  const auto& op = std::get<tflite::ResizeNearestNeighbor>(options);
  return written(
      schema::BuiltinOptions::ResizeNearestNeighborOptions,
      schema::CreateResizeNearestNeighborOptions(builder, op.align_corners, op.half_pixel_centers));
}

template <class Op, class Table>
tflite::Options read_resize(const schema::Operator& op) {
  Op options;
  if (const Table* table = options_table<Table>(op)) {
    options.align_corners = table->align_corners();
    options.half_pixel_centers = table->half_pixel_centers();
  }
  return options;
}

constexpr OpFamily::TfliteRow tflite_rows[] = {
    {alternative_of<tflite::ResizeBilinear>,
     {.name = tflite::ResizeBilinear::name,
      .inputs = {2, 2},
      .infer = infer_resized<tflite::ResizeBilinear>,
      .sign = SignEffect::keeps,
      .builtin_code = 23,
      // In int16 it places pixels by ten bits, and so keeps eight of sixteen.
      .rule = int8_only(OutputRange::same_as_input),
      .version = version_of_bilinear,
      .write = write_bilinear,
      .read = read_resize<tflite::ResizeBilinear, schema::ResizeBilinearOptions>,
      .runs_on_xnnpack = xnnpack_moves_bytes,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.7.0", "1.14.0", "2.2.0", "2.5.0"});
          }}},
    {alternative_of<tflite::ResizeNearestNeighbor>,
     {.name = tflite::ResizeNearestNeighbor::name,
      .inputs = {2, 2},
      .infer = infer_resized<tflite::ResizeNearestNeighbor>,
      .sign = SignEffect::keeps,
      .builtin_code = 97,
      .rule = {OutputRange::same_as_input},
      .version = version_of_nearest,
      .write = write_nearest,
      .read = read_resize<tflite::ResizeNearestNeighbor, schema::ResizeNearestNeighborOptions>,
      .runs_on_xnnpack = xnnpack_never,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.13.1", "1.14.0", "2.3.0", "2.4.0"});
          }}},
};

}  // namespace

const OpFamily& resize_family() {
  static const OpFamily family{onnx_rows, tflite_rows};
  return family;
}

}  // namespace calib8
