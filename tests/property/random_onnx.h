#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "arrays.h"
#include "onnx_graph/onnx_graph.h"
#include "random_numbers.h"

namespace calib8::property {

/// A graph of random operators, and for some samples what its inputs are and its outputs must be.
struct RandomOnnxGraph {
  OnnxGraph graph;
  std::vector<std::vector<Array>> inputs;   ///< [sample][input]
  std::vector<std::vector<Array>> outputs;  ///< [sample][output]
};

/// The same seed gives the same graph; fewer nodes give its beginning.
RandomOnnxGraph random_onnx_graph(std::uint64_t seed, std::size_t most_nodes);

using Attributes = std::map<std::string, OnnxAttribute>;

/// A graph while it grows. Every value is known for every sample, so that a node is added only where all it
/// gives is finite and of a size to be tested.
class OnnxGrowth {
 public:
  /// A value by its place in the order of making.
  using Value = std::size_t;

  OnnxGrowth(std::uint64_t seed, std::size_t samples) : random(seed), samples_(samples) {}

  RandomNumbers random;
  OnnxGraph graph;

  const Shape& shape_of(Value value) const { return values_[value].samples[0].shape; }
  std::size_t rank_of(Value value) const { return shape_of(value).size(); }
  bool is_constant(Value value) const { return values_[value].is_constant; }
  DType dtype_of(Value value) const { return values_[value].samples[0].dtype; }
  /// A constant's elements, or an activation's for the first sample.
  const Array& array_of_value(Value value) const { return values_[value].samples[0]; }
  const std::vector<Array>& samples_of(Value value) const { return values_[value].samples; }
  OnnxValueId id_of(Value value) const { return values_[value].id; }

  Value add_input(const Shape& shape);
  /// A new initializer, or (now and then) an equal one again, or a Constant node.
  Value constant(Tensor tensor);
  Value random_constant(const Shape& shape, double magnitude);
  Value random_constant(const Shape& shape) { return random_constant(shape, random.magnitude()); }

  /// Adds the node; nothing where its results can't be used.
  std::optional<std::vector<Value>> add(const std::string& op,
                                        const std::vector<std::optional<Value>>& inputs,
                                        Attributes attributes = {}, std::size_t outputs = 1);
  std::optional<Value> add_one(const std::string& op, const std::vector<std::optional<Value>>& inputs,
                               Attributes attributes = {});

  /// A value that depends on the inputs, recent ones rather than old; nothing where none suits.
  std::optional<Value> activation(const std::function<bool(const Shape&)>& suits);
  std::optional<Value> activation() {
    return activation([](const Shape&) { return true; });
  }
  /// An activation of rank 4, or 3 now and then.
  std::optional<Value> image();
  std::vector<Value> all_activations() const;
  /// Real numbers that are constant, of any shape.
  std::vector<Value> all_constants() const;

 private:
  struct Known {
    OnnxValueId id;
    std::vector<Array> samples;  ///< One where constant.
    bool is_constant = false;
  };
  std::string fresh_name(const std::string& stem) { return stem + std::to_string(names_++); }

  std::vector<Known> values_;
  std::size_t samples_;
  std::size_t names_ = 0;
};

/// One way to go on: adds some nodes around the operator; false where nothing suited.
struct OnnxStep {
  const char* op;
  double weight;
  bool (*take)(OnnxGrowth&);
};
const std::vector<OnnxStep>& arithmetic_steps();
const std::vector<OnnxStep>& shape_steps();
const std::vector<OnnxStep>& window_steps();
const std::vector<OnnxStep>& function_steps();
const std::vector<OnnxStep>& place_steps();

/// A constant that broadcasts to `shape`, sometimes the result of operators that only constants reach.
OnnxGrowth::Value float_operand(OnnxGrowth& growth, const Shape& shape);
/// Constant integers with these values, sometimes computed by shape arithmetic.
OnnxGrowth::Value integer_operand(OnnxGrowth& growth, const Ints& values);

}  // namespace calib8::property
