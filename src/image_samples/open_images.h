#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "image_samples/image_source.h"
#include "quality/quality.h"
#include "select/sample_list.h"
#include "select/select.h"

namespace calib8 {

/// Called now and then while many files are opened.
using OpenProgress = std::function<void(std::size_t done, std::size_t total)>;

/// The samples of one export.
struct ImageSamples {
  std::shared_ptr<const ImageSource> calibration;
  std::shared_ptr<const ImageSource> verification;
  bool verification_overlaps =
      false;  ///< Verification uses images of the calibration, as there are no others.
  std::vector<SkippedImage> skipped;   ///< Unreadable, in the order in which they were drawn.
  std::vector<SkippedImage> repeated;  ///< The same bytes as an image that is used, likewise.
  QualityCounter quality;              ///< What opening them told.
  std::vector<std::string> notes;      ///< One sentence each: too few images, overlap, skipped ones.
};

/// Opens what was selected of a listing: decodes every image once, on `threads` threads, and replaces the
/// unreadable ones and those whose bytes are another's from the spare ones, those of the calibration first.
/// The result doesn't depend on the number of threads.
///
/// Where no image is left for verification, the first ones of the calibration are taken, and a note says so.
/// Fails with ErrorCode::dataset where no image at all is readable.
ImageSamples open_samples(const ImageList& listed, const Selection& selection,
                          const SelectionRequest& request, const Preprocessing& preprocessing, int threads,
                          const OpenProgress& progress = {});

/// Opens exactly the samples of a list, in its order. Fails with ErrorCode::dataset where one is missing,
/// unreadable, or other than it was (its hash differs): the error names it.
ImageSamples open_listed(const SampleList& list, const DatasetListing& listing, bool follow_links,
                         const Preprocessing& preprocessing, int threads, const OpenProgress& progress = {});

}  // namespace calib8
