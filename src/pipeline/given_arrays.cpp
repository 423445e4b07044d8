#include "pipeline/given_arrays.h"

#include <algorithm>

#include "dataset/array_source.h"

namespace calib8 {
namespace {

/// [1, C, H, W] -> [1, H, W, C]
Tensor to_channels_last(const Tensor& tensor) {
  const auto values = tensor.as<float>();
  const auto channels = static_cast<std::size_t>(tensor.shape[1]);
  const std::size_t pixels = values.size() / channels;
  std::vector<float> moved(values.size());
  for (std::size_t channel = 0; channel < channels; ++channel) {
    for (std::size_t pixel = 0; pixel < pixels; ++pixel)
      moved[pixel * channels + channel] = values[channel * pixels + pixel];
  }
  return make_tensor({1, tensor.shape[2], tensor.shape[3], tensor.shape[1]}, std::move(moved));
}

/// Whether an array has the input's shape in ONNX's order, and not in TFLite's.
bool is_channels_first(const Shape& array, const Shape& input) {
  return array != input && array.size() == 4 && input.size() == 4 &&
         array == Shape{input[0], input[3], input[1], input[2]};
}

Sample to_sample(const std::map<std::string, SampleArray>& arrays, const TfliteGraph& graph) {
  Sample sample;
  for (const auto& [name, array] : arrays) {
    if (element_count(array.shape) != static_cast<std::int64_t>(array.values.size())) {
      throw Error(ErrorCode::dataset, "an array's values don't fill its shape " + to_string(array.shape),
                  name);
    }
    Tensor tensor = make_tensor(array.shape, array.values);
    for (std::size_t i = 0; i < graph.inputs().size(); ++i) {
      const bool meant = graph.input_names[i] == name || (name.empty() && graph.inputs().size() == 1);
      if (meant && is_channels_first(tensor.shape, graph[graph.inputs()[i]].shape))
        tensor = to_channels_last(tensor);
    }
    sample.inputs.emplace(name, std::move(tensor));
  }
  return sample;
}

}  // namespace

RepresentativeData open_given_arrays(const TfliteGraph& graph, const ExportOptions& options) {
  std::vector<Sample> calibration, verification;
  for (const auto& arrays : options.samples) {
    auto& part = calibration.size() < options.num_samples ? calibration : verification;
    if (&part == &verification && verification.size() >= options.verify_samples) break;
    part.push_back(to_sample(arrays, graph));
  }
  RepresentativeData data;
  data.held_out = !verification.empty();
  if (!data.held_out) {
    if (options.note) options.note("no arrays are left to verify on: the first of the calibration are used");
    verification.assign(calibration.begin(),
                        calibration.begin() + static_cast<std::ptrdiff_t>(
                                                  std::min(options.verify_samples, calibration.size())));
  }
  data.dataset = {{"layout", "arrays"},
                  {"calibration_samples", calibration.size()},
                  {"verification_samples", verification.size()},
                  {"held_out", data.held_out}};
  data.calibration = std::make_shared<ArraySource>(std::move(calibration));
  data.verification = std::make_shared<ArraySource>(std::move(verification));
  return data;
}

}  // namespace calib8
