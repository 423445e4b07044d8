// AVERAGE_POOL_2D and MAX_POOL_2D: rules, versions, options, what XNNPACK takes.

#include "ops/convolution/pool_rows.h"
#include "ops/file_options.h"
#include "ops/infer_tflite.h"
#include "ops/xnnpack.h"

namespace calib8 {
namespace {

template <class Op>
std::vector<TensorType> infer_pool(const OperatorView& view) {
  view.require_type(0, real_types);
  const Shape& x = view.shape(0, 4);
  const tflite::Pool2D& pool = view.options<Op>();
  const Window down{pool.filter_height, pool.stride_height}, across{pool.filter_width, pool.stride_width};
  return {{view.input(0).dtype,
           {x[0], window_count(view, "height", x[1], down, pool.padding),
            window_count(view, "width", x[2], across, pool.padding), x[3]}}};
}

template <class Op>
TfliteOp::WrittenOptions write_pool(flatbuffers::FlatBufferBuilder& builder, const tflite::Options& options) {
  const tflite::Pool2D& pool = std::get<Op>(options);
  return written(
      schema::BuiltinOptions::Pool2DOptions,
      schema::CreatePool2DOptions(builder, to_schema(pool.padding), pool.stride_width, pool.stride_height,
                                  pool.filter_width, pool.filter_height, to_schema(pool.activation)));
}

template <class Op>
tflite::Options read_pool(const schema::Operator& op) {
  const auto& table = required_table<schema::Pool2DOptions>(op);
  return Op{{from_schema(table.padding()), table.stride_h(), table.stride_w(), table.filter_height(),
             table.filter_width(), from_schema(table.fused_activation_function())}};
}

/// The delegate takes no pool that leaves elements out.
bool covers_input(const tflite::Pool2D& pool) {
  return pool.stride_height <= pool.filter_height && pool.stride_width <= pool.filter_width;
}

bool max_pool_on_xnnpack(const TfliteGraph& graph, const TfliteOperator& op) {
  return covers_input(std::get<tflite::MaxPool2D>(op.options)) && xnnpack_moves_bytes(graph, op);
}

bool average_pool_on_xnnpack(const TfliteGraph& graph, const TfliteOperator& op) {
  return covers_input(std::get<tflite::AveragePool2D>(op.options)) && xnnpack_float_only(graph, op);
}

std::string_view pool_runtime(int version) {
  return release_of(version, {"1.5.0", "1.14.0", "2.3.0"});
}

const OpFamily::TfliteRow rows[] = {
    {alternative_of<tflite::AveragePool2D>,
     {.name = tflite::AveragePool2D::name,
      .infer = infer_pool<tflite::AveragePool2D>,
      .sign = SignEffect::keeps,
      .builtin_code = 1,
      .rule = {OutputRange::same_as_input},
      .version = version_by_type<0>,
      .write = write_pool<tflite::AveragePool2D>,
      .read = read_pool<tflite::AveragePool2D>,
      .runs_on_xnnpack = average_pool_on_xnnpack,
      .minimum_runtime = pool_runtime}},
    {alternative_of<tflite::MaxPool2D>,
     {.name = tflite::MaxPool2D::name,
      .infer = infer_pool<tflite::MaxPool2D>,
      .sign = SignEffect::keeps,
      .builtin_code = 17,
      .rule = {OutputRange::same_as_input},
      .version = version_by_type<0>,
      .write = write_pool<tflite::MaxPool2D>,
      .read = read_pool<tflite::MaxPool2D>,
      .runs_on_xnnpack = max_pool_on_xnnpack,
      .minimum_runtime = pool_runtime}},
};

}  // namespace

std::span<const OpFamily::TfliteRow> pool_tflite_rows() {
  return rows;
}

}  // namespace calib8
