#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "calib8/export.h"
#include "dataset/sample.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// The representative data of one export.
struct RepresentativeData {
  std::shared_ptr<const SampleSource> calibration, verification;
  bool held_out = true;  ///< Verification uses no sample of the calibration; else it uses the first of them.
  std::size_t classes = 0;       ///< Class folders; 0 where labels mean nothing.
  nlohmann::json dataset;        ///< What was found and used, every file with its hash.
  nlohmann::json preprocessing;  ///< Null for arrays, which come preprocessed.
};

/// Finds, draws and opens the samples for a model's inputs: arrays from the options, or images from a folder.
/// Notes go to options.note. Fails with ErrorCode::dataset.
RepresentativeData open_representative_data(const TfliteGraph& graph, const ExportOptions& options,
                                            int threads);

}  // namespace calib8
