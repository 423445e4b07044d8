#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "discover/annotations.h"
#include "pipeline/representative_data.h"

namespace calib8 {

/// What the parts of RepresentativeDataset (its text, preview and module) need of a sample.
struct DrawnSample {
  ImageEntry entry;
  std::optional<std::size_t> row;  ///< In a file that holds a batch of arrays.
  std::string sha256;              ///< As the metadata has it.
};
DrawnSample drawn_sample(const RepresentativeData& data, std::size_t index);

/// How many there are of a class.
struct ClassCount {
  std::string name;         ///< Bytes as the file system or the annotations have them.
  std::size_t files = 0;    ///< In the whole data set; 0 for detection data.
  std::size_t samples = 0;  ///< Drawn ones; of detection data: objects in them.
};

/// By class, in the order of their indices; empty without classes. Of detection data, label files that are
/// damaged are left out and told in `failures`.
std::vector<ClassCount> count_classes(const RepresentativeData& data, std::vector<std::string>& failures);

/// A class of detection data: its name, or its number where there is none.
std::string object_name(const RepresentativeData& data, int class_index);

/// RepresentativeDataset::describe().
std::string describe(const RepresentativeData& data);

}  // namespace calib8
