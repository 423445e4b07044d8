// RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR: versions, options, what XNNPACK takes.

#include <fmt/format.h>

#include "ops/convolution/resize_lines.h"
#include "ops/file_options.h"
#include "ops/infer_tflite.h"
#include "ops/xnnpack.h"

namespace calib8 {
namespace {

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

std::span<const OpFamily::TfliteRow> resize_tflite_rows() {
  return tflite_rows;
}

}  // namespace calib8
