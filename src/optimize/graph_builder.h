#pragma once

#include <fmt/format.h>

#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "optimize/optimize.h"
#include "optimize/reference_evaluator.h"
#include "tflite_graph/tflite_graph.h"

/// For tests only: small graphs, built the way lowering builds them: values in NCHW order, a TRANSPOSE on
/// either side of operators that TFLite has in NHWC only. Constants are drawn from a seed.
namespace calib8::testing {

class GraphBuilder {
 public:
  explicit GraphBuilder(unsigned seed = 1) : random_(seed) {}

  TfliteGraph graph;

  const Shape& shape_of(TensorId id) const { return graph[id].shape; }

  TensorId input(const Shape& shape) {
    const TensorId id = graph.add_value({next_name(), DType::float32, shape, std::nullopt, std::nullopt});
    std::vector<TensorId> inputs = graph.inputs();
    inputs.push_back(id);
    graph.set_inputs(inputs);
    return id;
  }
  /// An NHWC input and its TRANSPOSE to NCHW.
  TensorId image(std::int64_t channels, std::int64_t height, std::int64_t width) {
    return to_nchw(input({1, height, width, channels}));
  }
  void output(TensorId id) {
    std::vector<TensorId> outputs = graph.outputs();
    outputs.push_back(id);
    graph.set_outputs(outputs);
  }

  /// Uniform in [low, high), as float32.
  TensorId constant(const Shape& shape, float low = -1, float high = 1) {
    std::uniform_real_distribution<float> draw(low, high);
    std::vector<float> values(static_cast<std::size_t>(element_count(shape).value()));
    for (float& value : values) value = draw(random_);
    return graph.add_constant(next_name() + "/constant", make_tensor(shape, std::move(values)));
  }
  TensorId filled(const Shape& shape, float value) {
    const auto count = static_cast<std::size_t>(element_count(shape).value());
    return graph.add_constant(next_name() + "/constant",
                              make_tensor(shape, std::vector<float>(count, value)));
  }
  TensorId integers(const std::vector<std::int32_t>& values) {
    return graph.add_constant(next_name() + "/integers", values);
  }

  TensorId transpose(TensorId x, const std::vector<std::int32_t>& permutation) {
    Shape shape;
    for (const std::int32_t axis : permutation) shape.push_back(shape_of(x)[static_cast<std::size_t>(axis)]);
    return emit(tflite::Transpose{}, {x, integers(permutation)}, shape);
  }
  TensorId to_nchw(TensorId x) { return transpose(x, {0, 3, 1, 2}); }
  TensorId to_nhwc(TensorId x) { return transpose(x, {0, 2, 3, 1}); }

  TensorId unary(tflite::Options options, TensorId x) { return emit(std::move(options), {x}, shape_of(x)); }
  /// The result has the shape of `a`.
  TensorId binary(tflite::Options options, TensorId a, TensorId b) {
    return emit(std::move(options), {a, b}, shape_of(a));
  }

  /// NCHW -> NCHW, stride 1, VALID unless said otherwise.
  TensorId convolution(TensorId x, std::int64_t channels, std::int64_t kernel, tflite::Conv2D options = {}) {
    const TensorId image = to_nhwc(x);
    const Shape& from = shape_of(image);
    const bool same = options.padding == tflite::Padding::same;
    const std::int64_t lost = same ? 0 : kernel - 1;
    return to_nchw(emit(options, {image, constant({channels, kernel, kernel, from[3]}), constant({channels})},
                        {from[0], (from[1] - lost - 1) / options.stride_height + 1,
                         (from[2] - lost - 1) / options.stride_width + 1, channels}));
  }
  TensorId max_pool(TensorId x, std::int32_t kernel, std::int32_t stride) {
    const TensorId image = to_nhwc(x);
    const Shape& from = shape_of(image);
    tflite::MaxPool2D pool;
    pool.filter_height = pool.filter_width = kernel;
    pool.stride_height = pool.stride_width = stride;
    return to_nchw(emit(
        pool, {image}, {from[0], (from[1] - kernel) / stride + 1, (from[2] - kernel) / stride + 1, from[3]}));
  }
  /// MEAN over the last two dimensions.
  TensorId mean(TensorId x, bool keep_dims) {
    const Shape& from = shape_of(x);
    tflite::Mean options;
    options.keep_dims = keep_dims;
    return emit(options, {x, integers({2, 3})},
                keep_dims ? Shape{from[0], from[1], 1, 1} : Shape{from[0], from[1]});
  }
  /// `by`: before and after, for each dimension in turn.
  TensorId pad(TensorId x, const std::vector<std::int32_t>& by) {
    return emit(tflite::Pad{}, {x, paddings(by)}, padded(x, by));
  }
  TensorId pad_with(float value, TensorId x, const std::vector<std::int32_t>& by) {
    const TensorId constant = graph.add_constant(next_name(), make_tensor<float>({}, {value}));
    return emit(tflite::PadV2{}, {x, paddings(by), constant}, padded(x, by));
  }
  TensorId reshape(TensorId x, const Shape& shape) {
    const std::vector<std::int32_t> sizes(shape.begin(), shape.end());
    return emit(tflite::Reshape{sizes}, {x, integers(sizes)}, shape);
  }
  TensorId fully_connected(TensorId x, std::int64_t outputs) {
    const Shape& from = shape_of(x);
    return emit(tflite::FullyConnected{}, {x, constant({outputs, from[1]}), constant({outputs})},
                {from[0], outputs});
  }
  TensorId concatenation(const std::vector<TensorId>& parts, std::int32_t axis) {
    tflite::Concatenation options;
    options.axis = axis;
    Shape shape = shape_of(parts[0]);
    for (std::size_t i = 1; i < parts.size(); ++i)
      shape[static_cast<std::size_t>(axis)] += shape_of(parts[i])[static_cast<std::size_t>(axis)];
    return emit(options, parts, shape);
  }
  TensorId slice(TensorId x, const std::vector<std::int32_t>& begin, const std::vector<std::int32_t>& size) {
    return emit(tflite::Slice{}, {x, integers(begin), integers(size)}, Shape(size.begin(), size.end()));
  }
  std::vector<TensorId> split(TensorId x, std::int32_t axis, std::int32_t parts) {
    tflite::Split options;
    options.num_splits = parts;
    TfliteOperator op{
        options, {graph.add_constant(next_name(), make_tensor<std::int32_t>({}, {axis})), x}, {}};
    Shape shape = shape_of(x);
    shape[static_cast<std::size_t>(axis)] /= parts;
    for (std::int32_t i = 0; i < parts; ++i)
      op.outputs.push_back(graph.add_value({next_name(), DType::float32, shape, std::nullopt, std::nullopt}));
    const std::vector<TensorId> outputs = op.outputs;
    graph.append(std::move(op));
    return outputs;
  }

