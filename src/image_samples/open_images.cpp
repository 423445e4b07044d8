#include "image_samples/open_images.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <unordered_set>
#include <utility>

#include "calib8/error.h"
#include "image_samples/image_contents.h"

namespace calib8 {
namespace {

/// Images at their final size that a source keeps: so many bytes (97 images of 224x224), and so many images.
/// Constants, so that memory doesn't grow with the number of images, and reached by the usual 100.
constexpr std::size_t kMostKeptBytes = std::size_t{14} << 20;
constexpr std::size_t kMostKeptImages = 100;

std::size_t most_kept_images(const Preprocessing& preprocessing) {
  const auto pixels =
      static_cast<std::size_t>(preprocessing.height) * static_cast<std::size_t>(preprocessing.width);
  return std::min(kMostKeptImages, kMostKeptBytes / (pixels * 3));
}

/// Images in the order in which they are accepted.
struct Accepted {
  std::vector<ImageIndex> files;        ///< In the list that is opened.
  std::vector<std::uint32_t> contents;  ///< Of these files.
  std::vector<Digest> hashes;           ///< Likewise, once all are opened.
  std::vector<Image> pixels;

  void add(ImageContents::File file) {
    files.push_back(file.index);
    contents.push_back(static_cast<std::uint32_t>(file.content));
    // Only an unbroken run of first images is kept, so that an index finds its pixels.
    if (!file.image.pixels.empty() && pixels.size() + 1 == files.size())
      pixels.push_back(std::move(file.image));
  }
};

/// Opens candidates of a list, and notes what becomes of them.
class Opener {
 public:
  /// `wanted` images are told to `progress` as the total.
  Opener(const ImageList& files, const Preprocessing& preprocessing, int threads,
         const OpenProgress& progress, std::size_t wanted, bool keep_repeated)
      : files_(files),
        preprocessing_(preprocessing),
        threads_(threads),
        progress_(progress),
        wanted_(wanted),
        keep_repeated_(keep_repeated),
        contents_(files, {preprocessing.exif_orientation}, [this](const Image& image, std::size_t number) {
          if (number < end_of_kept_) return fit_image(image, preprocessing_);
          placement_of(image.height, image.width, preprocessing_);  // fails where fit_image() would
          return Image{};
        }) {}

  /// Adds the usable ones in their order.
  void open(std::span<const ImageIndex> candidates, Accepted& accepted) {
    if (accepted.files.empty()) end_of_kept_ = contents_.opened() + most_kept_images(preprocessing_);
    contents_.open(candidates, threads_, [&](ImageContents::File file) {
      take(std::move(file), accepted);
      if (progress_) progress_(accepted_, wanted_);
    });
  }

  /// The last call for `accepted`.
  void add_hashes(Accepted& accepted) const {
    accepted.hashes.reserve(accepted.contents.size());
    for (const std::uint32_t content : accepted.contents)
      accepted.hashes.push_back(contents_.sha256(content));
  }

  std::vector<SkippedImage> skipped;
  std::vector<SkippedImage> repeated;
  QualityCounter quality;

 private:
  void take(ImageContents::File file, Accepted& accepted) {
    contents_.count(file, quality);
    const std::string path = files_.relative_path(file.index);
    if (!file.failure.empty()) {
      skipped.push_back({path, std::move(file.failure)});
      return;
    }
    const ImageIndex first = contents_.first_file(file.content);
    if (first != file.index) {
      repeated.push_back({path, files_.relative_path(first)});
      if (!keep_repeated_) return;
    }
    accepted.add(std::move(file));
    ++accepted_;
  }

