#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "image_samples/image_source.h"
#include "quality/quality.h"
#include "samples/sample_sets.h"
#include "select/draw.h"
#include "select/sample_list.h"

namespace calib8 {

/// Called now and then while many files are opened.
using OpenProgress = std::function<void(std::size_t done, std::size_t total)>;

/// Images by what they are for, and what became of the others.
struct ImageSamples {
  SampleSets<ImageSource> sets;
  std::vector<SkippedImage> skipped;   ///< Unreadable, in the order in which they were drawn.
  std::vector<SkippedImage> repeated;  ///< The same bytes as an image that is used, likewise.
  QualityCounter quality;              ///< What opening them told.
  std::vector<std::string> notes;      ///< One sentence each: too few images, overlap, skipped ones.
};

/// Opens what was selected of a listing: decodes every image once, on `threads` threads, and replaces the
/// unreadable ones and those whose bytes are another's from the spare ones, those of the calibration first,
/// those of the selection last. The result doesn't depend on the number of threads.
///
/// Where no image is left for verification, the first ones of the calibration are taken, and a note says so;
/// a selection that nothing is left for stays empty. Fails with ErrorCode::dataset where no image at all is
/// readable.
ImageSamples open_samples(const ImageList& listed, const Draw& draw, const DrawRequest& request,
                          const Preprocessing& preprocessing, int threads, const OpenProgress& progress = {});

/// Opens exactly the samples of a list, in its order; where it names none to verify on and `request` asks for
/// some, the first ones of the calibration are taken. A note says what verification and calibration share.
/// Fails with ErrorCode::dataset where a file is missing, unreadable, or other than it was (its hash
/// differs), or is in the selection and in another set: the error names it.
ImageSamples open_listed(const SampleList& list, const DatasetListing& listing, bool follow_links,
                         const DrawRequest& request, const Preprocessing& preprocessing, int threads,
                         const OpenProgress& progress = {});

}  // namespace calib8
