// GATHER, GATHER_ND, SCATTER_ND, TILE and BROADCAST_TO.

#include <fmt/format.h>

#include <algorithm>

#include "ops/plain_rows.h"
#include "ops/shape/gather_rows.h"

namespace calib8 {
namespace {

constexpr std::array index_types = {DType::int32, DType::int64};
constexpr std::array scattered_types = {DType::float32, DType::int8, DType::uint8, DType::int32,
                                        DType::int64};

/// Where the indices are known, they must be within [0, size).
void require_in_range(const OperatorView& view, const TfliteTensor& indices, std::int64_t size) {
  if (!indices.is_constant()) return;
  for (const std::int64_t index : to_int64(indices.as_tensor())) {
    if (index < 0 || index >= size) view.fail(fmt::format("its index {} is outside of {}", index, size));
  }
}

std::vector<TensorType> infer_gather_tflite(const OperatorView& view) {
  view.require_type(0, moved_types);
  view.require_type(1, index_types);
  const TfliteTensor &x = view.input(0), &indices = view.input(1);
  const auto& options = view.options<tflite::Gather>();
  if (options.batch_dims != 0) view.fail("batch dimensions are not supported");
  const std::size_t axis = axis_of(view, options.axis, x.shape.size());
  require_in_range(view, indices, x.shape[axis]);
  const auto place = x.shape.begin() + static_cast<std::ptrdiff_t>(axis);
  Shape shape(x.shape.begin(), place);
  shape.insert(shape.end(), indices.shape.begin(), indices.shape.end());
  shape.insert(shape.end(), place + 1, x.shape.end());
  return {{x.dtype, std::move(shape)}};
}

int version_of_gather(const TfliteGraph& graph, const TfliteOperator& op) {
  const DType dtype = input_of(graph, op, 0).dtype;
  if (std::get<tflite::Gather>(op.options).batch_dims != 0) return 5;
  return dtype == DType::int16 ? 4 : dtype == DType::boolean ? 3 : dtype == DType::int8 ? 2 : 1;
}

TfliteOp::WrittenOptions write_gather(flatbuffers::FlatBufferBuilder& builder,
                                      const tflite::Options& options) {
  const auto& gather = std::get<tflite::Gather>(options);
  return written(schema::BuiltinOptions::GatherOptions,
                 schema::CreateGatherOptions(builder, gather.axis, gather.batch_dims));
}

tflite::Options read_gather(const schema::Operator& op) {
  const auto* table = options_table<schema::GatherOptions>(op);
  return table ? tflite::Gather{table->axis(), table->batch_dims()} : tflite::Gather{};
}

/// The number of leading dimensions that a row of indices [..., n] names.
std::size_t indexed_dimensions(const OperatorView& view, const TfliteTensor& indices, std::size_t rank) {
  const std::int64_t count = indices.shape.empty() ? 0 : indices.shape.back();
  if (count < 1 || count > static_cast<std::int64_t>(rank)) {
    view.fail(fmt::format("indices of shape {} don't fit {} dimensions", to_string(indices.shape), rank));
  }
  return static_cast<std::size_t>(count);
}

/// Each coordinate of constant indices must be within its dimension.
void require_coordinates(const OperatorView& view, const TfliteTensor& indices, const Shape& shape,
                         std::size_t count) {
  if (!indices.is_constant()) return;
  std::size_t axis = 0;
  for (const std::int64_t index : to_int64(indices.as_tensor())) {
    if (index < 0 || index >= shape[axis])
      view.fail(fmt::format("its index {} is outside of {}", index, shape[axis]));
    axis = (axis + 1) % count;
  }
}

std::vector<TensorType> infer_gather_nd(const OperatorView& view) {
  view.require_type(0, moved_types);
  view.require_type(1, index_types);
  const TfliteTensor &x = view.input(0), &indices = view.input(1);
  const std::size_t count = indexed_dimensions(view, indices, x.shape.size());
  require_coordinates(view, indices, x.shape, count);
  Shape shape(indices.shape.begin(), indices.shape.end() - 1);
  shape.insert(shape.end(), x.shape.begin() + static_cast<std::ptrdiff_t>(count), x.shape.end());
  return {{x.dtype, std::move(shape)}};
}

int version_of_gather_nd(const TfliteGraph& graph, const TfliteOperator& op) {
  const DType dtype = input_of(graph, op, 0).dtype;
  return dtype == DType::boolean ? 5 : dtype == DType::int16 ? 3 : 1;
}

std::vector<TensorType> infer_scatter_nd(const OperatorView& view) {
  view.require_type(1, scattered_types);
  const TfliteTensor &indices = view.input(0), &updates = view.input(1);
  if (indices.dtype != DType::int32) view.fail("its indices are not int32");
  const Shape shape = view.integers(2, "its shape");
  const std::size_t count = indexed_dimensions(view, indices, shape.size());
  require_coordinates(view, indices, shape, count);
  Shape wanted(indices.shape.begin(), indices.shape.end() - 1);
  wanted.insert(wanted.end(), shape.begin() + static_cast<std::ptrdiff_t>(count), shape.end());
  if (updates.shape != wanted) {
    view.fail(fmt::format("updates of shape {} instead of {}", to_string(updates.shape), to_string(wanted)));
  }
  return {{updates.dtype, shape}};
}

std::vector<TensorType> infer_tile_tflite(const OperatorView& view) {
  view.require_type(0, moved_types);
  const TfliteTensor& x = view.input(0);
  const auto repeats = view.integers(1, "its repeats", true);
  if (repeats.size() != x.shape.size())
    view.fail(fmt::format("{} repeats for {} dimensions", repeats.size(), x.shape.size()));
  Shape shape = x.shape;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (repeats[axis] < 1 || __builtin_mul_overflow(shape[axis], repeats[axis], &shape[axis]))
      view.fail(fmt::format("can't repeat {} times", repeats[axis]));
  }
  return {{x.dtype, std::move(shape)}};
}

std::vector<TensorType> infer_broadcast_to(const OperatorView& view) {
  view.require_type(0, moved_types);
  const TfliteTensor& x = view.input(0);
  const Shape shape = view.integers(1, "its shape", true);
  if (broadcast(view, x.shape, shape) != shape)
    view.fail(fmt::format("{} doesn't broadcast to {}", to_string(x.shape), to_string(shape)));
  return {{x.dtype, shape}};
}

constexpr OpFamily::TfliteRow rows[] = {
    row_of<tflite::Gather>({.inputs = {2, 2},
                            .infer = infer_gather_tflite,
                            .sign = SignEffect::keeps,
                            .builtin_code = 36,
                            .rule = OutputRange::same_as_input,
                            .version = version_of_gather,
                            .write = write_gather,
                            .read = read_gather,
                            .minimum_runtime =
                                [](int version) {
                                  return release_of(version, {"1.6.0", "1.14.0", "1.15.0", "2.4.0", "2.5.0"});
                                }}),
    row_of<tflite::GatherNd>(
        {.inputs = {2, 2},
         .infer = infer_gather_nd,
         .sign = SignEffect::keeps,
         .builtin_code = 107,
         .rule = OutputRange::same_as_input,
         .version = version_of_gather_nd,
         .minimum_runtime =
             [](int version) {
               return release_of(version, {"1.14.0", "2.3.0", "2.5.0", "2.13.0", "2.16.0"});
             }}),
    row_of<tflite::ScatterNd>({.inputs = {3, 3},
                               .infer = infer_scatter_nd,
                               .builtin_code = 122,
                               .rule = keep_float("sums numbers into zeros, which have no place in int8"),
                               .minimum_runtime = [](int) -> std::string_view { return "2.1.0"; }}),
    row_of<tflite::Tile>({.inputs = {2, 2},
                          .infer = infer_tile_tflite,
                          .sign = SignEffect::keeps,
                          .builtin_code = 69,
                          .rule = int8_only(OutputRange::same_as_input),
                          .version =
                              [](const TfliteGraph& graph, const TfliteOperator& op) {
                                return input_of(graph, op, 0).dtype == DType::int8 ? 3 : 1;
                              },
                          .minimum_runtime =
                              [](int version) {
                                return release_of(version, {"1.10.1", "2.2.0", "2.8.0"});
                              }}),
    row_of<tflite::BroadcastTo>({.inputs = {2, 2},
                                 .infer = infer_broadcast_to,
                                 .sign = SignEffect::keeps,
                                 .builtin_code = 130,
                                 .rule = OutputRange::same_as_input,
                                 .version =
                                     [](const TfliteGraph& graph, const TfliteOperator& op) {
                                       const DType dtype = input_of(graph, op, 0).dtype;
                                       return dtype == DType::int8 || dtype == DType::int16 ? 3 : 2;
                                     },
                                 .minimum_runtime = [](int) -> std::string_view { return "2.5.0"; }}),
};

}  // namespace

std::span<const OpFamily::TfliteRow> gather_tflite_rows() {
  return rows;
}

}  // namespace calib8
