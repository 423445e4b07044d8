#include "pipeline/pixel_input.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "image/preprocessing_json.h"
#include "image/preprocessing_names.h"
#include "pipeline/preprocessing/preprocessing_choice.h"
#include "run/edge_values.h"

namespace calib8 {
namespace {

constexpr int pixel_levels = 256;

PixelScaling scaling_of(const Preprocessing& steps) {
  PixelScaling scaling;
  for (std::size_t c = 0; c < steps.mean.size(); ++c) {
    const double deviation = steps.deviation[c];
    scaling.scale.push_back(1 / (steps.divisor * deviation));
    scaling.offset.push_back(-static_cast<double>(steps.mean[c]) / deviation);
  }
  return scaling;
}

bool is_identity(const PixelScaling& scaling) {
  return std::ranges::all_of(scaling.scale, [](double scale) { return scale == 1; }) &&
         std::ranges::all_of(scaling.offset, [](double offset) { return offset == 0; });
}

bool is_pixel(float value) {
  return value >= 0 && value < pixel_levels && value == std::floor(value);
}

/// Channels of arrays that hold pixels, and some that are more than a mask's 0 and 1.
std::optional<std::size_t> channels_of_pictures(const SampleSource& samples) {
  std::optional<std::size_t> channels;
  bool varied = false;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const Sample sample = samples.load(i);
    if (sample.inputs.size() != 1) return std::nullopt;
    const Tensor& values = sample.inputs.begin()->second;
    const auto span = values.as<float>();
    if (values.shape.size() != 4 || !std::ranges::all_of(span, is_pixel)) return std::nullopt;
    varied = varied || std::ranges::any_of(span, [](float value) { return value > 1; });
    channels = static_cast<std::size_t>(values.shape.back());
  }
  return varied ? channels : std::nullopt;
}

/// All channels of each pixel, as an image of one row.
Tensor all_pixels(const PixelScaling& scaling) {
  std::vector<float> values;
  for (int pixel = 0; pixel < pixel_levels; ++pixel) {
    for (std::size_t c = 0; c < scaling.scale.size(); ++c)
      values.push_back(static_cast<float>(scaling.scale[c] * pixel + scaling.offset[c]));
  }
  return make_tensor({1, 1, pixel_levels, static_cast<std::int64_t>(scaling.scale.size())},
                     std::move(values));
}

/// Whether what stands for a pixel in the input's integers is the pixel, less what an int8 must be less.
bool is_fed_with_bytes(const EdgeType& input, const PixelScaling& scaling) {
  if (input.dtype != DType::int8 && input.dtype != DType::uint8) return false;
  const int less = input.dtype == DType::int8 ? 128 : 0;
  const Tensor fed = from_float(all_pixels(scaling), input);
  for (std::size_t i = 0; i < fed.data.size(); ++i) {
    const int level = input.dtype == DType::int8 ? fed.as<std::int8_t>()[i] : fed.as<std::uint8_t>()[i];
    if (level != static_cast<int>(i / scaling.scale.size()) - less) return false;
  }
  return true;
}

/// "RGB 224x224 (height x width)"
std::string describe_picture(const Preprocessing& steps) {
  std::string order(name_of(steps.channel_order));
  if (steps.channel_order != ChannelOrder::gray)
    std::ranges::transform(order, order.begin(), [](char c) { return static_cast<char>(c - 'a' + 'A'); });
  return fmt::format("{} {}x{} (height x width)", order, steps.height, steps.width);
}

std::string what_is_fed(const EdgeType& input, bool bytes, bool is_image) {
  const char* source = is_image ? "the resized picture's bytes" : "the arrays' values";
  if (bytes && input.dtype == DType::int8) return fmt::format("{} less 128", source);
  if (bytes) return source + std::string(input.dtype == DType::float32 ? ", 0 to 255" : "");
  const float scale = input.quantization->scales.front();
  const std::int64_t zero_point = input.quantization->zero_points.front();
  return fmt::format("round(value / {}) {} {} of the scaled and normalized values", scale,
                     zero_point < 0 ? '-' : '+', std::abs(zero_point));
}

/// Fails with ErrorCode::dataset or ErrorCode::model.
PixelGraph require_pixels(const ExportOptions& options, const TfliteGraph& graph,
                          const std::optional<PixelScaling>& scaling) {
  if (!scaling) {
    throw Error(ErrorCode::dataset,
                "the samples are no pictures (images, or arrays of whole numbers from 0 to 255): they don't "
                "say what a pixel stands for",
                "--model-input pixels");
  }
  auto taken = take_pixels(graph, *scaling);
  if (auto* pixels = std::get_if<PixelGraph>(&taken)) return std::move(*pixels);
  throw Error(ErrorCode::model,
              "the model can't take pixels: " + std::get<std::string>(taken) +
                  "; --model-input normalized feeds it as training did",
              options.model.string());
}

}  // namespace

