#include "random_onnx.h"

#include <algorithm>
#include <stdexcept>

#include "onnx_reference.h"

namespace calib8::property {
namespace {

constexpr std::size_t most_elements = 1500;
constexpr double largest_value = 1e12;

bool is_usable(const Array& array) {
  if (array.elements.empty() || array.elements.size() > most_elements || array.shape.size() > 5) return false;
  return std::all_of(array.elements.begin(), array.elements.end(), [](const Real& element) {
    return std::isfinite(element.value) && std::abs(element.value) <= largest_value;
  });
}

/// What is unknown to a float32 is small beside the whole: a test of a sum that cancels says nothing.
bool is_precise(const Array& array) {
  double largest = 0, error = 0;
  for (const Real& element : array.elements) {
    largest = std::max(largest, std::abs(element.value));
    error = std::max(error, element.error);
  }
  return error <= 1e-3 * largest + 1e-12;
}

Shape random_input_shape(RandomNumbers& random) {
  const std::int64_t batch = random.chance(0.9) ? 1 : 2;
  switch (random.below(8)) {
    case 0:
      return {batch, random.between(1, 24)};
    case 1:
      return {batch, random.between(1, 6), random.between(1, 10)};
    case 2:
      return random.chance(0.3) ? Shape{} : Shape{random.between(1, 20)};
    case 3:
      return {batch, random.between(1, 3), random.between(1, 4), random.between(1, 4), random.between(1, 4)};
    default:
      return {batch, random.pick<std::int64_t>({1, 2, 3, 4, 6, 8, 12}), random.between(1, 9),
              random.between(1, 9)};
  }
}

/// Steps of all families, each as often as its weight says.
const OnnxStep& random_step(RandomNumbers& random) {
  static const std::vector<OnnxStep> all = [] {
    std::vector<OnnxStep> steps;
    for (const auto* family :
         {&arithmetic_steps(), &shape_steps(), &window_steps(), &function_steps(), &place_steps()})
      steps.insert(steps.end(), family->begin(), family->end());
    return steps;
  }();
  static const double total = [] {
    double sum = 0;
    for (const OnnxStep& step : all) sum += step.weight;
    return sum;
  }();
  double place = random.uniform(0, total);
  for (const OnnxStep& step : all) {
    place -= step.weight;
    if (place < 0) return step;
  }
  return all.back();
}

/// What nobody reads, and now and then more: an inner tensor, an input, one tensor under two names.
std::vector<OnnxGrowth::Value> choose_outputs(OnnxGrowth& growth) {
  RandomNumbers& random = growth.random;
  std::vector<OnnxGrowth::Value> outputs;
  const std::vector<OnnxGrowth::Value> all = growth.all_activations();
  for (const OnnxGrowth::Value value : all) {
    const OnnxValueId id = growth.id_of(value);
    const bool is_input = !growth.graph.producer(id).exists();
    if (!is_input && growth.graph.users(id).empty()) outputs.push_back(value);
    if (!is_input && !growth.graph.users(id).empty() && random.chance(0.07)) outputs.push_back(value);
    if (is_input && random.chance(0.03)) outputs.push_back(value);
  }
  if (outputs.empty()) outputs.push_back(all.back());
  // One tensor under two names, as exporters write it.
  if (random.chance(0.05)) {
    if (const auto twin = growth.add_one("Identity", {random.pick(outputs)})) outputs.push_back(*twin);
  }
  return outputs;
}

}  // namespace

OnnxGrowth::Value OnnxGrowth::add_input(const Shape& shape) {
  const double magnitude = random.magnitude();
  Known known;
  known.id = graph.add_value({fresh_name("input"), static_type(DType::float32, shape), std::nullopt});
  for (std::size_t sample = 0; sample < samples_; ++sample)
    known.samples.push_back(property::array_of(shape, random_values(random, count_of(shape), magnitude)));
  std::vector<OnnxValueId> inputs = graph.inputs();
  inputs.push_back(known.id);
  graph.set_inputs(std::move(inputs));
  values_.push_back(std::move(known));
  return values_.size() - 1;
}

OnnxGrowth::Value OnnxGrowth::constant(Tensor tensor) {
  Array array = property::array_of(tensor);
  if (random.chance(0.2)) {
    OnnxNode node{"Constant", fresh_name("node"), {}, {}, {{"value", std::move(tensor)}}};
    const OnnxValueId id = graph.add_value({fresh_name("value"), std::nullopt, std::nullopt});
    node.outputs.push_back(id);
    graph.append(std::move(node));
    values_.push_back({id, {std::move(array)}, true});
  } else {
    values_.push_back(
        {graph.add_constant(fresh_name("constant"), std::move(tensor)), {std::move(array)}, true});
  }
  return values_.size() - 1;
}

OnnxGrowth::Value OnnxGrowth::random_constant(const Shape& shape, double magnitude) {
  if (random.chance(0.25)) {
    std::vector<Value> same;
    for (const Value value : all_constants())
      if (shape_of(value) == shape) same.push_back(value);
    if (!same.empty()) return random.pick(same);
  }
  return constant(make_tensor(shape, random_values(random, count_of(shape), magnitude)));
}

std::optional<std::vector<OnnxGrowth::Value>> OnnxGrowth::add(const std::string& op,
                                                              const std::vector<std::optional<Value>>& inputs,
                                                              Attributes attributes, std::size_t outputs) {
  OnnxNode node{op, "", {}, std::vector<OnnxValueId>(outputs), std::move(attributes)};
  bool all_constant = true;
  for (const auto& input : inputs) {
    node.inputs.push_back(input ? values_[*input].id : OnnxValueId{});
    all_constant = all_constant && (!input || values_[*input].is_constant);
  }
  // A size is known without a sample.
  all_constant = all_constant || op == "Shape" || op == "Size";
  std::vector<Known> results(outputs);
  for (std::size_t sample = 0; sample < (all_constant ? 1 : samples_); ++sample) {
    std::vector<const Array*> operands;
    for (const auto& input : inputs) {
      if (!input) {
        operands.push_back(nullptr);
      } else {
        const Known& known = values_[*input];
        operands.push_back(&known.samples[known.is_constant ? 0 : sample]);
      }
    }
    std::vector<Array> arrays;
    try {
      arrays = evaluate(node, operands);
    } catch (const std::logic_error&) {  // shapes that don't fit each other, or a window its image
      return std::nullopt;
    }
    for (std::size_t i = 0; i < outputs; ++i) {
      if (!is_usable(arrays.at(i)) || !is_precise(arrays[i])) return std::nullopt;
      results[i].samples.push_back(std::move(arrays[i]));
    }
  }
  node.name = fresh_name("node");
  std::vector<Value> made;
  for (std::size_t i = 0; i < outputs; ++i) {
    results[i].id = graph.add_value({fresh_name("value"), std::nullopt, std::nullopt});
    results[i].is_constant = all_constant;
    node.outputs[i] = results[i].id;
    values_.push_back(std::move(results[i]));
    made.push_back(values_.size() - 1);
  }
  graph.append(std::move(node));
  return made;
}

std::optional<OnnxGrowth::Value> OnnxGrowth::add_one(const std::string& op,
                                                     const std::vector<std::optional<Value>>& inputs,
                                                     Attributes attributes) {
  const auto made = add(op, inputs, std::move(attributes));
  return made ? std::optional(made->front()) : std::nullopt;
}

std::optional<OnnxGrowth::Value> OnnxGrowth::activation(const std::function<bool(const Shape&)>& suits) {
  std::vector<Value> suited;
  for (const Value value : all_activations())
    if (suits(shape_of(value))) suited.push_back(value);
  if (suited.empty()) return std::nullopt;
  const std::size_t recent = std::min<std::size_t>(suited.size(), 3);
  if (random.chance(0.7)) return suited[suited.size() - 1 - random.below(recent)];
  return random.pick(suited);
}

std::optional<OnnxGrowth::Value> OnnxGrowth::image() {
  const std::size_t rank = random.chance(0.85) ? 4 : 3;
  return activation([&](const Shape& shape) { return shape.size() == rank; });
}

std::vector<OnnxGrowth::Value> OnnxGrowth::all_activations() const {
  std::vector<Value> all;
  for (Value value = 0; value < values_.size(); ++value)
    if (!values_[value].is_constant && dtype_of(value) == DType::float32) all.push_back(value);
  return all;
}

std::vector<OnnxGrowth::Value> OnnxGrowth::all_constants() const {
  std::vector<Value> all;
  for (Value value = 0; value < values_.size(); ++value)
    if (values_[value].is_constant && values_[value].samples[0].dtype == DType::float32) all.push_back(value);
  return all;
}

RandomOnnxGraph random_onnx_graph(std::uint64_t seed, std::size_t most_nodes) {
  OnnxGrowth growth(seed, 3);
  const std::int64_t inputs = growth.random.chance(0.7) ? 1 : growth.random.between(2, 3);
  for (std::int64_t i = 0; i < inputs; ++i) {
    const bool repeats = i > 0 && growth.random.chance(0.6);
    growth.add_input(repeats ? growth.shape_of(0) : random_input_shape(growth.random));
  }
  // The steps are drawn before their number is known, so that fewer give the beginning of the same graph.
  const auto wanted = static_cast<std::size_t>(growth.random.between(1, 14));
  for (std::size_t step = 0, tries = 0; step < std::min(wanted, most_nodes) && tries < 200; ++tries)
    step += random_step(growth.random).take(growth) ? 1 : 0;

  RandomOnnxGraph result;
  std::vector<OnnxValueId> outputs;
  result.inputs.resize(3);
  result.outputs.resize(3);
  const std::vector<OnnxGrowth::Value> activations = growth.all_activations();
  for (const OnnxGrowth::Value value : activations) {
    if (std::find(growth.graph.inputs().begin(), growth.graph.inputs().end(), growth.id_of(value)) ==
        growth.graph.inputs().end())
      continue;
    for (std::size_t sample = 0; sample < 3; ++sample)
      result.inputs[sample].push_back(growth.samples_of(value)[sample]);
  }
  for (const OnnxGrowth::Value value : choose_outputs(growth)) {
    outputs.push_back(growth.id_of(value));
    for (std::size_t sample = 0; sample < 3; ++sample)
      result.outputs[sample].push_back(growth.samples_of(value)[sample]);
  }
  growth.graph.set_outputs(std::move(outputs));
  result.graph = std::move(growth.graph);
  return result;
}

}  // namespace calib8::property
