#include "pipeline/representative_data.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "calib8/error.h"
#include "image/preprocessing_json.h"
#include "image_samples/examine_all.h"
#include "pipeline/array_inputs.h"
#include "pipeline/class_numbers.h"
#include "pipeline/preprocessing/preprocessing_choice.h"
#include "select/draw.h"
#include "select/sample_list.h"

namespace calib8 {
namespace {

/// Images on which --check-preprocessing tries the usual mistakes.
constexpr std::size_t most_images_to_check = 300;

void note(const DatasetOptions& options, const std::string& line) {
  if (options.note) options.note(one_line(line));  // names of files may be anything
}

DrawRequest draw_request(const DatasetOptions& options, const SampleRequest& request) {
  return {options.num_samples, request.verification, options.seed, request.selection,
          request.more_verification};
}

PreprocessingChoice preprocessing_for(const DatasetOptions& options, const SampleRequest& request) {
  std::vector<Shape> inputs;
  for (const ArrayInput& input : request.inputs) inputs.push_back(input.shape);
  PreprocessingChoice choice = inputs.empty() ? choose_preprocessing(options, options.input_size)
                                              : choose_preprocessing(options, request.config, inputs);
  constexpr std::string_view any_config = "the checkpoint's config";
  if (choice.from.starts_with(any_config)) choice.from.replace(0, any_config.size(), request.config_from);
  for (const std::string& line : choice.notes) note(options, line);
  return choice;
}

/// A stage of the run, as the openers tell of it.
OpenProgress progress(const DatasetOptions& options, std::string_view stage) {
  if (!options.progress) return {};
  return [&options, stage](std::size_t done, std::size_t total) { options.progress({stage, done, total}); };
}

/// With --strict, what is warned of stops the run: the first warning is the error, the others are said
/// before.
void warn(const DatasetOptions& options, std::vector<std::string> warnings, RepresentativeData& data) {
  for (std::size_t i = options.strict ? 1 : 0; i < warnings.size(); ++i)
    note(options, "warning: " + warnings[i]);
  if (options.strict && !warnings.empty()) {
    const std::string others = warnings.size() == 1 ? "" : fmt::format(" (and {} more)", warnings.size() - 1);
    throw Error(ErrorCode::dataset, warnings[0] + others + " (--strict)", data.folder->path.string());
  }
  data.findings.warnings = std::move(warnings);
}

std::vector<std::size_t> count_by_class(const DatasetListing& listing) {
  std::vector<std::size_t> counts(listing.class_names.size());
  for (std::size_t i = 0; i < listing.images.size() && !counts.empty(); ++i)
    ++counts.at(static_cast<std::size_t>(*listing.images.label(i)));
  return counts;
}

/// What both kinds of samples tell about where they come from.
template <class Samples>
void take_samples(const DatasetOptions& options, Samples& samples, RepresentativeData& data) {
  for (const std::string& line : samples.notes) note(options, line);
  SampleFindings& findings = data.findings;
  findings.notes = data.folder->listing.notes;
  findings.notes.insert(findings.notes.end(), samples.notes.begin(), samples.notes.end());
  findings.skipped = std::move(samples.skipped);
  findings.dropped_duplicates = samples.repeated.size();
  data.samples = samples.sets;
  data.files = std::move(samples.sets);
}

void open_arrays(const DatasetOptions& options, const SampleRequest& request, RepresentativeData& data) {
  const DatasetListing& listing = data.folder->listing;
  data.inputs = request.inputs.empty() ? infer_array_inputs(listing, options.input_size) : request.inputs;
  const bool first = options.array_layout == ArrayLayout::automatic
                         ? !request.inputs.empty() && !request.file_has_channels_last
                         : options.array_layout == ArrayLayout::channels_first;
  for (ArrayInput& input : data.inputs) input.channels_first = first;
  const DrawRequest draw = draw_request(options, request);
  ArraySamples samples = options.samples_in
                             ? open_listed_arrays(read_sample_list(*options.samples_in, draw), listing,
                                                  options.follow_links, draw, data.inputs)
                             : open_array_files(listing, data.inputs, draw);
  warn(options, samples.warnings, data);
  take_samples(options, samples, data);
}

void open_images(const DatasetOptions& options, const SampleRequest& request, RepresentativeData& data) {
  auto [steps, from, preprocessing_notes] = preprocessing_for(options, request);
  data.preprocessing = {std::move(steps), std::move(from)};
  const Preprocessing& preprocessing = data.preprocessing->steps;
  data.inputs = {{"", {1, preprocessing.height, preprocessing.width, channel_count(preprocessing)}}};
  const DatasetListing& listing = data.folder->listing;
  const DrawRequest draw = draw_request(options, request);
  const OpenProgress opening = progress(options, "opening images");
  ImageSamples samples =
      options.samples_in ? open_listed(read_sample_list(*options.samples_in, draw), listing,
                                       options.follow_links, draw, preprocessing, request.threads, opening)
                         : open_samples(listing.images, draw_samples(listing, draw), draw, preprocessing,
                                        request.threads, opening);
  const std::size_t calibrating = samples.sets.calibration->size();
  data.findings.quality = options.examine_all ? examine_all(listing, calibrating, request.threads,
                                                            progress(options, "examining all images"))
                                              : samples.quality.finish(listing, calibrating, false);
  warn(options, data.findings.quality->warnings, data);
  take_samples(options, samples, data);
  std::vector<std::string>& notes = data.findings.notes;
  notes.insert(notes.end(), preprocessing_notes.begin(), preprocessing_notes.end());
  if (request.check_preprocessing && data.classes() > 0)
    data.to_check =
        listing.images.part(draw_samples(listing, {most_images_to_check, 0, options.seed}).calibration);
}

RepresentativeData open_folder(const std::filesystem::path& path, const DatasetOptions& options,
                               const SampleRequest& request) {
  RepresentativeData data;
  FoundFolder& folder = data.folder.emplace();
  folder.path = path;
  folder.listing = discover_dataset(path, {options.dataset_type, options.follow_links, options.class_column});
  number_classes(folder.listing, options.class_order, request.class_names);
  folder.files = folder.listing.images.size();
  folder.class_counts = count_by_class(folder.listing);
  note(options, "data: " + folder.listing.layout);
  for (const std::string& line : folder.listing.notes) note(options, line);
  folder.listing.arrays ? open_arrays(options, request, data) : open_images(options, request, data);
  folder.listing.images.clear();  // a million of them take 30 MB
  return data;
}

/// Nothing can be fed to an input that holds no value.
void require_values(const std::vector<ArrayInput>& inputs) {
  for (const ArrayInput& input : inputs) {
    if (std::ranges::all_of(input.shape, [](std::int64_t size) { return size > 0; })) continue;
    throw Error(ErrorCode::model,
                fmt::format("the model's input '{}' {} holds no value: export the model with sizes of at "
                            "least 1",
                            input.name, to_string(input.shape)));
  }
}

}  // namespace

std::filesystem::path dataset_folder(const DatasetOptions& options, const std::string& otherwise) {
  if (options.dataset_dir) return *options.dataset_dir;
  for (const char* folder : {"ml/data", "data"}) {
    std::error_code unknown;  // counts as not being there
    if (std::filesystem::is_directory(folder, unknown)) return folder;
  }
  throw Error(ErrorCode::dataset,
              "there is neither ml/data nor data to take representative images from; name a folder with "
              "--dataset-dir" +
                  otherwise);
}

DatasetDescription describe_dataset(const RepresentativeData& data) {
  const SampleSets<SampleSource>& samples = data.samples;
  DatasetDescription description{.layout = data.folder ? data.folder->listing.layout : "arrays",
                                 .calibration_samples = samples.calibration->size()};
  if (samples.verification) {
    description.verification_samples = samples.verification->size();
    description.calibrated_and_verified = samples.overlap.samples;
  }
  if (samples.selection) description.selection_samples = samples.selection->size();
  if (!data.folder) return description;
  description.folder = DatasetDescription::Folder{};
  DatasetDescription::Folder& folder = *description.folder;
  folder.path = data.folder->path.string();
  folder.classes = data.folder->listing.class_names;
  folder.images = data.folder->files;
  for (const SkippedImage& image : data.findings.skipped)
    folder.skipped.push_back({image.relative_path, image.reason});
  folder.dropped_duplicates = data.findings.dropped_duplicates;
  folder.notes = data.findings.notes;
  if (data.findings.quality) folder.quality = to_json(*data.findings.quality);
  return description;
}

std::optional<PreprocessingDescription> describe_preprocessing(const RepresentativeData& data) {
  if (!data.preprocessing) return std::nullopt;
  const auto& [steps, from] = *data.preprocessing;
  return PreprocessingDescription{describe(steps), steps.name, from, to_json(steps)};
}

RepresentativeData open_representative_data(const std::filesystem::path& folder,
                                            const DatasetOptions& options, const SampleRequest& request) {
  require_values(request.inputs);
  try {
    return open_folder(folder, options, request);
  } catch (const Error& error) {  // names of files may be anything
    throw Error(error.code(), one_line(error.message()), one_line(error.where()));
  }
}

}  // namespace calib8
