// Gemm and MatMul. Their TFLite half is linear_tflite.cpp.

#include "ops/convolution/linear_rows.h"
#include "ops/convolution/weights.h"
#include "ops/emit.h"
#include "ops/infer.h"
#include "ops/lowering.h"

namespace calib8 {
namespace {

struct GemmAttributes {
  bool transpose_a, transpose_b;
  float alpha, beta;
};

GemmAttributes read_gemm(const NodeView& view) {
  return {view.node.get_int("transA", 0) != 0, view.node.get_int("transB", 0) != 0,
          view.node.get_float("alpha", 1.0f), view.node.get_float("beta", 1.0f)};
}

std::vector<OnnxType> infer_gemm(const NodeView& view) {
  const OnnxType &a = view.input_type(0), &b = view.input_type(1);
  const GemmAttributes gemm = read_gemm(view);
  OnnxType y{a.dtype, Dimensions(2)};
  const auto sides = [&](const OnnxType& type,
                         bool is_transposed) -> std::optional<std::pair<Dimension, Dimension>> {
    if (!type.has_rank()) return std::nullopt;
    if (type.shape->size() != 2)
      view.fail("an input of rank " + std::to_string(type.shape->size()) + ", not 2");
    return std::pair{(*type.shape)[is_transposed ? 1 : 0], (*type.shape)[is_transposed ? 0 : 1]};
  };
  const auto rows = sides(a, gemm.transpose_a), columns = sides(b, gemm.transpose_b);
  if (rows && columns) merged(view, rows->second, columns->first);
  if (rows) (*y.shape)[0] = rows->first;
  if (columns) (*y.shape)[1] = columns->second;
  return {y};
}

std::vector<OnnxType> infer_matmul(const NodeView& view) {
  const OnnxType &a = view.input_type(0), &b = view.input_type(1);
  if (!a.has_rank() || !b.has_rank()) return {{a.dtype, std::nullopt}};
  Dimensions left = *a.shape, right = *b.shape;
  if (left.empty() || right.empty()) view.fail("multiplies a scalar");
  const bool is_row = left.size() == 1, is_column = right.size() == 1;
  if (is_row) left.insert(left.begin(), known(1));
  if (is_column) right.push_back(known(1));
  merged(view, left.back(), right[right.size() - 2]);
  Dimensions shape = broadcast(view, {left.begin(), left.end() - 2}, {right.begin(), right.end() - 2});
  if (!is_row) shape.push_back(left[left.size() - 2]);
  if (!is_column) shape.push_back(right.back());
  return {{a.dtype, shape}};
}

Tensor zero_bias(std::int64_t channels) {
  return make_tensor({channels}, std::vector<float>(static_cast<std::size_t>(channels)));
}

Tensor scaled(const Tensor& tensor, float factor) {
  if (factor == 1.0f) return tensor;
  std::vector<float> values = to_float(tensor);
  for (float& value : values) value *= factor;
  return make_tensor(tensor.shape, std::move(values));
}

/// A constant made from one of the node's constants, under that one's name.
TensorId constant_like(Lowering& lowering, std::size_t position, Tensor tensor) {
  return lowering.target.add_constant(lowering.graph[lowering.node.inputs[position]].name, std::move(tensor));
}

/// Gemm's third input as the bias of a FULLY_CONNECTED with that many channels; nothing where it isn't
/// constant or differs from row to row.
std::optional<Tensor> gemm_bias(const NodeView& view, std::int64_t channels, float beta) {
  if (!view.has_input(2) || beta == 0.0f) return zero_bias(channels);
  const Tensor* bias = view.constant(2);
  if (!bias) return std::nullopt;
  if (bias->count() == 1) {
    return make_tensor({channels},
                       std::vector<float>(static_cast<std::size_t>(channels), to_float(*bias)[0] * beta));
  }
  if (bias->count() != channels || bias->shape.back() != channels) return std::nullopt;
  return scaled(reshaped(as_float32(*bias), {channels}), beta);
}

//   Gemm(a, constant b, c)   ->   [TRANSPOSE], FULLY_CONNECTED with alpha and beta in the constants, [ADD c]
//   Gemm(a, b, c)            ->   BATCH_MATMUL, [ADD c]
Refusal lower_gemm(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  const GemmAttributes gemm = read_gemm(lowering);
  const Shape output = lowering.output_shape();
  const Tensor* b = lowering.constant(1);
  std::optional<Tensor> bias = gemm_bias(lowering, output[1], gemm.beta);
  const bool adds_apart = !bias || (!b && lowering.has_input(2));
  if (adds_apart && gemm.beta != 1.0f) return "beta on a third input that can't be a bias";
  TensorId y;
  if (b) {
    TensorId x = lowering.input(0);
    if (gemm.transpose_a) x = lowering.emit_transpose(x, {1, 0});
    const Tensor weights =
        gemm.transpose_b ? as_float32(*b)
                         : swap_rows_and_columns(*b, 1, b->shape[0], b->shape[1], {b->shape[1], b->shape[0]});
    const TensorId bias_tensor = adds_apart || !lowering.has_input(2)
                                     ? lowering.constant("bias", zero_bias(output[1]))
                                     : constant_like(lowering, 2, *bias);
    y = lowering.emit(tflite::FullyConnected{},
                      {x, constant_like(lowering, 1, scaled(weights, gemm.alpha)), bias_tensor}, output,
                      adds_apart ? "product" : "");
  } else {
    if (gemm.alpha != 1.0f) return "alpha on weights that are not constant";
    y = lowering.emit(tflite::BatchMatMul{gemm.transpose_a, gemm.transpose_b},
                      {lowering.input(0), lowering.input(1)}, output, adds_apart ? "product" : "");
  }
  if (adds_apart) y = lowering.emit(tflite::Add{}, {y, lowering.input(2)}, output);
  lowering.set_output(0, y);
  return std::nullopt;
}

/// A vector as the matrix that MatMul reads it as.
TensorId as_matrix(Lowering& lowering, std::size_t position) {
  const Shape shape = lowering.input_shape(position);
  if (shape.size() > 1) return lowering.input(position);
  const Shape matrix = position == 0 ? Shape{1, shape[0]} : Shape{shape[0], 1};
  return emit_reshape(lowering, lowering.input(position), matrix, position == 0 ? "row" : "column");
}

//   MatMul(a, constant matrix b)   ->   FULLY_CONNECTED        MatMul(a, b)   ->   BATCH_MATMUL
Refusal lower_matmul(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  const TensorId a = as_matrix(lowering, 0);
  Shape shape = lowering.target[a].shape;  // of the product, before a vector's dimension is dropped
  const Tensor* b = lowering.constant(1);
  TensorId y;
  if (b && b->shape.size() <= 2) {
    const std::int64_t depth = b->shape[0], channels = b->shape.size() == 2 ? b->shape[1] : 1;
    shape.back() = channels;
    const tflite::FullyConnected op{tflite::Activation::none, shape.size() > 2};
    const Tensor weights = swap_rows_and_columns(*b, 1, depth, channels, {channels, depth});
    y = lowering.emit(
        op, {a, constant_like(lowering, 1, weights), lowering.constant("bias", zero_bias(channels))}, shape);
  } else {
    const TensorId right = as_matrix(lowering, 1);
    const Shape output = lowering.output_shape();
    const bool is_column = lowering.input_shape(1).size() == 1, is_row = lowering.input_shape(0).size() == 1;
    shape = output;
    if (is_row) shape.insert(shape.end() - (is_column ? 0 : 1), 1);
    if (is_column) shape.push_back(1);
    y = lowering.emit(tflite::BatchMatMul{}, {a, right}, shape);
  }
  lowering.set_output(0, emit_reshape(lowering, y, lowering.output_shape(), "product"));
  return std::nullopt;
}

constexpr AttributeDefault gemm_defaults[] = {
    {"alpha", 1.0f}, {"beta", 1.0f}, {"transA", std::int64_t{0}}, {"transB", std::int64_t{0}}};

const OnnxOp onnx_rows[] = {
    {.type = "Gemm",
     .inputs = {2, 3},
     .infer = infer_gemm,
     .lower = lower_gemm,
     .traits = {.defaults = gemm_defaults}},
    {.type = "MatMul", .inputs = {2, 2}, .infer = infer_matmul, .lower = lower_matmul},
};

}  // namespace

const OpFamily& linear_family() {
  static const OpFamily family{onnx_rows, linear_tflite_rows()};
  return family;
}

}  // namespace calib8
