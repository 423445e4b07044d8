#include "optimize/layout/permutation.h"

#include "optimize/rewrite.h"

namespace calib8 {

bool is_permutation(const Permutation& permutation) {
  std::vector<bool> seen(permutation.size(), false);
  for (const std::int32_t axis : permutation) {
    if (axis < 0 || static_cast<std::size_t>(axis) >= permutation.size() || seen[axis]) return false;
    seen[axis] = true;
  }
  return true;
}

bool is_identity(const Permutation& permutation) {
  for (std::size_t i = 0; i < permutation.size(); ++i) {
    if (permutation[i] != static_cast<std::int32_t>(i)) return false;
  }
  return true;
}

Permutation inverse(const Permutation& permutation) {
  Permutation result(permutation.size());
  for (std::size_t i = 0; i < permutation.size(); ++i) result[permutation[i]] = static_cast<std::int32_t>(i);
  return result;
}

Permutation then(const Permutation& first, const Permutation& second) {
  Permutation result(second.size());
  for (std::size_t i = 0; i < second.size(); ++i) result[i] = first[second[i]];
  return result;
}

Shape permuted(const Shape& shape, const Permutation& permutation) {
  Shape result(shape.size());
  for (std::size_t i = 0; i < shape.size(); ++i) result[i] = shape[permutation[i]];
  return result;
}

bool keeps_element_order(const Shape& shape, const Permutation& permutation) {
  std::int32_t last = -1;
  for (const std::int32_t axis : permutation) {
    if (shape[axis] == 1) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

namespace {

/// Copies elements of type T; all that matters of the type is its size.
template <class T>
std::vector<T> permuted_elements(const Tensor& tensor, const Shape& shape, const Permutation& permutation) {
  const std::size_t rank = shape.size();
  const T* source = reinterpret_cast<const T*>(tensor.data.bytes().data());
  std::vector<T> result(tensor.data.size() / sizeof(T));
  if (rank == 0 || result.empty()) return std::vector<T>(source, source + result.size());

  std::vector<std::int64_t> own(rank, 1);  // Elements between neighbours, by dimension of the operand,
  for (std::size_t i = rank; i-- > 1;) own[i - 1] = own[i] * tensor.shape[i];
  const Shape strides = permuted(own, permutation);  // and of the result.
  std::vector<std::int64_t> index(rank, 0);
  std::int64_t offset = 0;
  const std::int64_t row = shape.back(), step = strides.back();
  for (std::size_t written = 0; written < result.size(); written += static_cast<std::size_t>(row)) {
    for (std::int64_t i = 0; i < row; ++i)
      result[written + static_cast<std::size_t>(i)] = source[offset + i * step];
    for (std::size_t i = rank - 1; i-- > 0;) {  // Step the index of the row, and the offset with it.
      offset += strides[i];
      if (++index[i] < shape[i]) break;
      offset -= strides[i] * shape[i];
      index[i] = 0;
    }
  }
  return result;
}

}  // namespace

Tensor permuted(const Tensor& tensor, const Permutation& permutation) {
  const Shape shape = permuted(tensor.shape, permutation);
  if (keeps_element_order(tensor.shape, permutation)) return {tensor.dtype, shape, tensor.data};
  const auto rearranged = [&]<class T>(T) {
    return Tensor{tensor.dtype, shape, Data::from_vector(permuted_elements<T>(tensor, shape, permutation))};
  };
  switch (size_of(tensor.dtype)) {
    case 1:
      return rearranged(std::uint8_t{});
    case 2:
      return rearranged(std::uint16_t{});
    case 4:
      return rearranged(std::uint32_t{});
    default:
      return rearranged(std::uint64_t{});
  }
}

Shape with_rank(Shape shape, std::size_t rank) {
  if (shape.size() < rank) shape.insert(shape.begin(), rank - shape.size(), 1);
  return shape;
}

std::optional<TransposeView> as_transpose(const TfliteGraph& graph, OperatorId id) {
  if (!id.exists() || !graph[id].is<tflite::Transpose>()) return std::nullopt;
  const TfliteOperator& op = graph[id];
  const Shape& shape = graph[op.inputs[0]].shape;
  const auto values = integers_of(graph, op.inputs[1], shape.size());
  if (!values || values->empty()) return std::nullopt;
  Permutation permutation(values->begin(), values->end());
  if (!is_permutation(permutation) || permuted(shape, permutation) != graph[op.outputs[0]].shape)
    return std::nullopt;
  return TransposeView{id, op.inputs[0], std::move(permutation)};
}

std::optional<TransposeView> transpose_behind(const TfliteGraph& graph, TensorId tensor) {
  if (!tensor.exists()) return std::nullopt;
  return as_transpose(graph, graph.producer(tensor));
}

TensorId insert_transpose_before(TfliteGraph& graph, OperatorId next, TensorId input,
                                 const Permutation& permutation) {
  const TfliteTensor& operand = graph[input];
  TfliteTensor result{operand.name + "/transposed", operand.dtype, permuted(operand.shape, permutation),
                      operand.quantization, std::nullopt};
  const TensorId output = graph.add_value(std::move(result));
  const TensorId constant = graph.add_constant(graph[output].name + "/permutation", permutation);
  graph.insert_before(next, {tflite::Transpose{}, {input, constant}, {output}});
  return output;
}

void transpose_output_back(TfliteGraph& graph, OperatorId id, std::size_t position,
                           const Permutation& permutation) {
  if (is_identity(permutation)) return;
  const TensorId old = graph[id].outputs[position];
  TfliteTensor moved = graph[old];
  moved.shape = permuted(graph[old].shape, inverse(permutation));
  const TensorId fresh = graph.add_value(std::move(moved));
  graph.set_output(id, position, fresh);
  graph[old].name += "/transposed";
  const TensorId constant = graph.add_constant(graph[old].name + "/permutation", permutation);
  graph.insert_after(id, {tflite::Transpose{}, {fresh, constant}, {old}});
}

}  // namespace calib8
