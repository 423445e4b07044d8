#include "pipeline/compare/foreign_model.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/mapped_file.h"
#include "calib8/error.h"
#include "read/tflite.h"

namespace calib8 {
namespace {

/// [N, H, W, C] -> [N, C, H, W]
Shape with_channels_first(const Shape& shape) {
  return {shape[0], shape[3], shape[1], shape[2]};
}

/// The elements of images with channels last as the file has them, first, of that shape; or the way back.
std::vector<float> moved_axes(const std::vector<float>& given, const Shape& first, bool to_first) {
  const auto channels = static_cast<std::size_t>(first[1]);
  const auto pixels = static_cast<std::size_t>(first[2] * first[3]);
  std::vector<float> result(given.size());
  for (std::size_t i = 0; i < result.size(); ++i) {
    const std::size_t channel = i / pixels % channels, image = i / (pixels * channels);
    const std::size_t last = (image * pixels + i % pixels) * channels + channel;
    (to_first ? result[i] : result[last]) = to_first ? given[last] : given[i];
  }
  return result;
}

class Opening {
 public:
  Opening(const std::filesystem::path& path, const TfliteGraph& graph)
      : where_(path.string()), graph_(graph) {}

  /// How a tensor of the file stands for one of the float model's.
  ForeignEdge edge(const TfliteEndpoint& end, TensorId wanted, const char* what) const {
    ForeignEdge edge{end.name, {}, false, end.tensor.shape};
    const Shape& shape = graph_[wanted].shape;
    edge.channels_first =
        shape.size() == 4 && edge.shape != shape && edge.shape == with_channels_first(shape);
    if (edge.shape != shape && !edge.channels_first)
      fail(fmt::format("its {} '{}' is {}, the model's is {}", what, end.name, to_string(edge.shape),
                       to_string(shape)));
    const EdgeType type = edge_type(end.tensor);
    const bool stands_for_real =
        type.dtype == DType::float32 || (type.quantization && type.quantization->scales.size() == 1);
    if (graph_[wanted].dtype == DType::float32 && !stands_for_real)
      fail(fmt::format("its {} '{}' is {} without one scale: what it stands for isn't known", what, end.name,
                       name_of(type.dtype)));
    return edge;
  }

  /// The place of each name among the file's: by name where all are there, else by order.
  std::vector<std::size_t> places(const std::vector<std::string>& wanted,
                                  const std::vector<TfliteEndpoint>& there, const char* what) const {
    if (wanted.size() != there.size())
      fail(fmt::format("it has {} {}s, the model has {}", there.size(), what, wanted.size()));
    std::vector<std::size_t> places, in_order;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      in_order.push_back(i);
      const auto found = std::ranges::find(there, wanted[i], &TfliteEndpoint::name);
      if (found != there.end()) places.push_back(static_cast<std::size_t>(found - there.begin()));
    }
    return places.size() == wanted.size() ? places : in_order;
  }

 private:
  [[noreturn]] void fail(const std::string& message) const { throw Error(ErrorCode::model, message, where_); }

  std::string where_;
  const TfliteGraph& graph_;
};

/// As LiteRT orders them.
std::vector<TfliteEndpoint> in_order_of(const std::vector<TensorInfo>& order,
                                        std::vector<TfliteEndpoint> ends) {
  std::vector<TfliteEndpoint> ordered;
  for (const TensorInfo& info : order) {
    const auto found = std::ranges::find(ends, info.name, &TfliteEndpoint::name);
    ordered.push_back(found == ends.end() ? ends.at(ordered.size()) : *found);
  }
  return ordered;
}

bool means_pixels(const EdgeType& edge) {
  const bool is_byte = edge.dtype == DType::int8 || edge.dtype == DType::uint8;
  return is_byte && edge.quantization &&
         *edge.quantization == per_tensor(1, edge.dtype == DType::int8 ? -128 : 0);
}

}  // namespace

ForeignModel open_foreign_model(const std::filesystem::path& path, const TfliteGraph& float_model,
                                const std::optional<PixelScaling>& pixels,
                                const std::shared_ptr<const LiteRt>& litert) {
  const Data file = map_file(path);
  const std::string where = path.string();
  ForeignModel model;
  model.bytes = file.size();
  model.runnable.file = share(file.bytes());
  model.runnable.weight_bytes = file.size();
  const TfliteOutline outline = read_tflite_outline(file, where);
  const Interpreter interpreter(litert, model.runnable.file, {.purpose = "opening " + where});
  const Opening opening(path, float_model);
  const auto own_inputs = in_order_of(interpreter.inputs(), outline.inputs);
  const auto own_outputs = in_order_of(interpreter.outputs(), outline.outputs);
  for (const TfliteEndpoint& input : own_inputs) model.runnable.inputs.push_back(edge_type(input.tensor));
  for (const TfliteEndpoint& output : own_outputs) model.runnable.outputs.push_back(edge_type(output.tensor));
  const auto input_places = opening.places(float_model.input_names, own_inputs, "input");
  model.inputs.resize(own_inputs.size());
  for (std::size_t i = 0; i < input_places.size(); ++i) {
    ForeignEdge& edge = model.inputs[input_places[i]];
    edge = opening.edge(own_inputs[input_places[i]], float_model.inputs()[i], "input");
    edge.of_model = float_model.input_names[i];
  }
  if (pixels && own_inputs.size() == 1 && means_pixels(model.runnable.inputs[0])) model.pixels = pixels;
  model.places = opening.places(float_model.output_names, own_outputs, "output");
  for (std::size_t i = 0; i < model.places.size(); ++i)
    model.outputs.push_back(opening.edge(own_outputs[model.places[i]], float_model.outputs()[i], "output"));
  return model;
}

Sample sample_for(const ForeignModel& model, const Sample& sample) {
  Sample adapted;
  adapted.label = sample.label;
  for (const ForeignEdge& input : model.inputs) {
    auto found = sample.inputs.find(input.of_model);
    if (found == sample.inputs.end()) found = sample.inputs.find("");
    if (found == sample.inputs.end()) continue;  // running it says which one is missing
    Tensor values = found->second;
    if (model.pixels) values = from_float(values, {DType::float32, std::nullopt, model.pixels});
    if (input.channels_first) {
      const auto given = values.as<float>();
      values = make_tensor(input.shape, moved_axes({given.begin(), given.end()}, input.shape, true));
    }
    adapted.inputs.emplace(input.name, std::move(values));
  }
  return adapted;
}

std::vector<std::vector<float>> outputs_of(const ForeignModel& model, const SampleSource& samples,
                                           const std::shared_ptr<const LiteRt>& litert, int threads,
                                           const StepCounter::Report& progress) {
  std::vector<std::vector<float>> outputs(samples.size());
  ModelPool pool(litert, {model.runnable}, {threads, samples.size(), "verifying"});
  StepCounter counter(progress, samples.size());
  pool.for_each<Sample>(
      samples.size(), [&](std::size_t index) { return samples.load(index); },
      [&](ModelPool::Worker& worker, std::size_t index, const Sample& sample) {
        worker.models.front().run(sample_for(model, sample), index);
        for (std::size_t i = 0; i < model.places.size(); ++i) {
          std::vector<float> part = worker.models.front().output(model.places[i]);
          if (model.outputs[i].channels_first) part = moved_axes(part, model.outputs[i].shape, false);
          outputs[index].insert(outputs[index].end(), part.begin(), part.end());
        }
        counter.step();
      });
  return outputs;
}

}  // namespace calib8
