#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include "checks.h"
#include "ops/tflite_op.h"
#include "optimize/targets/targets.h"
#include "tflite_reference.h"

namespace calib8::property {
namespace {

bool is_quantized(const TfliteTensor& tensor) {
  return tensor.quantization &&
         (tensor.dtype == DType::int8 || tensor.dtype == DType::uint8 || tensor.dtype == DType::int16);
}

double step_of(const TfliteTensor& tensor) {
  return is_quantized(tensor) ? static_cast<double>(tensor.quantization->scales.front()) : 0;
}

/// The real numbers that an activation's type can hold.
std::pair<double, double> span_of(const TfliteTensor& tensor) {
  if (!is_quantized(tensor)) return {-INFINITY, INFINITY};
  const auto zero_point = static_cast<double>(tensor.quantization->zero_points.front());
  const double lowest = tensor.dtype == DType::uint8 ? 0 : tensor.dtype == DType::int16 ? -32768 : -128;
  const double highest = tensor.dtype == DType::uint8 ? 255 : -lowest - 1;
  return {step_of(tensor) * (lowest - zero_point), step_of(tensor) * (highest - zero_point)};
}

std::string describe(const TfliteGraph& graph, OperatorId id, TensorId tensor) {
  return fmt::format("{} '{}'", name_of(graph[id].options), graph[tensor].name);
}

/// How far an int8 kernel may be from exact arithmetic on the numbers that it gets, in steps of its output:
/// half a step of rounding, and what its fixed-point arithmetic adds.
double allowed_steps(const TfliteGraph& graph, const TfliteOperator& op) {
  if (moves_bytes(op)) return 1e-3;
  if (graph[op.outputs[0]].dtype == DType::int16) {
    if (op.is<tflite::Logistic>() || op.is<tflite::Tanh>()) return 4.5;  // read between a table's entries
    // The table of exponentials ends at exp(-10), a step and a half, which each element of a row weighs at
    // least.
    if (op.is<tflite::Softmax>()) return 4.5 + 2 * static_cast<double>(graph[op.outputs[0]].shape.back());
  }
  if (op.is<tflite::ResizeBilinear>()) return 2.5;  // places between pixels have ten bits
  return 1.5;
}

constexpr double beyond_any_range = 1e30;  // a pool's padding, which is to saturate

/// A constant of the int8 graph as its reader gets it: the float number that it stands for, and how far the
/// stored one is from it.
class Constants {
 public:
  explicit Constants(const QuantizedModel& model) : model_(model), both_(known_operators(model)) {}

  Array stored(TensorId id) const {
    const TfliteTensor& tensor = model_.graph[id];
    return real_values(tensor, array_of(tensor.as_tensor()));
  }
  Array original(OperatorId reader, std::size_t position) const {
    const TensorId id = model_.graph[reader].inputs[position];
    Array result = stored(id);
    if (!both_.contains(reader)) return result;
    const TfliteOperator& op = model_.calibrated[reader];
    if (position >= op.inputs.size() || !op.inputs[position].exists() ||
        !model_.calibrated.is_constant(op.inputs[position]))
      return result;
    const Array real = array_of(model_.calibrated[op.inputs[position]].as_tensor());
    if (real.elements.size() != result.elements.size()) return result;
    for (std::size_t i = 0; i < real.elements.size(); ++i) {
      const double exact = real.elements[i].value, stored_value = result.elements[i].value;
      // What a MAXIMUM with a tensor of that range, or a MINIMUM, never takes may be cut off.
      const double step = step_of(model_.graph[id]);
      if ((op.is<tflite::Maximum>() && exact < stored_value - step) ||
          (op.is<tflite::Minimum>() && exact > stored_value + step)) {
        result.elements[i].error = step;
        continue;
      }
      const double error =
          std::abs(exact) > beyond_any_range ? 0 : std::abs(exact - result.elements[i].value);
      result.elements[i] = {exact, error};
    }
    return result;
  }

 private:
  static std::set<OperatorId> known_operators(const QuantizedModel& model) {
    std::set<OperatorId> known;
    for (const OperatorId id : model.calibrated.nodes())
      if (model.graph.is_alive(id)) known.insert(id);
    return known;
  }

