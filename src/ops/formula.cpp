#include "ops/formula.h"

#include <algorithm>
#include <utility>

#include "ops/emit.h"
#include "ops/strided.h"

namespace calib8 {

namespace {

/// Some kernels broadcast four dimensions alone.
constexpr std::size_t most_broadcast = 4;

template <class... Op>
bool is_any(const tflite::Options& options) {
  return (std::holds_alternative<Op>(options) || ...);
}

bool broadcasts_few_dimensions(const tflite::Options& options) {
  return is_any<tflite::Equal, tflite::NotEqual, tflite::Less, tflite::LessEqual, tflite::Greater,
                tflite::GreaterEqual, tflite::LogicalAnd, tflite::LogicalOr, tflite::Pow, tflite::FloorDiv,
                tflite::FloorMod>(options);
}

}  // namespace

Shape broadcast_sizes(const NodeView& view, const Shape& a, const Shape& b) {
  Shape result(std::max(a.size(), b.size()));
  for (std::size_t i = 0; i < result.size(); ++i) {  // from the last dimension on
    const std::int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1;
    const std::int64_t y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1)
      view.fail("sizes " + to_string(a) + " and " + to_string(b) + " don't fit");
    result[result.size() - 1 - i] = x == 1 ? y : x;
  }
  return result;
}

TensorId Formula::emit(tflite::Options options, std::vector<TensorId> inputs, Shape shape, DType dtype) {
  if (!fits_tflite(shape))
    lowering_.fail("needs a tensor of shape " + to_string(shape) + ", larger than one of TFLite can be");
  const TensorId made = lowering_.target.emit(std::move(options), std::move(inputs),
                                              lowering_.tensor_name(part()), std::move(shape), dtype);
  made_.push_back(made);
  return made;
}

TensorId Formula::emit(tflite::Options options, std::vector<TensorId> inputs, Shape shape) {
  const DType dtype = result_dtype_.value_or(lowering_.target[inputs.at(0)].dtype);
  return emit(std::move(options), std::move(inputs), std::move(shape), dtype);
}

TensorId Formula::with_rank(TensorId x, std::size_t rank) {
  Shape wanted = shape(x);
  if (wanted.size() >= rank) return x;
  wanted.insert(wanted.begin(), rank - wanted.size(), 1);
  const auto inner = std::exchange(result_dtype_, std::nullopt);
  const TensorId reshaped = reshape(x, wanted);
  result_dtype_ = inner;
  return reshaped;
}

TensorId Formula::binary(tflite::Options options, TensorId a, TensorId b) {
  const Shape both = broadcast_sizes(lowering_, shape(a), shape(b));
  a = with_rank(a, both.size());
  b = with_rank(b, both.size());
  if (both.size() > most_broadcast && broadcasts_few_dimensions(options)) {
    a = broadcast(a, both);
    b = broadcast(b, both);
  }
  return emit(std::move(options), {a, b}, both);
}

TensorId Formula::select(TensorId condition, TensorId a, TensorId b) {
  const Shape values = broadcast_sizes(lowering_, shape(a), shape(b));
  const Shape all = broadcast_sizes(lowering_, shape(condition), values);
  const DType dtype = lowering_.target[a].dtype;
  return emit(tflite::SelectV2{},
              {with_rank(condition, all.size()), with_rank(a, all.size()), with_rank(b, all.size())}, all,
              dtype);
}

TensorId Formula::reduce(tflite::Options options, TensorId x, const std::vector<std::int64_t>& axes) {
  Shape sizes = shape(x);
  for (const std::int64_t axis : axes) sizes[static_cast<std::size_t>(axis)] = 1;
  const TensorId constant = integers({static_cast<std::int64_t>(axes.size())}, axes);
  return emit(std::move(options), {x, constant}, sizes);
}

TensorId Formula::reshape(TensorId x, const Shape& wanted) {
  if (shape(x) == wanted) return x;
  if (lowering_.target.is_constant(x)) {
    const Tensor tensor = lowering_.target[x].as_tensor();
    return constant({tensor.dtype, wanted, tensor.data});
  }
  const std::vector<std::int32_t> sizes = as_int32(lowering_, wanted);
  return emit(tflite::Reshape{sizes}, {x, lowering_.constant("shape", sizes)}, wanted);
}

