#include "dataset/image_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/bytes.h"
#include "base/parallel.h"
#include "calib8/error.h"
#include "dataset/decode.h"
#include "dataset/image_file.h"

namespace calib8 {
namespace {

/// Images at their final size that a source keeps: so many, and so many bytes (111 images of 224x224).
/// Constants, so that memory doesn't grow with the number of images.
constexpr std::size_t kMostKeptImages = 128;
constexpr std::size_t kMostKeptBytes = std::size_t{16} << 20;

/// What became of one candidate: pixels and hash, or the reason why it can't be used.
struct Opened {
  Image pixels;
  std::string sha256;
  ImageFacts facts;
  std::string failure;
};

Opened open_image(const ImageEntry& entry, const Preprocessing& preprocessing) {
  try {
    const std::vector<std::byte> file = read_image_file(entry.path);
    const Image image = decode_image(file, entry.path, {preprocessing.exif_orientation});
    return {fit_image(image, preprocessing), sha256(file), examine(file, image, entry.relative_path), {}};
  } catch (const Error& error) {
    if (error.code() != ErrorCode::dataset) throw;
    return {{}, {}, {}, error.message()};
  }
}

/// Images in the order in which they are accepted.
struct Accepted {
  std::vector<UsedImage> images;
  std::vector<Image> pixels;
  std::size_t kept_bytes = 0;
};

/// Opens candidates until `wanted` are accepted. Each round opens as many as are missing and takes the
/// readable ones in order, so the outcome is that of opening one after the other.
class Opener {
 public:
  /// `wanted` images are told to `progress` as the total.
  Opener(const Preprocessing& preprocessing, int threads, const OpenProgress& progress, std::size_t wanted,
         bool keep_repeated = false)
      : preprocessing_(preprocessing),
        threads_(threads),
        progress_(progress),
        wanted_(wanted),
        keep_repeated_(keep_repeated) {}

  void open(const ImageEntry* candidates, std::size_t count, Accepted& accepted) {
    // In blocks, so that few images are held at a time.
    const std::size_t block = static_cast<std::size_t>(std::max(threads_, 1)) * 8;
    for (std::size_t begin = 0; begin < count; begin += block) {
      const std::size_t size = std::min(block, count - begin);
      std::vector<Opened> opened(size);
      parallel_for(size, threads_, [&](int, std::size_t i) {
        opened[i] = open_image(candidates[begin + i], preprocessing_);
      });
      for (std::size_t i = 0; i < size; ++i) take(candidates[begin + i], std::move(opened[i]), accepted);
      if (progress_) progress_(accepted_, wanted_);
    }
  }

  std::vector<SkippedImage> skipped;
  std::vector<SkippedImage> repeated;
  QualityCounter quality;

 private:
  void take(const ImageEntry& entry, Opened opened, Accepted& accepted) {
    if (!opened.failure.empty()) {
      quality.add_unreadable(entry.relative_path, opened.failure);
      skipped.push_back({entry.relative_path, std::move(opened.failure)});
      return;
    }
    quality.add(entry.relative_path, opened.facts);
    const auto [first, is_new] = paths_by_hash_.emplace(opened.sha256, entry.relative_path);
    if (!is_new) {
      quality.add_repeated(entry.relative_path, first->second);
      repeated.push_back({entry.relative_path, first->second});
      if (!keep_repeated_) return;
    }
    accepted.images.push_back({entry, std::move(opened.sha256)});
    ++accepted_;
    // Only an unbroken run of first images is kept, so that an index finds its pixels.
    const std::size_t bytes = opened.pixels.pixels.size();
    if (accepted.pixels.size() + 1 == accepted.images.size() && accepted.pixels.size() < kMostKeptImages &&
        accepted.kept_bytes + bytes <= kMostKeptBytes) {
      accepted.kept_bytes += bytes;
      accepted.pixels.push_back(std::move(opened.pixels));
    }
  }

