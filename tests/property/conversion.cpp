#include "conversion.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>

#include "calibrate/calibrate.h"
#include "lower/lower.h"
#include "ops/verify.h"
#include "optimize/optimize.h"
#include "optimize/targets/targets.h"
#include "optimize/validate.h"
#include "quantize/plan.h"
#include "read/tflite.h"
#include "simplify/simplify.h"
#include "write/constant_block.h"
#include "write/tflite.h"

namespace calib8::property {
namespace {

Tensor tensor_of(const Array& array) {
  std::vector<float> values;
  for (const Real& element : array.elements) values.push_back(static_cast<float>(element.value));
  return make_tensor(array.shape, std::move(values));
}

class SamplesInMemory : public SampleSource {
 public:
  SamplesInMemory(const TfliteGraph& graph, const std::vector<std::vector<Array>>& samples) {
    for (const std::vector<Array>& arrays : samples) {
      Sample sample;
      for (std::size_t i = 0; i < arrays.size(); ++i)
        sample.inputs.emplace(graph.input_names.at(i), tensor_of(arrays[i]));
      samples_.push_back(std::move(sample));
    }
  }
  std::size_t size() const override { return samples_.size(); }
  Sample load(std::size_t index) const override { return samples_.at(index); }

 private:
  std::vector<Sample> samples_;
};

template <class T>
void store(const Array& array, std::span<std::byte> memory) {
  if (memory.size() != array.elements.size() * sizeof(T)) throw std::logic_error("an input of another size");
  T* to = reinterpret_cast<T*>(memory.data());
  for (const Real& element : array.elements) *to++ = static_cast<T>(element.value);
}

void store(DType dtype, const Array& array, std::span<std::byte> memory) {
  if (dtype == DType::float32) return store<float>(array, memory);
  if (dtype == DType::int8) return store<std::int8_t>(array, memory);
  if (dtype == DType::uint8) return store<std::uint8_t>(array, memory);
  if (dtype == DType::int16) return store<std::int16_t>(array, memory);
  throw std::logic_error("an input of type " + std::string(name_of(dtype)));
}

}  // namespace

TfliteGraph float_model(OnnxGraph graph) {
  simplify(graph);
  TfliteGraph lowered = lower(graph);
  optimize(lowered);
  require_valid(lowered);
  return lowered;
}

TfliteGraph float_model(const TfliteGraph& graph) {
  TfliteGraph read = read_tflite(serialize_tflite(graph), "random.tflite");
  optimize(read);
  require_valid(read);
  return read;
}

QuantizedModel quantize(const TfliteGraph& model, const std::vector<std::vector<Array>>& samples,
                        const QuantizationChoices& choices, const std::shared_ptr<const LiteRt>& litert) {
  QuantizedModel result{model, {}};
  TfliteGraph& calibrated = result.calibrated;
  const ConstantBlock constants(calibrated);
  prepare_for_integers(calibrated, litert_cpu());
  CalibrationOptions options;
  options.method = choices.method;
  options.activations = choices.activations;
  options.threads = choices.threads;
  const SamplesInMemory source(calibrated, samples);
  const Calibration found = calibrate({calibrated, constants}, tensors_to_observe(calibrated, litert_cpu()),
                                      source, litert, options);
  const Plan plan = make_plan(calibrated, found.ranges, litert_cpu(),
                              {.activations = choices.activations,
                               .has_float_inputs = choices.io == ModelIo::float32,
                               .has_float_outputs = choices.io == ModelIo::float32});
  result.graph = calibrated;
  apply_plan(result.graph, plan, choices.io, choices.threads);
  verify(result.graph, "quantization");
  require_valid(result.graph);
  return result;
}

namespace {

/// What a RESHAPE and others read. LiteRT's built-in kernels let a RESHAPE, and what stands behind it, work
/// in place on such a tensor before its other readers are done
/// (github.com/google-ai-edge/LiteRT/issues/8889); not where it is an output of the model.
std::vector<TensorId> endangered_tensors(const TfliteGraph& graph, Kernels kernels) {
  std::vector<TensorId> tensors;
  for (const OperatorId id : graph.nodes()) {
    if (!graph[id].is<tflite::Reshape>()) continue;
    const TensorId input = graph[id].inputs[0];
    // Of int16 XNNPACK has none.
    if (kernels == Kernels::xnnpack && graph[input].dtype != DType::int16) continue;
    if (graph.producer(input).exists() && graph.users(input).size() > 1) tensors.push_back(input);
  }
  return tensors;
}

}  // namespace

std::vector<std::vector<Array>> run(const TfliteGraph& graph, const std::vector<TensorId>& tensors,
                                    const std::vector<std::vector<Array>>& samples, Kernels kernels,
                                    const std::shared_ptr<const LiteRt>& litert) {
  TfliteFileOptions options;
  options.outputs.emplace();
  for (const TensorId tensor : tensors)
    options.outputs->push_back({tensor, "tensor" + std::to_string(options.outputs->size())});
  std::set<TensorId> given(tensors.begin(), tensors.end());
  for (const TensorId tensor : endangered_tensors(graph, kernels))
    if (given.insert(tensor).second)
      options.outputs->push_back({tensor, "tensor" + std::to_string(options.outputs->size())});
  Interpreter interpreter(litert, share(serialize_tflite(graph, options).bytes()), {.kernels = kernels});
  std::vector<std::vector<Array>> results;
  for (const std::vector<Array>& sample : samples) {
    for (std::size_t i = 0; i < sample.size(); ++i) {
      const TfliteTensor& input = graph[graph.inputs()[i]];
      store(input.dtype, stored_values(input, sample[i]), interpreter.input(i));
    }
    interpreter.run();
    results.emplace_back();
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const TfliteTensor& tensor = graph[tensors[i]];
      const ByteView bytes = interpreter.output(i);
      results.back().push_back(
          array_of({tensor.dtype, tensor.shape,
                    Data::from_vector(std::vector<std::byte>(bytes.begin(), bytes.end()))}));
    }
  }
  return results;
}

Array real_values(const TfliteTensor& tensor, const Array& stored) {
  Array real = stored;
  real.dtype = DType::float32;
  if (!tensor.quantization) return real;
  const Quantization& quantization = *tensor.quantization;
  std::size_t inner = 1;
  for (std::size_t i = static_cast<std::size_t>(quantization.axis) + 1; i < tensor.shape.size(); ++i)
    inner *= static_cast<std::size_t>(tensor.shape[i]);
  for (std::size_t i = 0; i < real.elements.size(); ++i) {
    const std::size_t channel = quantization.scales.size() == 1 ? 0 : i / inner % quantization.scales.size();
    real.elements[i].value =
        static_cast<double>(quantization.scales[channel]) *
        (real.elements[i].value - static_cast<double>(quantization.zero_points[channel]));
  }
  return real;
}

Array stored_values(const TfliteTensor& tensor, const Array& real) {
  if (!tensor.quantization) return real;
  const double scale = static_cast<double>(tensor.quantization->scales.front());
  const auto zero_point = static_cast<double>(tensor.quantization->zero_points.front());
  const bool is_unsigned = tensor.dtype == DType::uint8;
  const double levels = tensor.dtype == DType::int16 ? 32768 : 128;
  return map(real, [&](Real x) {
    const double level = std::nearbyint(x.value / scale) + zero_point;
    return Real{is_unsigned ? std::clamp(level, 0.0, 255.0) : std::clamp(level, -levels, levels - 1), 0};
  });
}

}  // namespace calib8::property
