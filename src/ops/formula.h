#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "ops/lowering.h"

namespace calib8 {

/// Writes down what an ONNX operator means as a formula of TFLite operators, for rows that lower to several.
/// Operands broadcast as NumPy has it, and get the result's rank, so that whatever permutes the one can
/// permute the other. Results that are partial get numbered names; the last one the node's.
class Formula {
 public:
  explicit Formula(Lowering& lowering) : lowering_(lowering) {}

  TensorId input(std::size_t position) { return lowering_.input(position); }
  const Shape& shape(TensorId tensor) const { return lowering_.target[tensor].shape; }
  std::size_t rank(TensorId tensor) const { return shape(tensor).size(); }

  template <class Op>
  TensorId of(TensorId x) {
    return emit(Op{}, {x}, shape(x));
  }
  template <class Op>
  TensorId of(TensorId a, TensorId b) {
    return binary(Op{}, a, b);
  }
  template <class Op>
  TensorId of(TensorId a, double b) {
    return binary(Op{}, a, number(b, rank(a)));
  }
  template <class Op>
  TensorId of(double a, TensorId b) {
    return binary(Op{}, number(a, rank(b)), b);
  }
  template <class A, class B>
  TensorId add(A a, B b) {
    return of<tflite::Add>(a, b);
  }
  template <class A, class B>
  TensorId sub(A a, B b) {
    return of<tflite::Sub>(a, b);
  }
  template <class A, class B>
  TensorId mul(A a, B b) {
    return of<tflite::Mul>(a, b);
  }
  template <class A, class B>
  TensorId div(A a, B b) {
    return of<tflite::Div>(a, b);
  }
  /// EQUAL, LESS, ...: booleans.
  template <class Op, class B>
  TensorId compare(TensorId a, B b) {
    return with_dtype(DType::boolean, [&] { return of<Op>(a, b); });
  }
  TensorId select(TensorId condition, TensorId a, TensorId b);

  /// Over these axes, which stay with size 1.
  template <class Op>
  TensorId reduce(TensorId x, const std::vector<std::int64_t>& axes) {
    Op op;
    op.keep_dims = true;
    return reduce(op, x, axes);
  }

  /// The whole of what broadcasting makes of x.
  TensorId broadcast(TensorId x, const Shape& shape);
  TensorId reshape(TensorId x, const Shape& shape);
  TensorId transpose(TensorId x, const std::vector<std::int64_t>& permutation);
  TensorId cast(TensorId x, DType dtype);
  TensorId slice(TensorId x, std::size_t axis, std::int64_t begin, std::int64_t count);
  TensorId concatenate(const std::vector<TensorId>& parts, std::size_t axis);
  /// What stands along the axis at each index; the indices' shape takes the axis's place.
  TensorId gather(TensorId x, TensorId indices, std::size_t axis);
  /// Products of the matrices in the last two dimensions; b transposed where it says so.
  TensorId matmul(TensorId a, TensorId b, bool transposes_b = false);
  /// x [..., I] with constant weights [O, I] and a bias [O].
  TensorId linear(TensorId x, TensorId weights, TensorId bias);

  /// Float32 constants: one number of so many dimensions; any tensor.
  TensorId number(double value, std::size_t rank);
  TensorId constant(Tensor tensor);
  TensorId integers(const Shape& shape, const std::vector<std::int64_t>& values);
  TensorId integer(std::int64_t value) { return integers({}, {value}); }

  /// The operator as it is; `dtype` of its output.
  TensorId emit(tflite::Options options, std::vector<TensorId> inputs, Shape shape, DType dtype);
  TensorId emit(tflite::Options options, std::vector<TensorId> inputs, Shape shape);

  /// Declares the output; it gets the node's name.
  void result(TensorId tensor, std::size_t position = 0);

 private:
  template <class Body>
  TensorId with_dtype(DType dtype, Body body) {
    const std::optional<DType> outer = result_dtype_;
    result_dtype_ = dtype;
    const TensorId tensor = body();
    result_dtype_ = outer;
    return tensor;
  }
  TensorId binary(tflite::Options options, TensorId a, TensorId b);
  TensorId reduce(tflite::Options options, TensorId x, const std::vector<std::int64_t>& axes);
  TensorId with_rank(TensorId x, std::size_t rank);
  std::string part() { return std::to_string(++parts_); }

  Lowering& lowering_;
  std::optional<DType> result_dtype_;
  std::size_t parts_ = 0;
  std::vector<TensorId> made_;
};

/// The sizes that two shapes broadcast to; fails with ErrorCode::model where they don't.
Shape broadcast_sizes(const NodeView& view, const Shape& a, const Shape& b);

}  // namespace calib8