  Preprocessing preprocessing_;
  int threads_;
  const OpenProgress& progress_;
  std::size_t wanted_, accepted_ = 0;
  bool keep_repeated_;
  std::unordered_map<std::string, std::string> paths_by_hash_;  ///< Of what was accepted.
};

/// Opens a list and fills its gaps from the spare images, from `next_spare` on.
Accepted open_list(const std::vector<ImageEntry>& list, const SpareImages& spare, std::size_t& next_spare,
                   Opener& opener) {
  Accepted accepted;
  opener.open(list.data(), list.size(), accepted);
  while (accepted.images.size() < list.size() && next_spare < spare.size()) {
    const std::size_t count = std::min(list.size() - accepted.images.size(), spare.size() - next_spare);
    std::vector<ImageEntry> candidates;
    for (std::size_t i = 0; i < count; ++i) candidates.push_back(spare[next_spare + i]);
    opener.open(candidates.data(), count, accepted);
    next_spare += count;
  }
  return accepted;
}

/// The first images of the calibration, for a verification that has none of its own.
Accepted first_of(const Accepted& calibration, std::size_t count) {
  Accepted result;
  result.images.assign(
      calibration.images.begin(),
      calibration.images.begin() + static_cast<std::ptrdiff_t>(std::min(count, calibration.images.size())));
  const std::size_t kept = std::min(count, calibration.pixels.size());
  result.pixels.assign(calibration.pixels.begin(),
                       calibration.pixels.begin() + static_cast<std::ptrdiff_t>(kept));
  return result;
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

Image read_image(const std::filesystem::path& path, const DecodeOptions& options) {
  return decode_image(read_image_file(path), path.string(), options);
}

ImageSource::ImageSource(std::vector<UsedImage> images, std::vector<Image> pixels,
                         Preprocessing preprocessing)
    : images_(std::move(images)), pixels_(std::move(pixels)), preprocessing_(std::move(preprocessing)) {}

Sample ImageSource::load(std::size_t index) const {
  const ImageEntry& entry = images_.at(index).entry;
  Tensor tensor = index < pixels_.size()
                      ? normalize(pixels_[index], preprocessing_)
                      : preprocess(read_image(entry.path, {preprocessing_.exif_orientation}), preprocessing_);
  Sample sample;
  sample.inputs.emplace("", std::move(tensor));
  sample.label = entry.label;
  return sample;
}

ImageSamples open_samples(const Selection& selection, const SelectionRequest& request,
                          const Preprocessing& preprocessing, int threads, const OpenProgress& progress) {
  Opener opener(preprocessing, threads, progress,
                selection.calibration.size() + selection.verification.size());
  std::size_t next_spare = 0;
  Accepted calibration = open_list(selection.calibration, selection.spare, next_spare, opener);
  Accepted verification = open_list(selection.verification, selection.spare, next_spare, opener);
  if (calibration.images.empty() && verification.images.empty()) {
    if (opener.skipped.empty())
      throw Error(ErrorCode::dataset, "no image was asked for: raise --num-calib-samples");
    throw Error(ErrorCode::dataset,
                fmt::format("none of {} images can be read; the first is {}: {}", opener.skipped.size(),
                            opener.skipped[0].relative_path, opener.skipped[0].reason));
  }
  if (calibration.images.empty() && request.num_calibration > 0) std::swap(calibration, verification);
  ImageSamples samples;
  samples.skipped = std::move(opener.skipped);
  samples.repeated = std::move(opener.repeated);
  samples.quality = std::move(opener.quality);
  if (verification.images.empty() && request.num_verification > 0) {
    verification = first_of(calibration, request.num_verification);
    samples.verification_overlaps = true;
  }
  samples.calibration = std::make_shared<ImageSource>(std::move(calibration.images),
                                                      std::move(calibration.pixels), preprocessing);
  samples.verification = std::make_shared<ImageSource>(std::move(verification.images),
                                                       std::move(verification.pixels), preprocessing);
  note_shortage(request, samples);
  return samples;
}

ImageSamples open_listed(const SampleList& list, const DatasetListing& listing, bool follow_links,
                         const Preprocessing& preprocessing, int threads, const OpenProgress& progress) {
  Opener opener(preprocessing, threads, progress, list.calibration.size() + list.verification.size(), true);
  const auto open = [&](const std::vector<ListedSample>& listed) {
    std::vector<ImageEntry> entries;
    for (const ListedSample& sample : listed) entries.push_back(find_listed(sample, listing, follow_links));
    Accepted accepted;
    opener.open(entries.data(), entries.size(), accepted);
    if (!opener.skipped.empty())
      throw Error(ErrorCode::dataset, opener.skipped[0].reason, opener.skipped[0].relative_path);
    for (std::size_t i = 0; i < listed.size(); ++i) {
      if (!listed[i].sha256.empty() && listed[i].sha256 != accepted.images[i].sha256) {
        throw Error(ErrorCode::dataset,
                    "is not the file that the list of samples names: its SHA-256 is another", listed[i].path);
      }
    }
    return accepted;
  };
  Accepted calibration = open(list.calibration);
  Accepted verification = open(list.verification);
  ImageSamples samples;
  if (verification.images.empty()) {
    verification = first_of(calibration, calibration.images.size());
    samples.verification_overlaps = true;
  }
  std::unordered_set<std::string> calibrating;
  for (const UsedImage& image : calibration.images) calibrating.insert(image.entry.relative_path);
  for (const UsedImage& image : verification.images)
    samples.verification_overlaps |= calibrating.contains(image.entry.relative_path);
  samples.quality = std::move(opener.quality);
  samples.calibration = std::make_shared<ImageSource>(std::move(calibration.images),
                                                      std::move(calibration.pixels), preprocessing);
  samples.verification = std::make_shared<ImageSource>(std::move(verification.images),
                                                       std::move(verification.pixels), preprocessing);
  return samples;
}

}  // namespace calib8
