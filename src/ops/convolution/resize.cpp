// Resize. Its TFLite half is resize_tflite.cpp.

#include <algorithm>
#include <cmath>

#include "ops/all_ops.h"
#include "ops/convolution/resize_lines.h"
#include "ops/convolution/spatial.h"
#include "ops/emit.h"
#include "ops/infer.h"

namespace calib8 {
namespace {

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
  if (mode != "nearest" && mode != "linear" && mode != "cubic") return "resizing in mode " + mode;
  const std::string coordinates = node.get_string("coordinate_transformation_mode", "half_pixel");
  if (!onnx_coordinate(coordinates, {1, 1, 1.0f}, 0)) return "resizing by " + coordinates + " coordinates";
  for (std::size_t axis = 0; axis < from.size(); ++axis) {
    if (from[axis] == to[axis]) continue;
    if (std::max(from[axis], to[axis]) > largest_image) return "resizing to more than 65536 elements";
    if (from[axis] < 1 || to[axis] < 1) return "resizing of an empty image";
  }
  return std::nullopt;
}

/// The form of TFLite's kernels for images that does the whole; nothing where there is none.
std::optional<tflite::Resize> image_form(const Lowering& lowering, const std::vector<Line>& lines) {
  const std::string mode = lowering.node.get_string("mode", "nearest");
  const bool is_plain = mode != "cubic" && lowering.node.get_int("antialias", 0) == 0;
  if (!is_plain || (lines.size() != 3 && lines.size() != 4) || !lines[0].is_whole() || !lines[1].is_whole())
    return std::nullopt;
  const Line rows = lines.size() == 4 ? lines[2] : Line{1, 1, 1.0f};
  return matching_form(lowering, rows, lines.back(), mode == "linear");
}

//   Resize(x)   ->   TRANSPOSE, RESIZE_BILINEAR or RESIZE_NEAREST_NEIGHBOR, TRANSPOSE
//   others      ->   axis by axis: GATHER of the nearest elements, or a product with a constant matrix
Refusal lower_resize(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  const TensorId x = lowering.input(0);
  const Shape from = lowering.target[x].shape, to = lowering.output_shape();
  if (Refusal refusal = refuse_resize(lowering, from, to)) return refusal;
  const Resizing resizing = resizing_of(lowering, *static_type(DType::float32, from).shape);
  std::vector<Line> lines;
  for (std::size_t axis = 0; axis < from.size(); ++axis)
    lines.push_back({from[axis], to[axis], resizing.scales[axis]});
  const auto form = image_form(lowering, lines);
  if (from == to && form) {
    lowering.set_output(0, x);
    return std::nullopt;
  }
  if (!form) return lower_resize_by_axes(lowering, lines);
  const std::int64_t height = to.size() == 4 ? to[2] : 1, width = to.back();
  const TensorId size = lowering.constant("size", as_int32(lowering, {height, width}));
  const TensorId image = enter_image(lowering, x);
  const tflite::Options options = lowering.node.get_string("mode", "nearest") == "linear"
                                      ? tflite::Options{tflite::ResizeBilinear{*form}}
                                      : tflite::Options{tflite::ResizeNearestNeighbor{*form}};
  const TensorId resized = lowering.emit(options, {image, size}, {to[0], height, width, to[1]});
  lowering.set_output(0, leave_image(lowering, resized));
  return std::nullopt;
}

const OnnxOp onnx_rows[] = {
    {.type = "Resize", .inputs = {1, 4}, .infer = infer_resize, .lower = lower_resize},
};

}  // namespace

const OpFamily& resize_family() {
  static const OpFamily family{onnx_rows, resize_tflite_rows()};
  return family;
}

}  // namespace calib8
