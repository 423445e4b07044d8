#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "array_samples/array_file.h"
#include "samples/sample_sets.h"
#include "select/draw.h"
#include "select/sample_list.h"

namespace calib8 {

/// A sample in a file of arrays.
struct UsedArray {
  ImageEntry entry;
  std::shared_ptr<const ArrayFile> file;
  std::size_t row = 0;
  Digest sha256{};  ///< Of its float32 values, input by input.
};

/// Arrays on disk as samples, read each time; nothing is kept.
class ArrayFileSource : public SampleSource {
 public:
  ArrayFileSource(std::vector<UsedArray> arrays, std::vector<ArrayInput> inputs)
      : arrays_(std::move(arrays)), inputs_(std::move(inputs)) {}

  std::size_t size() const override { return arrays_.size(); }
  Sample load(std::size_t index) const override;
  const std::vector<UsedArray>& arrays() const { return arrays_; }

 private:
  std::vector<UsedArray> arrays_;
  std::vector<ArrayInput> inputs_;
};

/// Arrays by what they are for, as ImageSamples has images.
struct ArraySamples {
  SampleSets<ArrayFileSource> sets;
  std::vector<SkippedImage> skipped, repeated;
  std::vector<std::string> notes;
  std::vector<std::string> warnings;  ///< As QualityReport's.
};

/// Draws samples out of .npy and .npz files: files in the order of draw_samples, as many as samples are
/// wanted; of these a row each in rounds, each file's rows in a shuffled order. Unreadable files, rows that
/// aren't finite numbers, and rows that repeat another are replaced. Fails with ErrorCode::dataset where no
/// sample is left: the first reason is named.
ArraySamples open_array_files(const DatasetListing& listing, const std::vector<ArrayInput>& inputs,
                              const DrawRequest& request);

/// Exactly the samples of a list, as open_listed does for images.
ArraySamples open_listed_arrays(const SampleList& list, const DatasetListing& listing, bool follow_links,
                                const DrawRequest& request, const std::vector<ArrayInput>& inputs);

}  // namespace calib8
