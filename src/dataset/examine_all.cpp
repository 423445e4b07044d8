#include "dataset/examine_all.h"

#include <numeric>

#include "dataset/image_contents.h"

namespace calib8 {

QualityReport examine_all(const DatasetListing& listing, std::size_t calibration, int threads,
                          const OpenProgress& progress) {
  std::vector<ImageIndex> all(listing.images.size());
  std::iota(all.begin(), all.end(), ImageIndex{0});
  ImageContents contents(listing.images, {}, [](const Image&, std::size_t) { return Image{}; });
  QualityCounter counter;
  contents.open(all, threads, [&](const ImageContents::File& file) {
    const std::string path = listing.images.relative_path(file.index);
    if (!file.failure.empty()) {
      counter.add_unreadable(path, file.failure);
    } else {
      counter.add(path, contents.facts(file.content));
      const ImageIndex first = contents.first_file(file.content);
      if (first != file.index) counter.add_repeated(path, listing.images.relative_path(first));
    }
    if (progress) progress(file.index + 1, all.size());
  });
  return counter.finish(listing, calibration, true);
}

}  // namespace calib8
