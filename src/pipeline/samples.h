#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "array_samples/array_files.h"
#include "calib8/dataset_options.h"
#include "discover/discover.h"
#include "image/preprocess.h"
#include "image_samples/open_images.h"
#include "quality/quality.h"
#include "samples/sample.h"

namespace calib8 {

/// What samples are for.
struct SampleRequest {
  /// Of the model; empty where there is none, and what the data and the options say is taken.
  std::vector<ArrayInput> inputs;
  /// What the model's file says beside its weights, an empty object where it says nothing.
  nlohmann::json config = nlohmann::json::object();
  std::size_t verification = 0;      ///< Samples to verify on.
  bool check_preprocessing = false;  ///< Draw images for that, too.
  int threads = 1;
};

/// Samples that represent a model's input, and what is known of them.
struct RepresentativeData {
  std::shared_ptr<const SampleSource> calibration, verification;
  bool held_out = true;  ///< Verification uses no sample of the calibration; else it uses the first of them.
  std::size_t classes = 0;  ///< Class folders; 0 where labels mean nothing.
  nlohmann::json dataset;   ///< What was found and used; make_report() adds the samples themselves.
  ImageList to_check;       ///< For --check-preprocessing: labelled images, drawn over all classes.
  std::optional<Preprocessing> declared;  ///< What the images go through; nothing for arrays.
  nlohmann::json
      preprocessing;  ///< Likewise, with where it is from. Null for arrays, which come preprocessed.

  // The same as it was found; nothing of it where arrays were given.
  std::filesystem::path folder;           ///< As named, or the default that is there.
  std::vector<ArrayInput> inputs;         ///< Those of the request, or what stands in for them.
  DatasetListing listing;                 ///< Without the list of its images.
  std::vector<std::size_t> class_counts;  ///< Files of each class, of all that were found.
  std::vector<std::string> notes, warnings;
  std::optional<QualityReport> quality;           ///< Of images.
  std::shared_ptr<const ImageSource> images;      ///< `calibration`, where it is images,
  std::shared_ptr<const ArrayFileSource> arrays;  ///< or files of arrays.
};

/// The folder that was named, or ml/data or data where one of them is there. Fails with ErrorCode::dataset
/// where none is; `otherwise` is added to the message.
std::filesystem::path dataset_folder(const DatasetOptions& options, const std::string& otherwise);

/// Finds, draws and opens samples out of a folder. Notes go to options.note. Fails with ErrorCode::dataset,
/// and ErrorCode::usage for a preprocessing that can't be.
RepresentativeData open_representative_data(const std::filesystem::path& folder,
                                            const DatasetOptions& options, const SampleRequest& request);

}  // namespace calib8
