#include "pipeline/samples.h"

#include <fmt/format.h>

#include <algorithm>

#include "calib8/error.h"
#include "container/printable.h"
#include "image/preprocessing_json.h"
#include "image_samples/examine_all.h"
#include "pipeline/array_inputs.h"
#include "pipeline/preprocessing_choice.h"
#include "select/sample_list.h"
#include "select/select.h"

namespace calib8 {
namespace {

/// Images on which --check-preprocessing tries the usual mistakes.
constexpr std::size_t most_images_to_check = 300;

void note(const DatasetOptions& options, const std::string& line) {
  if (options.note) options.note(one_line(line));  // names of files may be anything
}

PreprocessingChoice preprocessing_for(const DatasetOptions& options, const SampleRequest& request) {
  std::vector<Shape> inputs;
  for (const ArrayInput& input : request.inputs) inputs.push_back(input.shape);
  PreprocessingChoice choice = inputs.empty() ? choose_preprocessing(options, options.input_size)
                                              : choose_preprocessing(options, request.config, inputs);
  for (const std::string& line : choice.notes) note(options, line);
  return choice;
}

/// A stage of the run, as the openers tell of it.
OpenProgress progress(const DatasetOptions& options, std::string_view stage) {
  if (!options.progress) return {};
  return [&options, stage](std::size_t done, std::size_t total) { options.progress({stage, done, total}); };
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

nlohmann::json list_skipped(const std::vector<SkippedImage>& skipped) {
  nlohmann::json list = nlohmann::json::array();
  for (const SkippedImage& image : skipped)
    list.push_back({{"path", image.relative_path}, {"reason", image.reason}});
  return list;
}

/// With --strict, what is warned of stops the run: the first warning is the error, the others are said
/// before.
void warn(const DatasetOptions& options, std::vector<std::string> warnings, RepresentativeData& data) {
  for (std::size_t i = options.strict ? 1 : 0; i < warnings.size(); ++i)
    note(options, "warning: " + warnings[i]);
  if (options.strict && !warnings.empty()) {
    const std::string others = warnings.size() == 1 ? "" : fmt::format(" (and {} more)", warnings.size() - 1);
    throw Error(ErrorCode::dataset, warnings[0] + others + " (--strict)", data.folder.string());
  }
  data.warnings = std::move(warnings);
}

std::vector<std::size_t> count_by_class(const DatasetListing& listing) {
  std::vector<std::size_t> counts(listing.class_names.size());
  for (std::size_t i = 0; i < listing.images.size() && !counts.empty(); ++i)
    ++counts.at(static_cast<std::size_t>(*listing.images.label(i)));
  return counts;
}

/// What both kinds of samples tell about where they come from.
template <class Samples>
void describe_samples(const DatasetOptions& options, const Samples& samples, RepresentativeData& data) {
  for (const std::string& line : samples.notes) note(options, line);
  data.notes = data.listing.notes;
  data.notes.insert(data.notes.end(), samples.notes.begin(), samples.notes.end());
  data.calibration = samples.calibration;
  data.verification = samples.verification;
  data.held_out = !samples.verification_overlaps;
  data.classes = data.listing.class_names.size();
  data.class_counts = count_by_class(data.listing);
  data.dataset = {{"folder", data.folder.string()},
                  {"layout", data.listing.layout},
                  {"classes", data.listing.class_names},
                  {"images", data.listing.images.size()},
                  {"calibration_samples", samples.calibration->size()},
                  {"verification_samples", samples.verification->size()},
                  {"held_out", data.held_out},
                  {"skipped", list_skipped(samples.skipped)},
                  {"dropped_duplicates", samples.repeated.size()},
                  {"notes", data.notes}};
}

/// What --samples-in names; nothing to verify on where that isn't asked for.
SampleList listed_samples(const DatasetOptions& options, const SampleRequest& request) {
  SampleList list = read_sample_list(*options.samples_in, options.num_samples);
  if (request.verification == 0) list.verification.clear();
  return list;
}

void open_arrays(const DatasetOptions& options, const SampleRequest& request, RepresentativeData& data) {
  data.inputs =
      request.inputs.empty() ? infer_array_inputs(data.listing, options.input_size) : request.inputs;
  const ArraySamples samples =
      options.samples_in ? open_listed_arrays(listed_samples(options, request), data.listing,
                                              options.follow_links, data.inputs)
                         : open_array_files(data.listing, data.inputs,
                                            {options.num_samples, request.verification, options.seed});
  warn(options, samples.warnings, data);
  describe_samples(options, samples, data);
  data.arrays = samples.calibration;
}

void open_images(const DatasetOptions& options, const SampleRequest& request, RepresentativeData& data) {
  const auto [preprocessing, from, preprocessing_notes] = preprocessing_for(options, request);
  data.inputs = {{"", {1, preprocessing.height, preprocessing.width, channel_count(preprocessing)}}};
  const SelectionRequest selection{options.num_samples, request.verification, options.seed};
  const OpenProgress opening = progress(options, "opening images");
  ImageSamples samples = options.samples_in
                             ? open_listed(listed_samples(options, request), data.listing,
                                           options.follow_links, preprocessing, request.threads, opening)
                             : open_samples(data.listing.images, select_samples(data.listing, selection),
                                            selection, preprocessing, request.threads, opening);
  const std::size_t calibrating = samples.calibration->size();
  data.quality = options.examine_all ? examine_all(data.listing, calibrating, request.threads,
                                                   progress(options, "examining all images"))
                                     : samples.quality.finish(data.listing, calibrating, false);
  warn(options, data.quality->warnings, data);
  describe_samples(options, samples, data);
  data.notes.insert(data.notes.end(), preprocessing_notes.begin(), preprocessing_notes.end());
  if (request.check_preprocessing && data.classes > 0)
    data.to_check = data.listing.images.part(
        select_samples(data.listing, {most_images_to_check, 0, options.seed}).calibration);
  data.images = samples.calibration;
  data.declared = preprocessing;
  data.preprocessing = to_json(preprocessing);
  data.preprocessing["from"] = from;
  data.dataset["quality"] = to_json(*data.quality);
}

RepresentativeData open_folder(const std::filesystem::path& folder, const DatasetOptions& options,
                               const SampleRequest& request) {
  RepresentativeData data;
  data.folder = folder;
  data.listing = discover_dataset(folder, {dataset_type(options.dataset_type), options.follow_links});
  note(options, "data: " + data.listing.layout);
  for (const std::string& line : data.listing.notes) note(options, line);
  data.listing.arrays ? open_arrays(options, request, data) : open_images(options, request, data);
  data.listing.images.clear();  // a million of them take 30 MB
  return data;
}

}  // namespace

std::filesystem::path dataset_folder(const DatasetOptions& options, const std::string& otherwise) {
  if (options.dataset_dir) return *options.dataset_dir;
  for (const char* folder : {"ml/data", "data"}) {
    if (std::filesystem::is_directory(folder)) return folder;
  }
  throw Error(ErrorCode::dataset,
              "there is neither ml/data nor data to take representative images from; name a folder with "
              "--dataset-dir" +
                  otherwise);
}

RepresentativeData open_representative_data(const std::filesystem::path& folder,
                                            const DatasetOptions& options, const SampleRequest& request) {
  try {
    return open_folder(folder, options, request);
  } catch (const Error& error) {  // names of files may be anything
    throw Error(error.code(), one_line(error.message()), one_line(error.where()));
  }
}

}  // namespace calib8
