#pragma once

#include "image_samples/open_images.h"

namespace calib8 {

/// Opens every image of a listing, on `threads` threads, a few at a time. `calibration` is the number of
/// images that calibrate.
QualityReport examine_all(const DatasetListing& listing, std::size_t calibration, int threads,
                          const OpenProgress& progress = {});

}  // namespace calib8
