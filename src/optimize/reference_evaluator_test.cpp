#include "optimize/reference_evaluator.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>
#include <stdexcept>

#include "optimize/reference_arrays.h"

namespace calib8::testing {
namespace {

using Operands = std::vector<const Array*>;

class Evaluator {
 public:
  Evaluator(const TfliteOperator& op, Operands operands) : op_(op), in_(std::move(operands)) {}

  std::vector<Array> run() {
    return std::visit([&](const auto& options) { return apply(options); }, op_.options);
  }

 private:
  std::vector<std::int64_t> integers(std::size_t position) const {
    return {in_[position]->elements.begin(), in_[position]->elements.end()};
  }
  std::vector<Array> map(const std::function<double(double)>& function) const {
    return {unary(*in_[0], function)};
  }
  template <class Options>
  std::vector<Array> combine(const Options& options,
                             const std::function<double(double, double)>& function) const {
    return {unary(binary(*in_[0], *in_[1], function),
                  [&](double value) { return activated(options.activation, value); })};
  }

  std::vector<Array> apply(const tflite::Relu&) {
    return map([](double x) { return std::max(x, 0.0); });
  }
  std::vector<Array> apply(const tflite::Relu6&) {
    return map([](double x) { return activated(tflite::Activation::relu6, x); });
  }
  std::vector<Array> apply(const tflite::Logistic&) {
    return map([](double x) { return 1 / (1 + std::exp(-x)); });
  }
  std::vector<Array> apply(const tflite::Tanh&) {
    return map([](double x) { return std::tanh(x); });
  }
  std::vector<Array> apply(const tflite::Exp&) {
    return {map([](double x) { return std::exp(x); })};
  }
  std::vector<Array> apply(const tflite::Neg&) {
    return map([](double x) { return -x; });
  }
  std::vector<Array> apply(const tflite::Dequantize&) {
    return map([](double x) { return x; });
  }
  std::vector<Array> apply(const tflite::HardSwish&) {
    return map([](double x) { return x * activated(tflite::Activation::relu6, x + 3) / 6; });
  }
  std::vector<Array> apply(const tflite::Add& o) {
    return combine(o, [](double a, double b) { return a + b; });
  }
  std::vector<Array> apply(const tflite::Sub& o) {
    return combine(o, [](double a, double b) { return a - b; });
  }
  std::vector<Array> apply(const tflite::Mul& o) {
    return combine(o, [](double a, double b) { return a * b; });
  }
  std::vector<Array> apply(const tflite::Div& o) {
    return combine(o, [](double a, double b) { return a / b; });
  }
  std::vector<Array> apply(const tflite::Maximum&) {
    return {binary(*in_[0], *in_[1], [](double a, double b) { return std::max(a, b); })};
  }

  std::vector<Array> apply(const tflite::Transpose&) {
    const auto permutation = integers(1);
    Shape shape;
    for (const std::int64_t axis : permutation)
      shape.push_back(in_[0]->shape.at(static_cast<std::size_t>(axis)));
    return {build(shape, [&](const Index& index) {
      Index source(index.size());
      for (std::size_t i = 0; i < index.size(); ++i)
        source[static_cast<std::size_t>(permutation[i])] = index[i];
      return at(*in_[0], source);
    })};
  }

  std::vector<Array> apply(const tflite::Reshape& options) {
    const auto shape = integers(1);
    if (!std::equal(shape.begin(), shape.end(), options.new_shape.begin(), options.new_shape.end()))
      throw std::logic_error("RESHAPE says two shapes");
    if (element_count(shape) != element_count(in_[0]->shape))
      throw std::logic_error("RESHAPE loses elements");
    return {{shape, in_[0]->elements}};
  }

  std::vector<Array> apply(const tflite::Pad&) { return {pad(0)}; }
  std::vector<Array> apply(const tflite::PadV2&) { return {pad(in_[2]->elements.at(0))}; }
  Array pad(double value) const {
    const auto paddings = integers(1);
    Shape shape = in_[0]->shape;
    for (std::size_t i = 0; i < shape.size(); ++i) shape[i] += paddings.at(2 * i) + paddings.at(2 * i + 1);
    return build(shape, [&](const Index& index) {
      Index source = index;
      for (std::size_t i = 0; i < index.size(); ++i) {
        source[i] -= paddings[2 * i];
        if (source[i] < 0 || source[i] >= in_[0]->shape[i]) return value;
      }
      return at(*in_[0], source);
    });
  }