  TensorId emit(tflite::Options options, std::vector<TensorId> inputs, const Shape& shape) {
    return graph.emit(std::move(options), std::move(inputs), next_name(), shape);
  }

  /// Inputs for the graph, uniform in [-4, 4).
  std::vector<Array> draw_inputs() {
    std::uniform_real_distribution<double> draw(-4, 4);
    std::vector<Array> arrays;
    for (const TensorId id : graph.inputs()) {
      Array array{shape_of(id),
                  std::vector<double>(static_cast<std::size_t>(element_count(shape_of(id)).value()))};
      for (double& value : array.elements) value = draw(random_);
      arrays.push_back(std::move(array));
    }
    return arrays;
  }
  /// Uniform in 0 .. below - 1.
  std::int64_t draw(std::int64_t below) {
    return std::uniform_int_distribution<std::int64_t>(0, below - 1)(random_);
  }
  std::mt19937& random() { return random_; }

 private:
  std::string next_name() { return fmt::format("t{}", count_++); }
  TensorId paddings(const std::vector<std::int32_t>& by) {
    return graph.add_constant(next_name(), make_tensor({static_cast<std::int64_t>(by.size() / 2), 2}, by));
  }
  Shape padded(TensorId x, const std::vector<std::int32_t>& by) const {
    Shape shape = shape_of(x);
    for (std::size_t i = 0; i < shape.size(); ++i) shape[i] += by[2 * i] + by[2 * i + 1];
    return shape;
  }

  std::mt19937 random_;
  int count_ = 0;
};

/// Options that run only the passes whose names contain `part`.
inline OptimizeOptions only(std::string_view part) {
  OptimizeOptions options;
  for (const std::string_view name : optimize_pass_names()) {
    if (name.find(part) == std::string_view::npos) options.passes.disabled.emplace_back(name);
  }
  return options;
}

/// Runs optimize() and returns the largest difference that it made to the outputs for one random input.
inline double difference_made(GraphBuilder& builder, const OptimizeOptions& options = {}) {
  const std::vector<Array> inputs = builder.draw_inputs();
  const std::vector<Array> before = evaluate(builder.graph, inputs);
  optimize(builder.graph, options);
  return largest_difference(before, evaluate(builder.graph, inputs));
}

/// How many operators of one kind the graph has.
template <class Op>
std::size_t count_of(const TfliteGraph& graph) {
  std::size_t count = 0;
  for (const OperatorId id : graph.nodes()) count += graph[id].is<Op>() ? 1 : 0;
  return count;
}

/// The kinds of operators in execution order.
inline std::vector<std::string_view> kinds(const TfliteGraph& graph) {
  std::vector<std::string_view> names;
  for (const OperatorId id : graph.nodes()) names.push_back(name_of(graph[id].options));
  return names;
}
using Kinds = std::vector<std::string_view>;

template <class Op>
const Op& first(const TfliteGraph& graph) {
  for (const OperatorId id : graph.nodes()) {
    if (const Op* op = graph[id].get_if<Op>()) return *op;
  }
  throw std::logic_error("no such operator");
}

/// x -> CONV_2D 3x3 in NHWC.
inline TensorId nhwc_convolution(GraphBuilder& b, TensorId x, std::int64_t channels,
                                 std::int64_t kernel = 3) {
  const Shape from = b.shape_of(x);
  return b.emit(tflite::Conv2D{},
                {x, b.constant({channels, kernel, kernel, from[3]}), b.constant({channels})},
                {from[0], from[1] - kernel + 1, from[2] - kernel + 1, channels});
}

}  // namespace calib8::testing