  const ImageList& files_;
  Preprocessing preprocessing_;
  int threads_;
  const OpenProgress& progress_;
  std::size_t wanted_, accepted_ = 0;
  bool keep_repeated_;
  std::size_t end_of_kept_ = 0;  ///< Files opened from here on are too many to keep their pixels.
  ImageContents contents_;
};

/// Opens a list and fills its gaps from the front of the spare images, which it takes away. Each round opens
/// as many as are missing, so the outcome is that of opening one after the other.
Accepted open_list(std::span<const ImageIndex> list, std::span<const ImageIndex>& spare, Opener& opener) {
  Accepted accepted;
  opener.open(list, accepted);
  while (accepted.files.size() < list.size() && !spare.empty()) {
    const std::size_t count = std::min(list.size() - accepted.files.size(), spare.size());
    opener.open(spare.first(count), accepted);
    spare = spare.subspan(count);
  }
  return accepted;
}

/// The first images of the calibration, for a verification that has none of its own.
Accepted first_of(const Accepted& calibration, std::size_t count) {
  const auto beginning = [count](const auto& values) {
    return std::vector(values.begin(),
                       values.begin() + static_cast<std::ptrdiff_t>(std::min(count, values.size())));
  };
  return {beginning(calibration.files), {}, beginning(calibration.hashes), beginning(calibration.pixels)};
}

std::shared_ptr<const ImageSource> source_of(const ImageList& files, Accepted accepted,
                                             const Preprocessing& preprocessing) {
  auto used =
      std::make_shared<const UsedImages>(UsedImages{files.part(accepted.files), std::move(accepted.hashes)});
  return std::make_shared<ImageSource>(std::move(used), std::move(accepted.pixels), preprocessing);
}

void note_shortage(const SelectionRequest& request, ImageSamples& samples) {
  const std::size_t calibration = samples.calibration->size();
  const std::size_t verification = samples.verification->size();
  if (calibration < request.num_calibration) {
    samples.notes.push_back(fmt::format("{} of {} images asked for to calibrate: there are no more",
                                        calibration, request.num_calibration));
  }
  if (samples.verification_overlaps) {
    samples.notes.push_back(fmt::format(
        "verified on {} of the images that calibrated, as there are no others: agreement may look too good",
        verification));
  } else if (verification < request.num_verification) {
    samples.notes.push_back(fmt::format("{} of {} images asked for to verify: there are no more",
                                        verification, request.num_verification));
  }
  if (!samples.repeated.empty()) {
    samples.notes.push_back(
        fmt::format("{} {} left out, the first is {} (as {})", samples.repeated.size(),
                    samples.repeated.size() == 1 ? "image that repeats another" : "images that repeat others",
                    samples.repeated[0].relative_path, samples.repeated[0].reason));
  }
  if (!samples.skipped.empty()) {
    samples.notes.push_back(fmt::format("{} unreadable {} skipped, the first is {}: {}",
                                        samples.skipped.size(),
                                        samples.skipped.size() == 1 ? "image" : "images",
                                        samples.skipped[0].relative_path, samples.skipped[0].reason));
  }
}

}  // namespace

ImageSamples open_samples(const ImageList& listed, const Selection& selection,
                          const SelectionRequest& request, const Preprocessing& preprocessing, int threads,
                          const OpenProgress& progress) {
  Accepted calibration, verification;
  ImageSamples samples;
  {  // what the opener knows of every image is gone before the sources are made
    Opener opener(listed, preprocessing, threads, progress,
                  selection.calibration.size() + selection.verification.size(), false);
    std::span<const ImageIndex> spare = selection.spare;
    calibration = open_list(selection.calibration, spare, opener);
    verification = open_list(selection.verification, spare, opener);
    opener.add_hashes(calibration);
    opener.add_hashes(verification);
    samples.skipped = std::move(opener.skipped);
    samples.repeated = std::move(opener.repeated);
    samples.quality = std::move(opener.quality);
  }
  if (calibration.files.empty() && verification.files.empty()) {
    if (samples.skipped.empty())
      throw Error(ErrorCode::dataset, "no image was asked for: raise --num-calib-samples");
    throw Error(ErrorCode::dataset,
                fmt::format("none of {} images can be read; the first is {}: {}", samples.skipped.size(),
                            samples.skipped[0].relative_path, samples.skipped[0].reason));
  }
  if (calibration.files.empty() && request.num_calibration > 0) std::swap(calibration, verification);
  if (verification.files.empty() && request.num_verification > 0) {
    verification = first_of(calibration, request.num_verification);
    samples.verification_overlaps = true;
  }
  samples.calibration = source_of(listed, std::move(calibration), preprocessing);
  samples.verification = source_of(listed, std::move(verification), preprocessing);
  note_shortage(request, samples);
  return samples;
}

ImageSamples open_listed(const SampleList& list, const DatasetListing& listing, bool follow_links,
                         const Preprocessing& preprocessing, int threads, const OpenProgress& progress) {
  ImageList named;
  named.set_root(listing.root);
  for (const auto* samples : {&list.calibration, &list.verification}) {
    for (const ListedSample& sample : *samples) named.push_back(find_listed(sample, listing, follow_links));
  }
  Opener opener(named, preprocessing, threads, progress, named.size(), true);
  ImageIndex next = 0;
  const auto open = [&](const std::vector<ListedSample>& listed) {
    std::vector<ImageIndex> files(listed.size());
    for (ImageIndex& file : files) file = next++;
    Accepted accepted;
    opener.open(files, accepted);
    if (!opener.skipped.empty())
      throw Error(ErrorCode::dataset, opener.skipped[0].reason, opener.skipped[0].relative_path);
    opener.add_hashes(accepted);
    for (std::size_t i = 0; i < listed.size(); ++i) {
      if (!listed[i].sha256.empty() && listed[i].sha256 != to_text(accepted.hashes[i])) {
        throw Error(ErrorCode::dataset,
                    "is not the file that the list of samples names: its SHA-256 is another", listed[i].path);
      }
    }
    return accepted;
  };
  Accepted calibration = open(list.calibration);
  Accepted verification = open(list.verification);
  ImageSamples samples;
  if (verification.files.empty()) {
    verification = first_of(calibration, calibration.files.size());
    samples.verification_overlaps = true;
  }
  std::unordered_set<std::string> calibrating;
  for (const ImageIndex file : calibration.files) calibrating.insert(named.relative_path(file));
  for (const ImageIndex file : verification.files)
    samples.verification_overlaps |= calibrating.contains(named.relative_path(file));
  samples.quality = std::move(opener.quality);
  samples.calibration = source_of(named, std::move(calibration), preprocessing);
  samples.verification = source_of(named, std::move(verification), preprocessing);
  return samples;
}

}  // namespace calib8