  std::vector<Array> apply(const tflite::Slice&) {
    const auto begin = integers(1);
    return {build(integers(2), [&](const Index& index) {
      Index source = index;
      for (std::size_t i = 0; i < index.size(); ++i) source[i] += begin[i];
      return at(*in_[0], source);
    })};
  }
  std::vector<Array> apply(const tflite::StridedSlice& options) {
    auto begin = integers(1), end = integers(2);
    const auto strides = integers(3);
    Shape shape;
    for (std::size_t i = 0; i < begin.size(); ++i) {
      if (options.begin_mask & (1 << i)) begin[i] = 0;
      if (options.end_mask & (1 << i)) end[i] = in_[0]->shape[i];
      shape.push_back((end[i] - begin[i] + strides[i] - 1) / strides[i]);
    }
    return {build(shape, [&](const Index& index) {
      Index source(index.size());
      for (std::size_t i = 0; i < index.size(); ++i) source[i] = begin[i] + index[i] * strides[i];
      return at(*in_[0], source);
    })};
  }

  std::vector<Array> apply(const tflite::Concatenation& options) {
    const auto axis = static_cast<std::size_t>(
        options.axis < 0 ? options.axis + static_cast<std::int32_t>(in_[0]->shape.size()) : options.axis);
    Shape shape = in_[0]->shape;
    shape[axis] = 0;
    for (const Array* part : in_) shape[axis] += part->shape[axis];
    return {build(shape, [&](Index index) {
      std::size_t part = 0;
      while (index[axis] >= in_[part]->shape[axis]) index[axis] -= in_[part++]->shape[axis];
      return at(*in_[part], index);
    })};
  }
  std::vector<Array> apply(const tflite::Split& options) {
    const Array& x = *in_[1];
    std::int64_t axis = integers(0)[0];
    if (axis < 0) axis += static_cast<std::int64_t>(x.shape.size());
    const auto place = static_cast<std::size_t>(axis);
    Shape shape = x.shape;
    shape[place] /= options.num_splits;
    std::vector<Array> parts;
    for (std::int64_t part = 0; part < options.num_splits; ++part) {
      parts.push_back(build(shape, [&](Index index) {
        index[place] += part * shape[place];
        return at(x, index);
      }));
    }
    return parts;
  }

  /// Folds over the reduced axes, starting from `start`; also says how many elements went into each result.
  Array reduce(const tflite::Reducer& options, double start,
               const std::function<double(double, double)>& fold,
               double* elements_per_result = nullptr) const {
    const Array& x = *in_[0];
    std::vector<bool> reduced(x.shape.size(), false);
    for (std::int64_t axis : integers(1))
      reduced[static_cast<std::size_t>(axis < 0 ? axis + static_cast<std::int64_t>(x.shape.size()) : axis)] =
          true;
    Shape kept = x.shape, shape;
    double count = 1;
    for (std::size_t i = 0; i < kept.size(); ++i) {
      if (reduced[i]) count *= static_cast<double>(std::exchange(kept[i], 1));
      if (!reduced[i] || options.keep_dims) shape.push_back(kept[i]);
    }
    if (elements_per_result) *elements_per_result = count;
    Array result{shape, std::vector<double>(static_cast<std::size_t>(element_count(kept).value()), start)};
    build(x.shape, [&](const Index& index) {
      Index to = index;
      for (std::size_t i = 0; i < to.size(); ++i) to[i] = reduced[i] ? 0 : to[i];
      double& slot = result.elements[static_cast<std::size_t>(offset_of(kept, to))];
      return slot = fold(slot, at(x, index));
    });
    return result;
  }
  std::vector<Array> apply(const tflite::Sum& options) { return {reduce(options, 0, std::plus<double>())}; }
  std::vector<Array> apply(const tflite::Mean& options) {
    double count = 1;
    const Array sum = reduce(options, 0, std::plus<double>(), &count);
    return {unary(sum, [&](double value) { return value / count; })};
  }
  std::vector<Array> apply(const tflite::ReduceMax& options) {
    return {reduce(options, -INFINITY, [](double a, double b) { return std::max(a, b); })};
  }
  std::vector<Array> apply(const tflite::Softmax& options) {
    const Array& x = *in_[0];
    return {build(x.shape, [&](const Index& index) {
      double sum = 0;
      Index other = index;
      for (other.back() = 0; other.back() < x.shape.back(); ++other.back())
        sum += std::exp(options.beta * at(x, other));
      return std::exp(options.beta * at(x, index)) / sum;
    })};
  }

