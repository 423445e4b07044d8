#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "calib8/export.h"
#include "dataset/discover.h"
#include "dataset/preprocess.h"
#include "dataset/sample.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// The representative data of one export.
struct RepresentativeData {
  std::shared_ptr<const SampleSource> calibration, verification;
  bool held_out = true;  ///< Verification uses no sample of the calibration; else it uses the first of them.
  std::size_t classes = 0;           ///< Class folders; 0 where labels mean nothing.
  nlohmann::json dataset;            ///< What was found and used, every file with its hash.
  std::vector<ImageEntry> to_check;  ///< For --check-preprocessing: labelled images, drawn over all classes.
  std::optional<Preprocessing> declared;  ///< What the images go through; nothing for arrays.
  nlohmann::json
      preprocessing;  ///< Likewise, with where it is from. Null for arrays, which come preprocessed.
};

/// Finds, draws and opens the samples for a model's inputs: arrays from the options, or images from a folder.
/// `config` is what the model's file says beside its weights, an empty object where it says nothing. Notes go
/// to options.note. Fails with ErrorCode::dataset, and ErrorCode::usage for a preprocessing that can't be.
RepresentativeData open_representative_data(const TfliteGraph& graph, const ExportOptions& options,
                                            const nlohmann::json& config, int threads);

}  // namespace calib8