  const QuantizedModel& model_;
  std::set<OperatorId> both_;
};

/// Weights are within a step of what they stand for (rounding in groups takes the second nearest level), and
/// other constants within half a step, unless a range that may clip cuts them.
void check_constants(const QuantizedModel& model, const Constants& constants, bool may_clip) {
  for (const OperatorId id : model.graph.nodes()) {
    const TfliteOperator& op = model.graph[id];
    for (std::size_t position = 0; position < op.inputs.size(); ++position) {
      const TensorId input = op.inputs[position];
      if (!input.exists() || !model.graph.is_constant(input) || !model.graph[input].quantization) continue;
      const Quantization& quantization = *model.graph[input].quantization;
      const bool is_activation =
          quantization.scales.size() == 1 && !quantization_rule(model.graph, op, litert_cpu()).weights;
      if (is_activation && may_clip) continue;
      const Array array = constants.original(id, position);
      std::size_t inner = 1;
      for (std::size_t i = static_cast<std::size_t>(quantization.axis) + 1; i < array.shape.size(); ++i)
        inner *= static_cast<std::size_t>(array.shape[i]);
      for (std::size_t i = 0; i < array.elements.size(); ++i) {
        const std::size_t channel =
            quantization.scales.size() == 1 ? 0 : i / inner % quantization.scales.size();
        const double step = static_cast<double>(quantization.scales[channel]);
        if (array.elements[i].error <= 1.01 * step) continue;
        throw Finding(
            fmt::format("constant {} of {}: element {} is stored {:.3g} steps of {:.3g} from {:.6g}",
                        position, describe(model.graph, id, op.outputs[0]), i, array.elements[i].error / step,
                        step, array.elements[i].value));
      }
    }
  }
}

/// A QUANTIZE may cut off what its only reader wouldn't take anyway: a MINIMUM with a tensor of that range
/// what is above it, a MAXIMUM what is below.
bool cuts_what_nobody_takes(const TfliteGraph& graph, TensorId id, bool above) {
  const OperatorId producer = graph.producer(id);
  if (!producer.exists() || !graph[producer].is<tflite::Quantize>()) return false;
  const auto& users = graph.users(id);
  return !users.empty() && std::all_of(users.begin(), users.end(), [&](OperatorId user) {
    return above ? graph[user].is<tflite::Minimum>() : graph[user].is<tflite::Maximum>();
  });
}

/// The float model's values with the bounds of int8: each operator's inputs may be off by what is known of
/// them, each result by rounding to its own step and by what its range cuts off.
std::vector<Array> bounded_values(const QuantizedModel& model, const Constants& constants,
                                  const std::vector<Array>& sample, bool may_clip) {
  const TfliteGraph& graph = model.graph;
  std::vector<Array> values(graph.value_count());
  const auto settle = [&](TensorId id, Array array, double steps, const std::string& what) {
    const auto [low, high] = span_of(graph[id]);
    const double step = step_of(graph[id]);
    for (Real& element : array.elements) {
      const double cut = std::max({0.0, low - element.value, element.value - high});
      // What an operator before it has cut or rounded off is in the error already.
      if (!may_clip && cut - element.error > 1.01 * step + 1e-5 * std::abs(element.value) &&
          std::abs(element.value) < beyond_any_range &&
          !cuts_what_nobody_takes(graph, id, element.value > high))
        throw Finding(fmt::format("{}: {:.6g} is cut off by its range [{:.6g}, {:.6g}]", what, element.value,
                                  low, high));
      element.error += steps * step + cut;
    }
    values[id.index] = std::move(array);
  };
  for (std::size_t i = 0; i < sample.size(); ++i)
    settle(graph.inputs()[i], sample[i], 0.501, "input '" + graph[graph.inputs()[i]].name + "'");
  for (const OperatorId id : graph.nodes()) {
    const TfliteOperator& op = graph[id];
    std::vector<Array> own(op.inputs.size());
    std::vector<const Array*> operands;
    for (std::size_t i = 0; i < op.inputs.size(); ++i) {
      const TensorId input = op.inputs[i];
      if (input.exists() && graph.is_constant(input)) own[i] = constants.original(id, i);
      operands.push_back(!input.exists()            ? nullptr
                         : graph.is_constant(input) ? &own[i]
                                                    : &values[input.index]);
    }
    std::vector<Array> results = evaluate(graph, op, operands);
    for (std::size_t i = 0; i < op.outputs.size(); ++i)
      settle(op.outputs[i], std::move(results[i]), allowed_steps(graph, op),
             describe(graph, id, op.outputs[i]));
  }
  return values;
}

bool is_finite(const Array* array) {
  return !array || std::all_of(array->elements.begin(), array->elements.end(),
                               [](const Real& element) { return std::isfinite(element.value); });
}

/// Each operator against exact arithmetic on the numbers that LiteRT gave it.
void check_operators(const QuantizedModel& model, const Constants& constants,
                     const std::vector<Array>& measured, const std::string& kernels, Tally& tally) {
  const TfliteGraph& graph = model.graph;
  for (const OperatorId id : graph.nodes()) {
    const TfliteOperator& op = graph[id];
    std::vector<Array> own(op.inputs.size());
    std::vector<const Array*> operands;
    for (std::size_t i = 0; i < op.inputs.size(); ++i) {
      const TensorId input = op.inputs[i];
      if (input.exists() && graph.is_constant(input)) own[i] = constants.stored(input);
      operands.push_back(!input.exists()            ? nullptr
                         : graph.is_constant(input) ? &own[i]
                                                    : &measured[input.index]);
    }
    // A float operator behind a division by what is 0 in int8.
    if (!std::all_of(operands.begin(), operands.end(), is_finite)) continue;
    const std::vector<Array> results = evaluate(graph, op, operands);
    for (std::size_t i = 0; i < op.outputs.size(); ++i) {
      const TfliteTensor& tensor = graph[op.outputs[i]];
      const auto [low, high] = span_of(tensor);
      const double step = step_of(tensor);
      Array expected = results[i];
      for (Real& element : expected.elements) {
        // QUANTIZE takes its levels through an int32, where what is further away is undefined.
        // In float, sums of numbers near the largest one overflow in some orders.
        const bool is_defined = std::abs(element.value) < (step == 0 ? beyond_any_range : 0x1p30 * step);
        element.value = is_defined ? std::clamp(element.value, low, high) : NAN;
      }
      const Array& got = measured[op.outputs[i].index];
      if (step > 0) {
        double& largest = tally.largest_steps[kernels + " " + std::string(name_of(op.options))];
        for (std::size_t k = 0; k < got.elements.size(); ++k) {
          const Real& wanted = expected.elements[k];
          if (std::isfinite(wanted.value) && wanted.error < 0.01 * step)
            largest = std::max(largest, std::abs(got.elements[k].value - wanted.value) / step);
        }
      }
      // DEQUANTIZE computes scale * q - scale * zero point, and may round both products.
      const double slack =
          op.is<tflite::Dequantize>() ? 1e-4 * step_of(graph[op.inputs[0]]) : allowed_steps(graph, op) * step;
      require_within(got, expected, float_factor, slack,
                     "int8 on " + kernels + ", " + describe(graph, id, op.outputs[i]));
    }
  }
}

/// All tensors that operators write, each once.
std::vector<TensorId> written_tensors(const TfliteGraph& graph) {
  std::vector<TensorId> tensors;
  for (const OperatorId id : graph.nodes()) {
    for (const TensorId output : graph[id].outputs)
      if (output.exists()) tensors.push_back(output);
  }
  return tensors;
}

double span_of_values(const Array& array) {
  double low = 0, high = 0;
  for (const Real& element : array.elements) {
    low = std::min(low, element.value);
    high = std::max(high, element.value);
  }
  return high - low;
}

}  // namespace

void check_quantized(const QuantizedModel& model, const std::vector<std::vector<Array>>& samples,
                     const QuantizationChoices& choices, const std::shared_ptr<const LiteRt>& litert,
                     Tally& tally) {
  const TfliteGraph& graph = model.graph;
  const bool may_clip = choices.method != CalibrationMethod::minmax;
  const Constants constants(model);
  check_constants(model, constants, may_clip);

  std::vector<std::vector<Array>> bounded;
  for (const std::vector<Array>& sample : samples)
    bounded.push_back(bounded_values(model, constants, sample, may_clip));

  const std::vector<TensorId> written = written_tensors(graph);
  std::vector<TensorId> outputs;
  for (const TensorId output : graph.outputs())
    if (std::find(outputs.begin(), outputs.end(), output) == outputs.end()) outputs.push_back(output);
  for (const Kernels kernels : {Kernels::builtin, Kernels::xnnpack}) {
    const std::string name = kernels == Kernels::builtin ? "built-in kernels" : "XNNPACK";
    if (!written.empty()) {
      const auto stored = run(graph, written, samples, kernels, litert);
      for (std::size_t sample = 0; sample < samples.size(); ++sample) {
        std::vector<Array> measured(graph.value_count());
        for (std::size_t i = 0; i < samples[sample].size(); ++i) {
          const TensorId input = graph.inputs()[i];
          measured[input.index] = real_values(graph[input], stored_values(graph[input], samples[sample][i]));
        }
        for (std::size_t i = 0; i < written.size(); ++i)
          measured[written[i].index] = real_values(graph[written[i]], stored[sample][i]);
        check_operators(model, constants, measured, name, tally);
      }
    }
    // The file as it is delivered: XNNPACK makes one table of a chain, built-in kernels do as before.
    const auto stored = run(graph, outputs, samples, kernels, litert);
    for (std::size_t sample = 0; sample < samples.size(); ++sample) {
      for (std::size_t i = 0; i < outputs.size(); ++i) {
        const Array& bounds = bounded[sample][outputs[i].index];
        require_within(real_values(graph[outputs[i]], stored[sample][i]), bounds, 1.01, 0,
                       fmt::format("int8 against float on {}, sample {}, output {} '{}'", name, sample, i,
                                   graph[outputs[i]].name));
        double widest = 0;
        for (const Real& element : bounds.elements) widest = std::max(widest, element.error);
        ++tally.outputs;
        if (widest < 0.25 * span_of_values(bounds)) ++tally.tight_outputs;
      }
    }
  }
}

}  // namespace calib8::property