  template <class Options>
  static Window window_of(const Options& o, std::int64_t height, std::int64_t width) {
    return {
        o.padding, {height, width}, {o.stride_height, o.stride_width}, {o.dilation_height, o.dilation_width}};
  }
  std::vector<Array> apply(const tflite::Conv2D& options) {
    const Array &x = *in_[0], &weights = *in_[1];
    const Window window = window_of(options, weights.shape[1], weights.shape[2]);
    const std::int64_t outputs = weights.shape[0], per_group = weights.shape[3];
    const std::int64_t outputs_per_group = outputs / (x.shape[3] / per_group);
    const Shape shape{x.shape[0], window.count(0, x.shape[1]), window.count(1, x.shape[2]), outputs};
    return {build(shape, [&](const Index& i) {
      double sum = at(*in_[2], {i[3]});
      window.each(x.shape, i[1], i[2], [&](auto row, auto column, auto ky, auto kx) {
        for (std::int64_t c = 0; c < per_group; ++c)
          sum += at(weights, {i[3], ky, kx, c}) *
                 at(x, {i[0], row, column, i[3] / outputs_per_group * per_group + c});
      });
      return activated(options.activation, sum);
    })};
  }
  std::vector<Array> apply(const tflite::DepthwiseConv2D& options) {
    const Array &x = *in_[0], &weights = *in_[1];
    const Window window = window_of(options, weights.shape[1], weights.shape[2]);
    const Shape shape{x.shape[0], window.count(0, x.shape[1]), window.count(1, x.shape[2]), weights.shape[3]};
    return {build(shape, [&](const Index& i) {
      double sum = at(*in_[2], {i[3]});
      window.each(x.shape, i[1], i[2], [&](auto row, auto column, auto ky, auto kx) {
        sum += at(weights, {0, ky, kx, i[3]}) * at(x, {i[0], row, column, i[3] / options.depth_multiplier});
      });
      return activated(options.activation, sum);
    })};
  }
  std::vector<Array> apply(const tflite::FullyConnected& options) {
    const Array &x = *in_[0], &weights = *in_[1];
    const std::int64_t columns = weights.shape[1];
    const auto rows = static_cast<std::int64_t>(x.elements.size()) / columns;
    const Array flat{{rows, columns}, x.elements};
    return {build({rows, weights.shape[0]}, [&](const Index& i) {
      double sum = in_.size() > 2 && in_[2] ? at(*in_[2], {i[1]}) : 0;
      for (std::int64_t k = 0; k < columns; ++k) sum += at(flat, {i[0], k}) * at(weights, {i[1], k});
      return activated(options.activation, sum);
    })};
  }
  Array pool(const tflite::Pool2D& options, double start, const std::function<double(double, double)>& fold,
             bool divide) const {
    const Array& x = *in_[0];
    const Window window{options.padding,
                        {options.filter_height, options.filter_width},
                        {options.stride_height, options.stride_width},
                        {1, 1}};
    const Shape shape{x.shape[0], window.count(0, x.shape[1]), window.count(1, x.shape[2]), x.shape[3]};
    return build(shape, [&](const Index& i) {
      double result = start, count = 0;
      window.each(x.shape, i[1], i[2], [&](auto row, auto column, auto, auto) {
        result = fold(result, at(x, {i[0], row, column, i[3]}));
        ++count;
      });
      return activated(options.activation, divide ? result / count : result);
    });
  }
  std::vector<Array> apply(const tflite::MaxPool2D& options) {
    return {pool(
        options, -INFINITY, [](double a, double b) { return std::max(a, b); }, false)};
  }
  std::vector<Array> apply(const tflite::AveragePool2D& options) {
    return {pool(options, 0, std::plus<double>(), true)};
  }

  template <class Options>
  std::vector<Array> apply(const Options&) {
    throw std::logic_error("the reference evaluator doesn't know " + std::string(name_of(op_.options)));
  }

