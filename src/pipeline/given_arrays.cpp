#include "pipeline/given_arrays.h"

#include <algorithm>

#include "base/interrupt.h"
#include "samples/spooled_samples.h"

namespace calib8 {
namespace {

/// [N, C, H, W] -> [N, H, W, C]
Tensor to_channels_last(const Tensor& tensor) {
  const auto values = tensor.as<float>();
  const auto channels = static_cast<std::size_t>(tensor.shape[1]);
  const auto pixels = static_cast<std::size_t>(tensor.shape[2] * tensor.shape[3]);
  std::vector<float> moved(values.size());
  for (std::size_t image = 0; image < values.size(); image += channels * pixels) {
    for (std::size_t channel = 0; channel < channels; ++channel) {
      for (std::size_t pixel = 0; pixel < pixels; ++pixel)
        moved[image + pixel * channels + channel] = values[image + channel * pixels + pixel];
    }
  }
  return make_tensor({tensor.shape[0], tensor.shape[2], tensor.shape[3], tensor.shape[1]}, std::move(moved));
}

/// How the arrays of a caller are read.
struct ArrayReading {
  bool first_where_both_fit = false;
  bool both_fit = false;  ///< Set where an array's shape is that of either order.
};

/// Whether an array has the input's shape in ONNX's order, and not in TFLite's.
bool is_channels_first(const Shape& array, const Shape& input, ArrayReading& reading) {
  if (array.size() != 4 || input.size() != 4 || array != Shape{input[0], input[3], input[1], input[2]})
    return false;
  if (array != input) return true;
  const bool differs = input[1] > 1;
  reading.both_fit = reading.both_fit || differs;
  return differs && reading.first_where_both_fit;
}

Sample to_sample(const std::map<std::string, SampleArray>& arrays, const TfliteGraph& graph,
                 ArrayReading& reading) {
  Sample sample;
  for (const auto& [name, array] : arrays) {
    if (element_count(array.shape) != static_cast<std::int64_t>(array.values.size())) {
      throw Error(ErrorCode::dataset, "an array's values don't fill its shape " + to_string(array.shape),
                  name);
    }
    Tensor tensor = make_tensor(array.shape, array.values);
    for (std::size_t i = 0; i < graph.inputs().size(); ++i) {
      const bool meant = graph.input_names[i] == name || (name.empty() && graph.inputs().size() == 1);
      if (meant && is_channels_first(tensor.shape, graph[graph.inputs()[i]].shape, reading))
        tensor = to_channels_last(tensor);
    }
    sample.inputs.emplace(name, std::move(tensor));
  }
  return sample;
}

}  // namespace

RepresentativeData open_given_arrays(const TfliteGraph& graph, const ExportOptions& options,
                                     const SampleRequest& request) {
  SpooledSamples samples;
  ArrayReading reading{options.array_layout == ArrayLayout::channels_first};
  const auto take = [&](std::size_t count) {
    const std::size_t before = samples.size();
    while (samples.size() - before < count) {
      throw_if_interrupted();
      const auto arrays = options.next_sample();
      if (!arrays) break;
      samples.add(to_sample(*arrays, graph, reading));
    }
    return samples.size() - before;
  };
  const std::size_t calibrating = take(options.num_samples);
  const std::size_t to_verify = request.verification + request.more_verification;
  const std::size_t verifying = calibrating == options.num_samples ? take(to_verify) : 0;
  const std::size_t selecting = verifying == to_verify ? take(request.selection) : 0;
  if (samples.size() == 0) throw Error(ErrorCode::dataset, "the representative data generator gave no batch");
  if (reading.both_fit && options.note) {
    options.note(
        std::string(
            "warning: channels, height and width are equal, so the arrays' layout is a guess: they are "
            "read with channels ") +
        (reading.first_where_both_fit ? "first" : "last") +
        "; array_layout (\"channels-first\", \"channels-last\") names the other");
  }
  RepresentativeData data;
  data.samples.calibration = samples.part(0, calibrating);
  data.samples.verification = samples.part(calibrating, verifying);
  data.samples.selection = samples.part(calibrating + verifying, selecting);
  if (verifying == 0 && to_verify > 0) {
    if (options.note) options.note("no arrays are left to verify on: the first of the calibration are used");
    const std::size_t count = std::min(to_verify, calibrating);
    data.samples.verification = samples.part(0, count);
    data.samples.overlap = {count, true};
  }
  return data;
}

}  // namespace calib8
