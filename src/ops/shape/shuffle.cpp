#include <fmt/format.h>

#include <array>

#include "ops/all_ops.h"
#include "ops/emit.h"
#include "ops/file_options.h"
#include "ops/infer.h"
#include "ops/infer_tflite.h"
#include "ops/xnnpack.h"

namespace calib8 {
namespace {

// --- ONNX: DepthToSpace, SpaceToDepth ---

/// The side of a block; its square fits an int64.
std::int64_t block_of(const NodeView& view) {
  const std::int64_t block = view.node.get_int("blocksize", 0);
  if (block < 1 || block > 0x7fff) view.fail("blocksize " + std::to_string(block) + " can't be right");
  return block;
}

Dimension divided(const NodeView& view, const Dimension& size, std::int64_t by) {
  if (!size.is_known()) return by == 1 ? size : Dimension{};
  if (size.size % by != 0)
    view.fail(std::to_string(size.size) + " is no multiple of its blocks' " + std::to_string(by));
  return known(size.size / by);
}

Dimension multiplied(const NodeView& view, const Dimension& size, std::int64_t by) {
  return product(view, {size, known(by)});
}

const OnnxType& image_type(const NodeView& view) {
  const OnnxType& x = view.input_type(0);
  if (x.has_rank() && x.shape->size() != 4) view.fail("wants a tensor of rank 4");
  return x;
}

std::vector<OnnxType> infer_depth_to_space(const NodeView& view) {
  const OnnxType& x = image_type(view);
  if (!x.has_rank()) return {{x.dtype, Dimensions(4)}};
  const std::int64_t block = block_of(view);
  const Dimensions& from = *x.shape;
  return {{x.dtype, Dimensions{from[0], divided(view, from[1], block * block),
                               multiplied(view, from[2], block), multiplied(view, from[3], block)}}};
}

std::vector<OnnxType> infer_space_to_depth(const NodeView& view) {
  const OnnxType& x = image_type(view);
  if (!x.has_rank()) return {{x.dtype, Dimensions(4)}};
  const std::int64_t block = block_of(view);
  const Dimensions& from = *x.shape;
  return {{x.dtype, Dimensions{from[0], multiplied(view, from[1], block * block),
                               divided(view, from[2], block), divided(view, from[3], block)}}};
}

template <class Op>
void emit_shuffle(Lowering& lowering, TensorId x) {
  const Shape to = lowering.output_shape();
  Op op;
  op.block_size = static_cast<std::int32_t>(block_of(lowering));
  const TensorId image = lowering.to_channels_last(x);
  lowering.set_output(0,
                      lowering.to_channels_first(lowering.emit(op, {image}, {to[0], to[2], to[3], to[1]})));
}

//   DepthToSpace DCR   ->   TRANSPOSE, DEPTH_TO_SPACE, TRANSPOSE
//   DepthToSpace CRD   ->   the same behind the channels' reordering from [C, block, block] to [block, block,
//   C]:
//                           RESHAPE, TRANSPOSE, RESHAPE
Refusal lower_depth_to_space(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  const std::string mode = lowering.node.get_string("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") return "mode " + mode;
  TensorId x = lowering.input(0);
  const Shape from = lowering.target[x].shape;
  const std::int64_t block = block_of(lowering), channels = from[1] / (block * block);
  if (mode == "CRD" && channels != 1 && block != 1) {
    const TensorId grouped =
        emit_reshape(lowering, x, {from[0], channels, block * block, from[2], from[3]}, "grouped");
    const TensorId swapped = emit_permutation(lowering, grouped, {0, 2, 1, 3, 4});
    x = emit_reshape(lowering, swapped, from, "reordered");
  }
  emit_shuffle<tflite::DepthToSpace>(lowering, x);
  return std::nullopt;
}

Refusal lower_space_to_depth(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  emit_shuffle<tflite::SpaceToDepth>(lowering, lowering.input(0));
  return std::nullopt;
}

constexpr OnnxOp onnx_rows[] = {
    {"DepthToSpace", infer_depth_to_space, nullptr, lower_depth_to_space},
    {"SpaceToDepth", infer_space_to_depth, nullptr, lower_space_to_depth},
};

// --- TFLite ---

constexpr std::array shuffled_types = {DType::float32, DType::int8, DType::uint8, DType::int32, DType::int64};

std::vector<TensorType> infer_depth_to_space_tflite(const OperatorView& view) {
  view.require_type(0, shuffled_types);
  const Shape& x = view.shape(0, 4);
  const std::int64_t block = view.options<tflite::DepthToSpace>().block_size;
  if (block < 1 || x[3] % (block * block) != 0) {
    view.fail(fmt::format("blocks of {} x {} don't divide {} channels", block, block, x[3]));
  }
  return {{view.input(0).dtype, {x[0], x[1] * block, x[2] * block, x[3] / (block * block)}}};
}

std::vector<TensorType> infer_space_to_depth_tflite(const OperatorView& view) {
  view.require_type(0, shuffled_types);
  const Shape& x = view.shape(0, 4);
  const std::int64_t block = view.options<tflite::SpaceToDepth>().block_size;
  if (block < 1 || x[1] % block != 0 || x[2] % block != 0) {
    view.fail(fmt::format("blocks of {} x {} don't divide {} x {}", block, block, x[1], x[2]));
  }
  return {{view.input(0).dtype, {x[0], x[1] / block, x[2] / block, x[3] * block * block}}};
}

template <class Op, class Table, schema::BuiltinOptions type>
TfliteOp::WrittenOptions write_shuffle(flatbuffers::FlatBufferBuilder& builder,
                                       const tflite::Options& options) {
  typename Table::Builder table(builder);
  table.add_block_size(std::get<Op>(options).block_size);
  return written(type, table.Finish());
}

template <class Op, class Table>
tflite::Options read_shuffle(const schema::Operator& op) {
  Op options;
  options.block_size = required_table<Table>(op).block_size();
  return options;
}

constexpr OpFamily::TfliteRow tflite_rows[] = {
    {alternative_of<tflite::DepthToSpace>,
     {.name = tflite::DepthToSpace::name,
      .infer = infer_depth_to_space_tflite,
      .sign = SignEffect::keeps,
      .builtin_code = 5,
      .rule = int8_only(OutputRange::same_as_input),
      .version = version_by_type<0>,
      .write = write_shuffle<tflite::DepthToSpace, schema::DepthToSpaceOptions,
                             schema::BuiltinOptions::DepthToSpaceOptions>,
      .read = read_shuffle<tflite::DepthToSpace, schema::DepthToSpaceOptions>,
      .runs_on_xnnpack = xnnpack_moves_bytes,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"2.1.0", "2.5.0"});
          }}},
    {alternative_of<tflite::SpaceToDepth>,
     {.name = tflite::SpaceToDepth::name,
      .infer = infer_space_to_depth_tflite,
      .sign = SignEffect::keeps,
      .builtin_code = 26,
      .rule = int8_only(OutputRange::same_as_input),
      .version = version_by_type<0>,
      .write = write_shuffle<tflite::SpaceToDepth, schema::SpaceToDepthOptions,
                             schema::BuiltinOptions::SpaceToDepthOptions>,
      .read = read_shuffle<tflite::SpaceToDepth, schema::SpaceToDepthOptions>,
      .runs_on_xnnpack = xnnpack_moves_bytes,
      .minimum_runtime =
          [](int version) {
            return release_of(version, {"1.5.0", "1.14.0"});
          }}},
};

}  // namespace

const OpFamily& shuffle_family() {
  static const OpFamily family{onnx_rows, tflite_rows};
  return family;
}

}  // namespace calib8
