#include "image_samples/open_images.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "calib8/error.h"
#include "image_samples/image_contents.h"
#include "select/shortage.h"

namespace calib8 {
namespace {

/// Images at their final size that a source keeps: so many bytes (97 images of 224x224), and so many images.
/// Constants, so that memory doesn't grow with the number of images, and reached by the usual 100.
constexpr std::size_t kMostKeptBytes = std::size_t{14} << 20;
constexpr std::size_t kMostKeptImages = 100;

std::size_t most_kept_images(const Preprocessing& preprocessing) {
  const auto bytes =
      static_cast<std::size_t>(preprocessing.height) * static_cast<std::size_t>(preprocessing.width) * 3;
  return std::min(kMostKeptImages, kMostKeptBytes / std::max<std::size_t>(bytes, 1));
}

/// Images in the order in which they are accepted.
struct Accepted {
  std::vector<ImageIndex> files;        ///< In the list that is opened.
  std::vector<std::uint32_t> contents;  ///< Of these files.
  std::vector<Digest> hashes;           ///< Likewise, once all are opened.
  std::vector<PictureSize> sizes;       ///< Likewise.
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
        contents_(files, {preprocessing.exif_orientation}, [this](Image image, std::size_t number) {
          if (number < end_of_kept_) return fit_image(std::move(image), preprocessing_);
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

  /// The last call for `accepted`: what is known of the contents.
  void describe(Accepted& accepted) const {
    accepted.hashes.reserve(accepted.contents.size());
    accepted.sizes.reserve(accepted.contents.size());
    for (const std::uint32_t content : accepted.contents) {
      accepted.hashes.push_back(contents_.sha256(content));
      accepted.sizes.push_back({contents_.facts(content).height, contents_.facts(content).width});
    }
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

/// Adds the spare images from the front, which it takes away, until there are `wanted`. Each round opens as
/// many as are missing, so the outcome is that of opening one after the other.
void fill(Accepted& accepted, std::size_t wanted, std::span<const ImageIndex>& spare, Opener& opener) {
  while (accepted.files.size() < wanted && !spare.empty()) {
    const std::size_t count = std::min(wanted - accepted.files.size(), spare.size());
    opener.open(spare.first(count), accepted);
    spare = spare.subspan(count);
  }
}

/// Opens a list and fills its gaps from the spare images.
Accepted open_list(std::span<const ImageIndex> list, std::span<const ImageIndex>& spare, Opener& opener) {
  Accepted accepted;
  opener.open(list, accepted);
  fill(accepted, list.size(), spare, opener);
  return accepted;
}

/// The first images of the calibration, for a verification that has none of its own.
Accepted first_of(const Accepted& calibration, std::size_t count) {
  const auto beginning = [count](const auto& values) {
    return std::vector(values.begin(),
                       values.begin() + static_cast<std::ptrdiff_t>(std::min(count, values.size())));
  };
  return {beginning(calibration.files),
          {},
          beginning(calibration.hashes),
          beginning(calibration.sizes),
          beginning(calibration.pixels)};
}

std::shared_ptr<const ImageSource> source_of(const ImageList& files, Accepted accepted,
                                             const Preprocessing& preprocessing) {
  auto used = std::make_shared<const UsedImages>(
      UsedImages{files.part(accepted.files), std::move(accepted.hashes), std::move(accepted.sizes)});
  return std::make_shared<ImageSource>(std::move(used), std::move(accepted.pixels), preprocessing);
}

SampleSets<ImageSource> sets_of(const ImageList& files, Accepted calibration, Accepted selection,
                                Accepted verification, const Preprocessing& preprocessing) {
  const Overlap overlap = find_overlap<Digest>(calibration.hashes, verification.hashes);
  return {source_of(files, std::move(calibration), preprocessing),
          source_of(files, std::move(selection), preprocessing),
          source_of(files, std::move(verification), preprocessing), overlap};
}

void note_left_out(ImageSamples& samples) {
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

ImageSamples open_samples(const ImageList& listed, const Draw& draw, const DrawRequest& request,
                          const Preprocessing& preprocessing, int threads, const OpenProgress& progress) {
  Accepted calibration, verification, selection;
  ImageSamples samples;
  {  // what the opener knows of every image is gone before the sources are made
    const std::size_t drawn = draw.calibration.size() + draw.verification.size();
    Opener opener(listed, preprocessing, threads, progress,
                  drawn + std::min(request.selection + request.more_verification, draw.spare.size()), false);
    std::span<const ImageIndex> spare = draw.spare;
    calibration = open_list(draw.calibration, spare, opener);
    verification = open_list(draw.verification, spare, opener);
    const std::span<const ImageIndex> next = spare.first(std::min(request.selection, spare.size()));
    spare = spare.subspan(next.size());
    selection = open_list(next, spare, opener);
    if (request.more_verification > 0)
      fill(verification, request.verification + request.more_verification, spare, opener);
    for (Accepted* accepted : {&calibration, &verification, &selection}) opener.describe(*accepted);
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
  if (calibration.files.empty() && request.calibration > 0) std::swap(calibration, verification);
  if (verification.files.empty() && request.verification > 0)
    verification = first_of(calibration, request.verification + request.more_verification);
  samples.sets =
      sets_of(listed, std::move(calibration), std::move(selection), std::move(verification), preprocessing);
  samples.notes = shortage_notes(request, sizes_of(samples.sets), samples.sets.overlap, "images");
  note_left_out(samples);
  return samples;
}

ImageSamples open_listed(const SampleList& list, const DatasetListing& listing, bool follow_links,
                         const DrawRequest& request, const Preprocessing& preprocessing, int threads,
                         const OpenProgress& progress) {
  ImageList named;
  named.set_root(listing.root);
  for (const auto* samples : {&list.calibration, &list.verification, &list.selection}) {
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
    opener.describe(accepted);
    for (std::size_t i = 0; i < listed.size(); ++i) {
      if (!listed[i].sha256.empty() && listed[i].sha256 != to_text(accepted.hashes[i])) {
        throw Error(ErrorCode::dataset,
                    "is not the file that the list of samples names: its SHA-256 is another", listed[i].path);
      }
    }
    return accepted;
  };
  Accepted calibration = open(list.calibration), verification = open(list.verification),
           selection = open(list.selection);
  if (verification.files.empty() && request.verification > 0)
    verification = first_of(calibration, calibration.files.size());
  require_set_apart<Digest>(selection.hashes, calibration.hashes, verification.hashes,
                            [&](std::size_t index) { return list.selection[index].path; });
  ImageSamples samples;
  samples.quality = std::move(opener.quality);
  samples.sets =
      sets_of(named, std::move(calibration), std::move(selection), std::move(verification), preprocessing);
  samples.notes = overlap_notes(sizes_of(samples.sets), samples.sets.overlap, "images");
  return samples;
}

}  // namespace calib8
