#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "random_numbers.h"
#include "random_tflite.h"
#include "tflite_reference.h"

namespace calib8::property {

/// A graph while it grows; what each operator gives is known for each sample before it is added.
class TfliteGrowth {
 public:
  static constexpr std::size_t samples = 3;

  explicit TfliteGrowth(std::uint64_t seed) : random(seed) {
    const std::int64_t count = random.chance(0.7) ? 1 : 2;
    for (std::int64_t i = 0; i < count; ++i) {
      const Shape image{1, random.between(1, 8), random.between(1, 8),
                        random.pick<std::int64_t>({1, 2, 3, 4, 8})};
      add_input(random.chance(0.75) ? image : Shape{random.between(1, 2), random.between(1, 20)});
    }
  }

  RandomNumbers random;
  TfliteGraph graph;
  std::vector<TensorId> activations;

  const Shape& shape_of(TensorId id) const { return graph[id].shape; }
  const Array& values_of(TensorId id, std::size_t sample) const { return values_[id.index][sample]; }

  TensorId integers(std::vector<std::int32_t> values) { return graph.add_constant(name("integers"), values); }
  TensorId scalar(std::int32_t value) {
    return graph.add_constant(name("scalar"), make_tensor<std::int32_t>({}, {value}));
  }
  TensorId real(const Shape& shape, double magnitude) {
    // Several readers of one constant are what a shared head has.
    std::vector<TensorId> same;
    for (const TensorId id : constants_)
      if (shape_of(id) == shape) same.push_back(id);
    if (!same.empty() && random.chance(0.25)) return random.pick(same);
    constants_.push_back(graph.add_constant(
        name("constant"), make_tensor(shape, random_values(random, count_of(shape), magnitude))));
    return constants_.back();
  }
  TensorId positive() {
    return graph.add_constant(name("constant"),
                              make_tensor<float>({1}, {static_cast<float>(random.uniform(0.1, 2))}));
  }
  TensorId weights(const Shape& shape, std::int64_t fan_in) {
    return real(shape, random.magnitude() / std::sqrt(static_cast<double>(fan_in)));
  }

  std::optional<TensorId> activation(std::size_t rank = 0) {
    std::vector<TensorId> suited;
    for (const TensorId id : activations)
      if (rank == 0 || shape_of(id).size() == rank) suited.push_back(id);
    if (suited.empty()) return std::nullopt;
    if (random.chance(0.6))
      return suited[suited.size() - 1 - random.below(std::min<std::size_t>(suited.size(), 3))];
    return random.pick(suited);
  }
  std::optional<TensorId> alike(TensorId other) {
    std::vector<TensorId> suited;
    for (const TensorId id : activations)
      if (shape_of(id) == shape_of(other)) suited.push_back(id);
    return random.pick(suited);
  }

  /// Adds the operator with outputs of the shapes that the reference gives; false where they can't be used.
  bool add(tflite::Options options, std::vector<TensorId> inputs, std::size_t outputs = 1) {
    TfliteOperator op{std::move(options), std::move(inputs), {}};
    std::vector<std::vector<Array>> results;
    for (std::size_t sample = 0; sample < samples; ++sample) {
      std::vector<Array> constant(op.inputs.size());
      std::vector<const Array*> operands;
      for (std::size_t i = 0; i < op.inputs.size(); ++i) {
        if (!op.inputs[i].exists()) {
          operands.push_back(nullptr);
        } else if (graph.is_constant(op.inputs[i])) {
          constant[i] = array_of(graph[op.inputs[i]].as_tensor());
          operands.push_back(&constant[i]);
        } else {
          operands.push_back(&values_[op.inputs[i].index][sample]);
        }
      }
      results.push_back(evaluate(op, operands));
      for (const Array& array : results.back())
        if (!is_usable(array)) return false;
    }
    for (std::size_t i = 0; i < outputs; ++i) {
      op.outputs.push_back(graph.add_value(
          {name("value"), DType::float32, results[0].at(i).shape, std::nullopt, std::nullopt}));
      activations.push_back(op.outputs.back());
      values_.resize(graph.value_count());
      for (std::size_t sample = 0; sample < samples; ++sample)
        values_[op.outputs.back().index].push_back(results[sample][i]);
    }
    graph.append(std::move(op));
    return true;
  }

 private:
  std::string name(const std::string& stem) { return stem + std::to_string(names_++); }

  void add_input(const Shape& shape) {
    const TensorId id = graph.add_value({name("input"), DType::float32, shape, std::nullopt, std::nullopt});
    const double magnitude = random.magnitude();
    values_.resize(graph.value_count());
    for (std::size_t sample = 0; sample < samples; ++sample)
      values_[id.index].push_back(array_of(shape, random_values(random, count_of(shape), magnitude)));
    std::vector<TensorId> inputs = graph.inputs();
    inputs.push_back(id);
    graph.set_inputs(std::move(inputs));
    graph.input_names.push_back(graph[id].name);
    activations.push_back(id);
  }

  static bool is_usable(const Array& array) {
    if (array.elements.empty() || array.elements.size() > most_elements || array.shape.size() > 5)
      return false;
    double largest = 0, error = 0;
    for (const Real& element : array.elements) {
      if (!std::isfinite(element.value)) return false;
      largest = std::max(largest, std::abs(element.value));
      error = std::max(error, element.error);
    }
    return largest <= largest_value && error <= 1e-3 * largest + 1e-12;
  }

  static constexpr std::size_t most_elements = 1500;
  static constexpr double largest_value = 1e12;

  std::vector<std::vector<Array>> values_;  ///< By the tensor's index, a value for each sample.
  std::vector<TensorId> constants_;
  std::size_t names_ = 0;
};

/// One way to go on: adds an operator; false where nothing suited.
using TfliteStep = bool (*)(TfliteGrowth&);
const std::vector<TfliteStep>& tflite_steps();

}  // namespace calib8::property