TensorId Formula::broadcast(TensorId x, const Shape& wanted) {
  if (shape(x) == wanted) return x;
  if (lowering_.target.is_constant(x)) return constant(broadcast_to(lowering_.target[x].as_tensor(), wanted));
  x = with_rank(x, wanted.size());
  const TensorId sizes = integers({static_cast<std::int64_t>(wanted.size())}, wanted);
  return emit(tflite::BroadcastTo{}, {x, sizes}, wanted, lowering_.target[x].dtype);
}

TensorId Formula::transpose(TensorId x, const std::vector<std::int64_t>& permutation) {
  if (std::is_sorted(permutation.begin(), permutation.end())) return x;
  Shape sizes;
  for (const std::int64_t axis : permutation) sizes.push_back(shape(x).at(static_cast<std::size_t>(axis)));
  if (lowering_.target.is_constant(x)) {
    const Tensor tensor = lowering_.target[x].as_tensor();
    const Shape own = row_major_strides(tensor.shape);
    Shape strides;
    for (const std::int64_t axis : permutation) strides.push_back(own[static_cast<std::size_t>(axis)]);
    return constant(copy_strided(tensor, sizes, strides));
  }
  const TensorId order = integers({static_cast<std::int64_t>(permutation.size())}, permutation);
  return emit(tflite::Transpose{}, {x, order}, sizes);
}

TensorId Formula::cast(TensorId x, DType dtype) {
  if (lowering_.target[x].dtype == dtype) return x;
  return emit(tflite::Cast{dtype}, {x}, shape(x), dtype);
}

TensorId Formula::slice(TensorId x, std::size_t axis, std::int64_t begin, std::int64_t count) {
  Shape from(rank(x), 0), size = shape(x);
  if (begin == 0 && size[axis] == count) return x;
  from[axis] = begin;
  size[axis] = count;
  const TensorId start = lowering_.constant("begin", as_int32(lowering_, from));
  return emit(tflite::Slice{}, {x, start, lowering_.constant("size", as_int32(lowering_, size))}, size);
}

TensorId Formula::concatenate(const std::vector<TensorId>& parts, std::size_t axis) {
  if (parts.size() == 1) return parts[0];
  Shape size = shape(parts.at(0));
  size[axis] = 0;
  for (const TensorId part : parts) size[axis] += shape(part)[axis];
  return emit(tflite::Concatenation{static_cast<std::int32_t>(axis)}, parts, size);
}

TensorId Formula::gather(TensorId x, TensorId indices, std::size_t axis) {
  const Shape& from = shape(x);
  const auto place = from.begin() + static_cast<std::ptrdiff_t>(axis);
  Shape size(from.begin(), place);
  size.insert(size.end(), shape(indices).begin(), shape(indices).end());
  size.insert(size.end(), place + 1, from.end());
  return emit(tflite::Gather{static_cast<std::int32_t>(axis)}, {x, indices}, size);
}

TensorId Formula::matmul(TensorId a, TensorId b, bool transposes_b) {
  const Shape &x = shape(a), &y = shape(b);
  Shape size = broadcast_sizes(lowering_, Shape(x.begin(), x.end() - 2), Shape(y.begin(), y.end() - 2));
  size.push_back(x[x.size() - 2]);
  size.push_back(transposes_b ? y[y.size() - 2] : y.back());
  tflite::BatchMatMul op;
  op.adjoint_y = transposes_b;
  return emit(op, {a, b}, size);
}

TensorId Formula::linear(TensorId x, TensorId weights, TensorId bias) {
  Shape size = shape(x);
  size.back() = shape(weights)[0];
  tflite::FullyConnected op;
  op.keep_num_dims = size.size() != 2;
  return emit(op, {x, weights, bias}, size);
}

TensorId Formula::number(double value, std::size_t rank) {
  return constant(make_tensor(Shape(rank, 1), std::vector<float>{static_cast<float>(value)}));
}

TensorId Formula::constant(Tensor tensor) {
  return lowering_.constant(part(), std::move(tensor));
}

TensorId Formula::integers(const Shape& shape, const std::vector<std::int64_t>& values) {
  return constant(make_tensor(shape, as_int32(lowering_, values)));
}

void Formula::result(TensorId tensor, std::size_t position) {
  tensor = reshape(tensor, lowering_.output_shape(position));
  if (position == 0 && std::find(made_.begin(), made_.end(), tensor) != made_.end())
    lowering_.target[tensor].name = lowering_.tensor_name();
  lowering_.set_output(position, tensor);
}

}  // namespace calib8
