#pragma once

#include <memory>
#include <vector>

#include "samples/sample.h"
#include "samples/spool_file.h"

namespace calib8 {

/// Samples that were given once, one after the other, and are kept in a temporary file: a caller's arrays. Of
/// each, shapes and places are in memory, and nothing else.
class SpooledSamples {
 public:
  /// Inputs must be float32. Fails with ErrorCode::dataset where the disk is full.
  void add(const Sample& sample);

  std::size_t size() const { return samples_.size(); }
  /// `count` of them from `first` on; shares the file.
  std::shared_ptr<const SampleSource> part(std::size_t first, std::size_t count) const;

 private:
  /// An input of a sample.
  struct Stored {
    std::string name;
    Shape shape;
    std::uint64_t offset;
    std::size_t count;  ///< Of values.
  };
  class Part;

  std::shared_ptr<SpoolFile> file_ = std::make_shared<SpoolFile>();
  std::vector<std::vector<Stored>> samples_;
};

}  // namespace calib8
