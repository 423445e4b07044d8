#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "calib8/dataset_options.h"
#include "calib8/error.h"
#include "calib8/report.h"

namespace calib8 {

/// One sample: what the float model is fed.
struct RepresentativeSample {
  std::map<std::string, SampleArray> inputs;  ///< By input name; "" for the only one.
  std::optional<int> label;                   ///< Index into class_names(), where the data has classes.
  std::string path;  ///< Relative to the folder, bytes as the file system has them; "a.npy[3]" for a row.
};

/// What is known of some values.
struct ValueStatistics {
  double least = 0, most = 0;
  double mean = 0;
  double deviation = 0;  ///< Standard deviation of all values (not of a sample of them).
};

/// What is known of one input over some samples.
struct InputStatistics {
  std::string input;                ///< Its name; "" for the only one.
  std::vector<std::int64_t> shape;  ///< Of all of them as one batch: [samples, ...].
  ValueStatistics values;
  std::vector<ValueStatistics>
      channels;  ///< By the last index, of images (four dimensions, 1 to 4 channels).
};

/// Samples that represent what a model will see: found, drawn, checked and preprocessed as `calib8 export`
/// does it. With the options of an export they are the images that it calibrates on, unless some are
/// unreadable or repeated.
///
/// Samples are read from disk when they are asked for; memory doesn't grow with their number. All const
/// members may be called from several threads at once. Copies share what was found.
class RepresentativeDataset {
 public:
  /// Finds and draws; opens every image that is drawn once. Notes go to options.note and stay in notes().
  /// Fails with ErrorCode::dataset where there is no usable data, ErrorCode::usage for a preprocessing that
  /// can't be, and ErrorCode::model for a model that can't be read.
  ///
  /// Arrays without a model: the first axis counts samples where the data are one file, where arrays have
  /// four dimensions, or where the first axis is 1; else a file is one sample.
  explicit RepresentativeDataset(const DatasetOptions& options);

  std::size_t size() const;

  /// Fails with ErrorCode::dataset where the file can't be read any more, and with ErrorCode::usage where
  /// there is no such sample.
  RepresentativeSample sample(std::size_t index) const;

  /// What sample(index) tells of itself, without reading it. `index` must be below size().
  std::string path(std::size_t index) const;
  std::optional<int> label(std::size_t index) const;

  /// Names and shapes ([1, ...], channels last) of the inputs, in the model's order; images have the name "".
  std::vector<std::pair<std::string, std::vector<std::int64_t>>> inputs() const;

  const std::filesystem::path& folder() const;           ///< As it was given, or the default that was found.
  const std::string& layout() const;                     ///< "classification: val/<class>, 10 classes, ..."
  const std::vector<std::string>& class_names() const;   ///< By label; bytes as the file system has them.
  const std::vector<std::string>& object_names() const;  ///< Of detection data, by class.
  const std::vector<std::string>& notes() const;         ///< One sentence each.
  const std::vector<std::string>& warnings() const;      ///< Likewise: what is wrong with the data.
  const std::string& preprocessing() const;              ///< JSON object; "null" for arrays.

  /// Smallest and largest value that a pixel can become; nothing for arrays.
  std::optional<std::pair<float, float>> value_range() const;

  /// Statistics of `count` samples from `first` on, input by input in the model's order; fewer where there
  /// are no more. Reads them once.
  std::vector<InputStatistics> measure(std::size_t first, std::size_t count) const;

  /// For a person: what was found, counts by class, quality, the preprocessing in full. Several lines.
  std::string describe() const;

  /// An object: {"calib8_version", "dataset" (as in the metadata of an export), "preprocessing"}. As a
  /// file it may be given as samples_in, and as preprocessing.
  Report report() const;

  /// Writes one HTML file, without any reference to others, that shows up to `most` samples as the model will
  /// see them: cut and padded, with class and boxes. Whole or not at all; fails with ErrorCode::output, and
  /// with ErrorCode::usage where the samples are arrays of another shape than images have.
  void write_preview(const std::filesystem::path& file, std::size_t most = 64) const;

  /// Writes a Python module that yields the same samples with NumPy and Pillow alone. Whole or not at all;
  /// fails with ErrorCode::output.
  void write_module(const std::filesystem::path& file) const;

 private:
  struct Found;
  std::shared_ptr<const Found> found_;
};

}  // namespace calib8