  const TfliteOperator& op_;
  Operands in_;
};

Array constant_array(const TfliteTensor& tensor) {
  const std::vector<float> values = to_float(tensor.as_tensor());
  return {tensor.shape, {values.begin(), values.end()}};
}

}  // namespace

std::vector<Array> evaluate(const TfliteGraph& graph, const std::vector<Array>& inputs) {
  std::map<TensorId, Array> known;
  const auto look_up = [&](TensorId id) -> const Array* {
    if (!id.exists()) return nullptr;
    if (graph.is_constant(id)) known.emplace(id, constant_array(graph[id]));
    return &known.at(id);
  };
  for (std::size_t i = 0; i < graph.inputs().size(); ++i) {
    if (inputs.at(i).shape != graph[graph.inputs()[i]].shape)
      throw std::logic_error("input of another shape");
    known.emplace(graph.inputs()[i], inputs[i]);
  }
  for (const OperatorId id : graph.nodes()) {
    const TfliteOperator& op = graph[id];
    Operands operands;
    for (const TensorId input : op.inputs) operands.push_back(look_up(input));
    std::vector<Array> results = Evaluator(op, operands).run();
    for (std::size_t i = 0; i < op.outputs.size(); ++i) {
      if (results.at(i).shape != graph[op.outputs[i]].shape)
        throw std::logic_error(std::string(name_of(op.options)) + " gives " + to_string(results[i].shape) +
                               ", the graph says " + to_string(graph[op.outputs[i]].shape));
      known.emplace(op.outputs[i], std::move(results[i]));
    }
  }
  std::vector<Array> outputs;
  for (const TensorId id : graph.outputs()) outputs.push_back(*look_up(id));
  return outputs;
}

double largest_difference(const std::vector<Array>& a, const std::vector<Array>& b) {
  if (a.size() != b.size()) return INFINITY;
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].shape != b[i].shape) return INFINITY;
    for (std::size_t k = 0; k < a[i].elements.size(); ++k) {
      const double difference = std::abs(a[i].elements[k] - b[i].elements[k]);
      if (!(difference <= largest)) largest = std::isnan(difference) ? INFINITY : difference;
    }
  }
  return largest;
}

namespace {

TEST(ReferenceEvaluator, TransposesByTheDefinition) {
  TfliteGraph graph;
  const TensorId x = graph.add_value({"x", DType::float32, {2, 3}, std::nullopt, std::nullopt});
  graph.set_inputs({x});
  const TensorId permutation = graph.add_constant("p", {1, 0});
  graph.set_outputs({graph.emit(tflite::Transpose{}, {x, permutation}, "y", {3, 2})});
  const auto result = evaluate(graph, {{{2, 3}, {1, 2, 3, 4, 5, 6}}});
  EXPECT_EQ(result[0].elements, (std::vector<double>{1, 4, 2, 5, 3, 6}));
}

TEST(ReferenceEvaluator, RefusesAGraphThatLiesAboutShapes) {
  TfliteGraph graph;
  const TensorId x = graph.add_value({"x", DType::float32, {2, 3}, std::nullopt, std::nullopt});
  graph.set_inputs({x});
  graph.set_outputs({graph.emit(tflite::Relu{}, {x}, "y", {3, 2})});
  EXPECT_THROW(evaluate(graph, {{{2, 3}, {1, 2, 3, 4, 5, 6}}}), std::logic_error);
}

TEST(ReferenceEvaluator, PadsSameAsTensorFlowDoes) {
  // Stride 2 over 4 elements with a kernel of 3: TensorFlow pads 0 before and 1 after.
  TfliteGraph graph;
  const TensorId x = graph.add_value({"x", DType::float32, {1, 1, 4, 1}, std::nullopt, std::nullopt});
  graph.set_inputs({x});
  tflite::MaxPool2D pool;
  pool.padding = tflite::Padding::same;
  pool.stride_width = 2;
  pool.filter_width = 3;
  graph.set_outputs({graph.emit(pool, {x}, "y", {1, 1, 2, 1})});
  EXPECT_EQ(evaluate(graph, {{{1, 1, 4, 1}, {9, 1, 2, 3}}})[0].elements, (std::vector<double>{9, 3}));
}

}  // namespace
}  // namespace calib8::testing
