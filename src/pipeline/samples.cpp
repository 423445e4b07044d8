#include "pipeline/samples.h"

#include <fmt/format.h>

#include <algorithm>

#include "container/printable.h"
#include "dataset/array_files.h"
#include "dataset/array_source.h"
#include "dataset/discover.h"
#include "dataset/image_source.h"
#include "dataset/preprocessing_json.h"
#include "dataset/quality.h"
#include "dataset/sample_list.h"
#include "dataset/select.h"
#include "pipeline/preprocessing_choice.h"

namespace calib8 {
namespace {

/// Images on which --check-preprocessing tries the usual mistakes.
constexpr std::size_t most_images_to_check = 300;

void note(const ExportOptions& options, const std::string& line) {
  if (options.note) options.note(one_line(line));  // names of files may be anything
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
    case DatasetKind::numpy:
      return DatasetType::numpy;
  }
  throw Error(ErrorCode::internal, "not a DatasetKind");
}

/// A path that isn't UTF-8 stands in JSON with replacements, and beside it byte by byte, so that --samples-in
/// finds it.
nlohmann::json path_and_hash(const std::string& path, const std::string& hash) {
  nlohmann::json sample = {{"path", valid_utf8(path)}, {"sha256", hash}};
  if (sample["path"] != path) {
    std::string hex;
    for (const char byte : path) hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    sample["path_hex"] = hex;
  }
  return sample;
}

nlohmann::json list_images(const ImageSource& source) {
  nlohmann::json list = nlohmann::json::array();
  for (const UsedImage& image : source.images())
    list.push_back(path_and_hash(image.entry.relative_path, image.sha256));
  return list;
}

nlohmann::json list_arrays(const ArrayFileSource& source) {
  nlohmann::json list = nlohmann::json::array();
  for (const UsedArray& array : source.arrays()) {
    list.push_back(path_and_hash(array.entry.relative_path, array.sha256));
    list.back()["row"] = array.row;
  }
  return list;
}

nlohmann::json list_skipped(const std::vector<SkippedImage>& skipped) {
  nlohmann::json list = nlohmann::json::array();
  for (const SkippedImage& image : skipped)
    list.push_back({{"path", image.relative_path}, {"reason", image.reason}});
  return list;
}

/// With --strict, what would be warned of stops the export.
void warn(const ExportOptions& options, const std::vector<std::string>& warnings,
          const std::filesystem::path& folder) {
  if (options.strict && !warnings.empty()) {
    const std::string others = warnings.size() == 1 ? "" : fmt::format(" (and {} more)", warnings.size() - 1);
    throw Error(ErrorCode::dataset, warnings[0] + others + " (--strict)", folder.string());
  }
  for (const std::string& warning : warnings) note(options, "warning: " + warning);
}

/// What both kinds of samples tell about where they come from.
template <class Samples>
RepresentativeData describe_samples(const ExportOptions& options, const DatasetListing& listing,
                                    const Samples& samples) {
  for (const std::string& line : samples.notes) note(options, line);
  std::vector<std::string> notes = listing.notes;
  notes.insert(notes.end(), samples.notes.begin(), samples.notes.end());
  RepresentativeData data;
  data.calibration = samples.calibration;
  data.verification = samples.verification;
  data.held_out = !samples.verification_overlaps;
  data.classes = listing.class_names.size();
  data.dataset = {{"folder", dataset_folder(options).string()},
                  {"layout", listing.layout},
                  {"classes", listing.class_names},
                  {"images", listing.images.size()},
                  {"calibration_samples", samples.calibration->size()},
                  {"verification_samples", samples.verification->size()},
                  {"held_out", data.held_out},
                  {"skipped", list_skipped(samples.skipped)},
                  {"dropped_duplicates", samples.repeated.size()},
                  {"notes", std::move(notes)}};
  return data;
}

RepresentativeData open_array_listing(const TfliteGraph& graph, const ExportOptions& options,
                                      const DatasetListing& listing) {
  std::vector<ArrayInput> inputs;
  for (std::size_t i = 0; i < graph.inputs().size(); ++i)
    inputs.push_back({graph.input_names[i], graph[graph.inputs()[i]].shape});
  const ArraySamples samples =
      options.samples_in
          ? open_listed_arrays(read_sample_list(*options.samples_in, options.num_calib_samples), listing,
                               options.follow_links, inputs)
          : open_array_files(listing, inputs,
                             {options.num_calib_samples, options.verify_samples, options.seed});
  warn(options, samples.warnings, dataset_folder(options));
  RepresentativeData data = describe_samples(options, listing, samples);
  data.dataset["calibration"] = list_arrays(*samples.calibration);
  data.dataset["verification"] = list_arrays(*samples.verification);
  return data;
}

RepresentativeData open_images(const TfliteGraph& graph, const ExportOptions& options,
                               const nlohmann::json& config, const DatasetListing& listing, int threads) {
  const auto [preprocessing, from, preprocessing_notes] = preprocessing_for(graph, options, config);
  const SelectionRequest request{options.num_calib_samples, options.verify_samples, options.seed};
  ImageSamples samples =
      options.samples_in ? open_listed(read_sample_list(*options.samples_in, options.num_calib_samples),
                                       listing, options.follow_links, preprocessing, threads)
                         : open_samples(select_samples(listing, request), request, preprocessing, threads);
  const std::size_t calibrating = samples.calibration->size();
  const QualityReport quality = options.examine_all ? examine_all(listing, calibrating, threads)
                                                    : samples.quality.finish(listing, calibrating, false);
  warn(options, quality.warnings, dataset_folder(options));
  RepresentativeData data = describe_samples(options, listing, samples);
  if (options.check_preprocessing && data.classes > 0)
    data.to_check = select_samples(listing, {most_images_to_check, 0, options.seed}).calibration;
  data.declared = preprocessing;
  data.preprocessing = to_json(preprocessing);
  data.preprocessing["from"] = from;
  data.dataset["calibration"] = list_images(*samples.calibration);
  data.dataset["verification"] = list_images(*samples.verification);
  data.dataset["quality"] = to_json(quality);
  return data;
}

RepresentativeData open_folder(const TfliteGraph& graph, const ExportOptions& options,
                               const nlohmann::json& config, int threads) {
  const DatasetListing listing =
      discover_dataset(dataset_folder(options), {dataset_type(options.dataset_type), options.follow_links});
  note(options, "data: " + listing.layout);
  for (const std::string& line : listing.notes) note(options, line);
  return listing.arrays ? open_array_listing(graph, options, listing)
                        : open_images(graph, options, config, listing, threads);
}

}  // namespace

RepresentativeData open_representative_data(const TfliteGraph& graph, const ExportOptions& options,
                                            const nlohmann::json& config, int threads) {
  if (!options.samples.empty()) return open_arrays(graph, options);
  try {
    return open_folder(graph, options, config, threads);
  } catch (const Error& error) {  // names of files may be anything
    throw Error(error.code(), one_line(error.message()), one_line(error.where()));
  }
}

}  // namespace calib8
