#include "image_samples/examine_all.h"

#include <numeric>

#include "image_samples/image_contents.h"

namespace calib8 {

QualityReport examine_all(const DatasetListing& listing, std::size_t calibration, int threads,
                          const OpenProgress& progress) {
  std::vector<ImageIndex> all(listing.images.size());
  std::iota(all.begin(), all.end(), ImageIndex{0});
  ImageContents contents(listing.images, {}, [](const Image&, std::size_t) { return Image{}; });
  QualityCounter counter;
  contents.open(all, threads, [&](const ImageContents::File& file) {
    contents.count(file, counter);
    if (progress) progress(file.index + 1, all.size());
  });
  return counter.finish(listing, calibration, true);
}

}  // namespace calib8
