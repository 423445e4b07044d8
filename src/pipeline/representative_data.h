#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "array_samples/array_files.h"
#include "calib8/dataset_options.h"
#include "discover/discover.h"
#include "image/preprocess.h"
#include "image_samples/open_images.h"
#include "quality/quality.h"
#include "report/export_report.h"
#include "samples/sample_sets.h"

namespace calib8 {

/// What samples are for.
struct SampleRequest {
  /// Of the model; empty where there is none, and what the data and the options say is taken.
  std::vector<ArrayInput> inputs;
  /// What the model's file says beside its weights, an empty object where it says nothing.
  nlohmann::json config = nlohmann::json::object();
  std::string config_from = "the checkpoint's config";  ///< What that is, for people.
  std::vector<std::string> class_names;  ///< By output of the model, where its file names them.
  bool file_has_channels_last = false;   ///< The model's own file takes images so.
  std::size_t verification = 0;          ///< Samples to verify on,
  std::size_t more_verification = 0;     ///< and more of them, where all others leave any.
  std::size_t selection = 0;             ///< Samples to compare candidates on.
  bool check_preprocessing = false;      ///< Draw images for that, too.
  int threads = 1;
};

/// A folder of data, as it was found.
struct FoundFolder {
  std::filesystem::path path;             ///< As named, or the default that is there.
  DatasetListing listing;                 ///< Without the list of its images.
  std::size_t files = 0;                  ///< In that list.
  std::vector<std::size_t> class_counts;  ///< Files of each class, of all that were found.
};

/// What a person should know of the samples.
struct SampleFindings {
  std::vector<std::string> notes, warnings;  ///< One sentence each.
  std::vector<SkippedImage> skipped;         ///< Drawn and unusable.
  std::size_t dropped_duplicates = 0;        ///< Drawn and the same as another.
  std::optional<QualityReport> quality;      ///< Of images.
};

/// What the images go through.
struct DeclaredPreprocessing {
  Preprocessing steps;
  std::string from;  ///< What declared it: "--preprocessing", "the checkpoint's config", ...
};

/// Where samples lie on disk, by what they are for; monostate where a caller gave them.
using SampleFiles = std::variant<std::monostate, SampleSets<ImageSource>, SampleSets<ArrayFileSource>>;

/// Samples that represent a model's input, and what is known of them.
struct RepresentativeData {
  SampleSets<SampleSource> samples;
  SampleFiles files;                  ///< The same samples.
  std::vector<ArrayInput> inputs;     ///< Those of the request, or what stands in for them.
  std::optional<FoundFolder> folder;  ///< Nothing where arrays were given.
  SampleFindings findings;
  std::optional<DeclaredPreprocessing> preprocessing;  ///< Nothing for arrays, which come preprocessed.
  ImageList to_check;  ///< For --check-preprocessing: labelled images, drawn over all classes.

  /// Class folders; 0 where labels mean nothing.
  std::size_t classes() const { return folder ? folder->listing.class_names.size() : 0; }
};

/// What the report tells of the data, without the samples themselves, and of what images go through.
DatasetDescription describe_dataset(const RepresentativeData& data);
std::optional<PreprocessingDescription> describe_preprocessing(const RepresentativeData& data);

/// The folder that was named, or ml/data or data where one of them is there. Fails with ErrorCode::dataset
/// where none is; `otherwise` is added to the message.
std::filesystem::path dataset_folder(const DatasetOptions& options, const std::string& otherwise);

/// Finds, draws and opens samples out of a folder. Notes go to options.note. Fails with ErrorCode::dataset,
/// and ErrorCode::usage for a preprocessing that can't be.
RepresentativeData open_representative_data(const std::filesystem::path& folder,
                                            const DatasetOptions& options, const SampleRequest& request);

}  // namespace calib8
