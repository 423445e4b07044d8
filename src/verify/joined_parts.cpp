#include "verify/joined_parts.h"

#include <algorithm>
#include <numeric>

namespace calib8 {
namespace {

/// Joins of more are no structure that a person made: a chain of growing concatenations.
constexpr std::size_t most_parts = 64;

class PartFinder {
 public:
  explicit PartFinder(const TfliteGraph& graph) : graph_(graph) {}

  /// The part of each element of `tensor`.
  std::vector<std::uint16_t> parts_of(TensorId tensor) {
    const OperatorId producer = graph_.producer(tensor);
    if (!producer.exists()) return one_part(tensor);
    const TfliteOperator& op = graph_[producer];
    if (op.is<tflite::Reshape>()) return parts_of(op.inputs[0]);
    if (op.is<tflite::Transpose>()) return transposed(op);
    const auto* join = op.get_if<tflite::Concatenation>();
    if (join == nullptr || join->activation != tflite::Activation::none) return one_part(tensor);
    return joined(op, join->axis, graph_[tensor].shape);
  }

  std::vector<TensorId> take() { return std::move(parts_); }
  bool too_many() const { return parts_.size() > most_parts; }

 private:
  std::size_t size_of(TensorId tensor) const {
    return static_cast<std::size_t>(element_count(graph_[tensor].shape).value());
  }

  std::vector<std::uint16_t> one_part(TensorId tensor) {
    if (!too_many()) parts_.push_back(tensor);
    return std::vector<std::uint16_t>(size_of(tensor), static_cast<std::uint16_t>(parts_.size() - 1));
  }

  std::vector<std::uint16_t> joined(const TfliteOperator& op, std::int32_t axis, const Shape& shape) {
    const auto rank = static_cast<std::int32_t>(shape.size());
    const auto join_axis = static_cast<std::size_t>(axis < 0 ? axis + rank : axis);
    std::vector<std::uint16_t> all(static_cast<std::size_t>(element_count(shape).value()));
    const auto product = [](auto begin, auto end) {
      return static_cast<std::size_t>(
          std::accumulate(begin, end, std::int64_t{1}, std::multiplies<std::int64_t>()));
    };
    const auto middle = shape.begin() + static_cast<std::ptrdiff_t>(join_axis);
    const std::size_t outer = product(shape.begin(), middle), row = product(middle, shape.end());
    std::size_t offset = 0;
    for (const TensorId input : op.inputs) {
      if (too_many()) break;
      const std::vector<std::uint16_t> part = parts_of(input);
      const std::size_t length = outer == 0 ? 0 : part.size() / outer;
      for (std::size_t i = 0; i < outer; ++i)
        std::copy_n(part.data() + i * length, length, all.data() + i * row + offset);
      offset += length;
    }
    return all;
  }

  std::vector<std::uint16_t> transposed(const TfliteOperator& op) {
    if (!graph_.is_constant(op.inputs[1])) return one_part(op.outputs[0]);
    const std::vector<std::uint16_t> from = parts_of(op.inputs[0]);
    const std::vector<std::int64_t> permutation = graph_.constant_integers(op.inputs[1]);
    const Shape& in = graph_[op.inputs[0]].shape;
    const Shape& out = graph_[op.outputs[0]].shape;
    std::vector<std::size_t> strides(in.size(), 1);
    for (std::size_t axis = in.size(); axis-- > 1;)
      strides[axis - 1] = strides[axis] * static_cast<std::size_t>(in[axis]);
    std::vector<std::uint16_t> to(from.size());
    std::vector<std::int64_t> index(out.size(), 0);
    for (std::uint16_t& part : to) {
      std::size_t place = 0;
      for (std::size_t axis = 0; axis < index.size(); ++axis)
        place += static_cast<std::size_t>(index[axis]) * strides[static_cast<std::size_t>(permutation[axis])];
      part = from[place];
      for (std::size_t axis = index.size(); axis-- > 0;) {
        if (++index[axis] < out[axis]) break;
        index[axis] = 0;
      }
    }
    return to;
  }

  const TfliteGraph& graph_;
  std::vector<TensorId> parts_;
};

}  // namespace

JoinedParts joined_parts(const TfliteGraph& graph, TensorId output) {
  PartFinder finder(graph);
  std::vector<std::uint16_t> part_of = finder.parts_of(output);
  if (!finder.too_many()) return {finder.take(), std::move(part_of)};
  return {{output}, std::vector<std::uint16_t>(part_of.size(), 0)};
}

}  // namespace calib8
