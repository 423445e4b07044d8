#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "discover/discover.h"
#include "select/draw.h"

namespace calib8 {

/// One sample of an earlier run.
struct ListedSample {
  std::string path;    ///< Relative to the data set's folder, or absolute.
  std::string sha256;  ///< Of the image file, or of the array's float32 values; empty: not checked.
  std::optional<std::size_t> row;  ///< In a file that holds a batch of arrays.
};

/// The samples of an earlier run, to be used again.
struct SampleList {
  std::vector<ListedSample> calibration, verification, selection;
};

/// Reads the list out of a .quantization_metadata file, or of a JSON list of paths (or of objects with path
/// and sha256), whose first `request.calibration` calibrate and the next `request.selection` are to compare
/// candidates on, while all others verify. A set that isn't asked for (0) stays empty, whatever is listed.
/// Fails with ErrorCode::dataset where the file is no such list, or names nothing to calibrate on.
SampleList read_sample_list(const std::filesystem::path& file, const DrawRequest& request);

/// The image that a list names: with its label where the listing knows it. Fails with ErrorCode::dataset
/// where it isn't there, or is out of the data set's folder and `follow_links` is false.
ImageEntry find_listed(const ListedSample& sample, const DatasetListing& listing, bool follow_links);

}  // namespace calib8
