#include "checks.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "tflite_reference.h"

namespace calib8::property {
namespace {

/// NHWC where lowering makes it so.
std::vector<std::vector<Array>> channels_last(std::vector<std::vector<Array>> samples) {
  for (std::vector<Array>& arrays : samples) {
    for (Array& array : arrays)
      if (array.shape.size() == 4) array = permuted(array, {0, 2, 3, 1});
  }
  return samples;
}

std::vector<Array> outputs_of(const TfliteGraph& graph, const std::vector<Array>& values) {
  std::vector<Array> outputs;
  for (const TensorId output : graph.outputs()) outputs.push_back(values[output.index]);
  return outputs;
}

void require_all_within(const std::vector<std::vector<Array>>& measured,
                        const std::vector<std::vector<Array>>& expected, const std::string& what) {
  for (std::size_t sample = 0; sample < expected.size(); ++sample) {
    for (std::size_t i = 0; i < expected[sample].size(); ++i)
      require_within(measured.at(sample).at(i), expected[sample][i], float_factor, 0,
                     fmt::format("{}, sample {}, output {}", what, sample, i));
  }
}

/// The graph's outputs, each once, and for each output its place among them.
std::pair<std::vector<TensorId>, std::vector<std::size_t>> distinct_outputs(const TfliteGraph& graph) {
  std::vector<TensorId> distinct;
  std::vector<std::size_t> places;
  for (const TensorId output : graph.outputs()) {
    const auto found = std::find(distinct.begin(), distinct.end(), output);
    places.push_back(static_cast<std::size_t>(found - distinct.begin()));
    if (found == distinct.end()) distinct.push_back(output);
  }
  return {distinct, places};
}

}  // namespace

void require_within(const Array& measured, const Array& expected, double factor, double slack,
                    const std::string& what) {
  if (measured.shape != expected.shape)
    throw Finding(fmt::format("{}: shape {} instead of {}", what, to_string(measured.shape),
                              to_string(expected.shape)));
  for (std::size_t i = 0; i < expected.elements.size(); ++i) {
    const Real& wanted = expected.elements[i];
    const double bound = factor * wanted.error + 2e-5 * std::abs(wanted.value) + 1e-30 + slack;
    const double got = measured.elements[i].value;
    const bool is_float32 = std::abs(wanted.value) <= static_cast<double>(std::numeric_limits<float>::max());
    if (!is_float32 || std::isinf(bound) || std::abs(got - wanted.value) <= bound) continue;
    throw Finding(fmt::format("{}: element {} is {:.9g} instead of {:.9g} (+- {:.3g})", what, i, got,
                              wanted.value, bound));
  }
}

std::vector<std::vector<Array>> reference_values(const TfliteGraph& graph,
                                                 const std::vector<std::vector<Array>>& samples) {
  std::vector<std::vector<Array>> all;
  for (const std::vector<Array>& sample : samples) {
    std::vector<Array>& values = all.emplace_back(graph.value_count());
    for (std::size_t i = 0; i < sample.size(); ++i) values[graph.inputs()[i].index] = sample[i];
    for (const OperatorId id : graph.nodes()) {
      const TfliteOperator& op = graph[id];
      std::vector<const Array*> operands;
      for (const TensorId input : op.inputs) {
        if (input.exists() && graph.is_constant(input))
          values[input.index] = array_of(graph[input].as_tensor());
        operands.push_back(input.exists() ? &values[input.index] : nullptr);
      }
      std::vector<Array> results = evaluate(graph, op, operands);
      for (std::size_t i = 0; i < op.outputs.size(); ++i) values[op.outputs[i].index] = std::move(results[i]);
    }
  }
  return all;
}

void check_model(const TfliteGraph& model, const std::vector<std::vector<Array>>& samples,
                 const std::vector<std::vector<Array>>& expected, const QuantizationChoices& choices,
                 const std::shared_ptr<const LiteRt>& litert, Tally& tally, Dump dump) {
  std::vector<std::vector<Array>> reference;
  for (const std::vector<Array>& values : reference_values(model, samples))
    reference.push_back(outputs_of(model, values));
  require_all_within(reference, expected, "the float model by the reference");
  const auto [outputs, places] = distinct_outputs(model);
  for (const Kernels kernels : {Kernels::builtin, Kernels::xnnpack}) {
    const auto measured = run(model, outputs, samples, kernels, litert);
    std::vector<std::vector<Array>> in_order;
    for (const std::vector<Array>& arrays : measured) {
      in_order.emplace_back();
      for (const std::size_t place : places) in_order.back().push_back(arrays[place]);
    }
    require_all_within(in_order, expected,
                       kernels == Kernels::builtin ? "float32 on built-in kernels" : "float32 on XNNPACK");
  }
  const QuantizedModel quantized = quantize(model, samples, choices, litert);
  if (dump) dump("int8", to_text(quantized.graph));
  for (const OperatorId id : quantized.graph.nodes())
    ++tally.tflite_operators[std::string(name_of(quantized.graph[id].options))];
  check_quantized(quantized, samples, choices, litert, tally);
}

void check(const RandomTfliteGraph& random, const QuantizationChoices& choices,
           const std::shared_ptr<const LiteRt>& litert, Tally& tally, Dump dump) {
  if (dump) dump("tflite", to_text(random.graph));
  for (const OperatorId id : random.graph.nodes())
    ++tally.tflite_operators[std::string(name_of(random.graph[id].options))];
  const TfliteGraph model = float_model(random.graph);
  if (dump) dump("float", to_text(model));
  check_model(model, random.inputs, random.outputs, choices, litert, tally, dump);
}

void check(const RandomOnnxGraph& random, const QuantizationChoices& choices,
           const std::shared_ptr<const LiteRt>& litert, Tally& tally, Dump dump) {
  if (dump) dump("onnx", to_text(random.graph));
  for (const OnnxNodeId id : random.graph.nodes()) ++tally.onnx_operators[random.graph[id].op_type];
  const TfliteGraph model = float_model(random.graph);
  if (dump) dump("float", to_text(model));
  for (const OperatorId id : model.nodes()) ++tally.tflite_operators[std::string(name_of(model[id].options))];
  check_model(model, channels_last(random.inputs), channels_last(random.outputs), choices, litert, tally,
              dump);
}

}  // namespace calib8::property