std::optional<PixelScaling> pixel_scaling(const RepresentativeData& data) {
  if (data.preprocessing) return scaling_of(data.preprocessing->steps);
  const auto channels = channels_of_pictures(*data.samples.calibration);
  if (!channels) return std::nullopt;
  return PixelScaling{std::vector<double>(*channels, 1), std::vector<double>(*channels, 0)};
}

std::optional<PixelGraph> pixel_graph(const ExportOptions& options, const TfliteGraph& graph,
                                      const RepresentativeData& data) {
  const ModelIo io = io_of(options);
  const bool is_possible =
      options.quantize == QuantizeTo::int8 && (io == ModelIo::int8 || io == ModelIo::uint8);
  const bool is_wanted = options.model_input == ModelInput::pixels;
  if (!is_possible || options.model_input == ModelInput::normalized) return std::nullopt;
  if (!is_wanted && options.effort == Effort::fast) return std::nullopt;
  const auto scaling = pixel_scaling(data);
  if (is_wanted) return require_pixels(options, graph, scaling);
  if (!scaling) return std::nullopt;
  auto taken = take_pixels(graph, *scaling);
  if (auto* pixels = std::get_if<PixelGraph>(&taken)) return std::move(*pixels);
  return std::nullopt;
}

std::optional<TfliteGraph> float_pixel_graph(ExportRun& run, const LoweredModel& model) {
  if (run.options.model_input != ModelInput::pixels) return std::nullopt;
  std::vector<Shape> inputs;
  for (const TensorId input : model.graph.inputs()) inputs.push_back(model.graph[input].shape);
  const PreprocessingChoice choice = choose_preprocessing(run.options, model.config, inputs);
  const Preprocessing& steps = choice.preprocessing;
  PixelGraph pixels = require_pixels(run.options, model.graph, scaling_of(steps));
  run.report.preprocessing = {describe(steps), steps.name, choice.from, to_json(steps)};
  run.report.model_input = describe_model_input(pixels.graph, &steps);
  return std::move(pixels.graph);
}

double least_gain_of_pixels(const PixelScaling& scaling) {
  constexpr double worth_telling = 0.3;
  return is_identity(scaling) ? 0 : worth_telling;
}

Ranges with_pictures(Ranges ranges, const PixelGraph& pixels) {
  ranges.resize(pixels.graph.value_count());
  for (const TensorId picture : pixels.pictures) ranges[picture.index] = Range{0, pixel_levels - 1};
  return ranges;
}

std::optional<ModelInputDescription> describe_model_input(const TfliteGraph& written,
                                                          const Preprocessing* steps) {
  if (written.inputs().size() != 1) return std::nullopt;
  const EdgeType input = edge_type(written[written.inputs().front()]);
  const bool takes_pixels = !written.pixel_inputs.empty();
  if (!takes_pixels && (!steps || !input.quantization)) return std::nullopt;
  ModelInputDescription description;
  description.takes_pixels = takes_pixels || is_fed_with_bytes(input, scaling_of(*steps));
  description.type = name_of(input.dtype);
  if (input.quantization) {
    description.scale = input.quantization->scales.front();
    description.zero_point = input.quantization->zero_points.front();
  }
  description.feed = fmt::format("{}{}: {}", description.type, steps ? " " + describe_picture(*steps) : "",
                                 what_is_fed(input, description.takes_pixels, steps != nullptr));
  return description;
}

}  // namespace calib8
