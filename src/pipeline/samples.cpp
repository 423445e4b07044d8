#include "pipeline/samples.h"

#include <algorithm>

#include "dataset/array_source.h"
#include "dataset/discover.h"
#include "dataset/image_source.h"
#include "dataset/preprocessing_json.h"
#include "dataset/select.h"
#include "pipeline/preprocessing_choice.h"

namespace calib8 {
namespace {

/// Images on which --check-preprocessing tries the usual mistakes.
constexpr std::size_t most_images_to_check = 300;

void note(const ExportOptions& options, const std::string& line) {
  if (options.note) options.note(line);
}

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

RepresentativeData open_arrays(const TfliteGraph& graph, const ExportOptions& options) {
  std::vector<Sample> calibration, verification;
  for (const auto& arrays : options.samples) {
    auto& part = calibration.size() < options.num_calib_samples ? calibration : verification;
    if (&part == &verification && verification.size() >= options.verify_samples) break;
    part.push_back(to_sample(arrays, graph));
  }
  RepresentativeData data;
  data.held_out = !verification.empty();
  if (!data.held_out) {
    note(options, "no arrays are left to verify on: the first of the calibration are used");
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

/// The folder that was named, or the first default that exists.
std::filesystem::path dataset_folder(const ExportOptions& options) {
  if (options.dataset_dir) return *options.dataset_dir;
  for (const char* folder : {"ml/data", "data"}) {
    if (std::filesystem::is_directory(folder)) return folder;
  }
  throw Error(ErrorCode::dataset,
              "int8 needs representative images, and there is neither ml/data nor data; name a folder with "
              "--dataset-dir "
              "(or write a model without calibration: --quantize float16)");
}

PreprocessingChoice preprocessing_for(const TfliteGraph& graph, const ExportOptions& options,
                                      const nlohmann::json& config) {
  std::vector<Shape> inputs;
  for (const TensorId input : graph.inputs()) inputs.push_back(graph[input].shape);
  PreprocessingChoice choice = choose_preprocessing(options, config, inputs);
  for (const std::string& line : choice.notes) note(options, line);
  return choice;
}

DatasetType dataset_type(DatasetKind kind) {
  switch (kind) {
    case DatasetKind::automatic:
      return DatasetType::automatic;
    case DatasetKind::classification:
      return DatasetType::classification;
    case DatasetKind::detection:
      return DatasetType::detection;
    case DatasetKind::images:
      return DatasetType::images;
  }
  throw Error(ErrorCode::internal, "not a DatasetKind");
}

nlohmann::json list_images(const ImageSource& source) {
  nlohmann::json list = nlohmann::json::array();
  for (const UsedImage& image : source.images()) {
    list.push_back({{"path", image.entry.relative_path}, {"sha256", image.sha256}});
  }
  return list;
}

RepresentativeData open_images(const TfliteGraph& graph, const ExportOptions& options,
                               const nlohmann::json& config, int threads) {
  const auto [preprocessing, from, preprocessing_notes] = preprocessing_for(graph, options, config);
  const DatasetListing listing =
      discover_dataset(dataset_folder(options), dataset_type(options.dataset_type));
  for (const std::string& line : listing.notes) note(options, line);
  const SelectionRequest request{options.num_calib_samples, options.verify_samples, options.seed};
  const ImageSamples samples =
      open_samples(select_samples(listing, request), request, preprocessing, threads);
  for (const std::string& line : samples.notes) note(options, line);

  nlohmann::json skipped = nlohmann::json::array();
  for (const SkippedImage& image : samples.skipped)
    skipped.push_back({{"path", image.relative_path}, {"reason", image.reason}});
  std::vector<std::string> notes = listing.notes;
  notes.insert(notes.end(), samples.notes.begin(), samples.notes.end());
  RepresentativeData data;
  data.calibration = samples.calibration;
  data.verification = samples.verification;
  data.held_out = !samples.verification_overlaps;
  data.classes = listing.class_names.size();
  if (options.check_preprocessing && data.classes > 0)
    data.to_check = select_samples(listing, {most_images_to_check, 0, options.seed}).calibration;
  data.declared = preprocessing;
  data.preprocessing = to_json(preprocessing);
  data.preprocessing["from"] = from;
  data.dataset = {{"folder", dataset_folder(options).string()},
                  {"layout", listing.layout},
                  {"classes", listing.class_names},
                  {"images", listing.images.size()},
                  {"calibration_samples", samples.calibration->size()},
                  {"verification_samples", samples.verification->size()},
                  {"held_out", data.held_out},
                  {"calibration", list_images(*samples.calibration)},
                  {"verification", list_images(*samples.verification)},
                  {"skipped", std::move(skipped)},
                  {"notes", std::move(notes)}};
  return data;
}

}  // namespace

RepresentativeData open_representative_data(const TfliteGraph& graph, const ExportOptions& options,
                                            const nlohmann::json& config, int threads) {
  return options.samples.empty() ? open_images(graph, options, config, threads) : open_arrays(graph, options);
}

}  // namespace calib8
