#include "array_samples/array_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>

#include "base/interrupt.h"
#include "calib8/error.h"
#include "select/random_numbers.h"
#include "select/shortage.h"

namespace calib8 {
namespace {

/// The rows of a file in a shuffled order that is made as it is used: Fisher and Yates's, of which only the
/// moved places are remembered.
class RowOrder {
 public:
  RowOrder(std::size_t rows, std::uint64_t seed) : left_(rows), random_(seed) {}

  std::optional<std::size_t> next() {
    if (left_ == 0) return std::nullopt;
    const auto place = static_cast<std::size_t>(random_.below(left_));
    const std::size_t row = at(place);
    moved_[place] = at(--left_);
    return row;
  }

 private:
  std::size_t at(std::size_t place) const {
    const auto found = moved_.find(place);
    return found == moved_.end() ? place : found->second;
  }

  std::size_t left_;
  RandomNumbers random_;
  std::unordered_map<std::size_t, std::size_t> moved_;
};

bool is_finite(const std::map<std::string, std::vector<float>>& row) {
  for (const auto& [name, values] : row) {
    if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }))
      return false;
  }
  return true;
}

Digest hash_of(const std::map<std::string, std::vector<float>>& row) {
  Sha256 hash;
  for (const auto& [name, values] : row) hash.add(std::as_bytes(std::span(values)));
  return hash.digest();
}

std::string place_of(const UsedArray& array) {
  if (array.file->rows() == 1) return array.entry.relative_path;
  return fmt::format("{}[{}]", array.entry.relative_path, array.row);
}

/// Rows in a row that may be unusable or repeat others before there is no more to be hoped for: a file can
/// claim any number of them, and take no room on disk.
constexpr std::size_t kMostRejected = 1000;

/// A file that is drawn from.
struct OpenFile {
  ImageEntry entry;
  std::shared_ptr<const ArrayFile> file;
  RowOrder order;
};

class Drawer {
 public:
  Drawer(const DatasetListing& listing, const std::vector<ArrayInput>& inputs, const DrawRequest& request)
      : inputs_(inputs),
        seed_(request.seed),
        wanted_(request.calibration + std::min(request.verification, SIZE_MAX - request.calibration)),
        listed_(listing.images),
        order_(draw_samples(listing, {0, 0, request.seed}).spare) {
    open_files();
  }

  /// The next usable row, or nothing where all are taken.
  std::optional<UsedArray> next() {
    while (!files_.empty() && rejected_ < kMostRejected) {
      throw_if_interrupted();
      if (next_file_ >= files_.size()) next_file_ = 0;
      OpenFile& file = files_[next_file_];
      const std::optional<std::size_t> row = file.order.next();
      if (!row) {
        files_.erase(files_.begin() + static_cast<std::ptrdiff_t>(next_file_));
        if (files_.empty()) open_files();
        continue;
      }
      ++next_file_;
      UsedArray array{file.entry, file.file, *row, {}};
      rejected_ = accept(array) ? 0 : rejected_ + 1;
      if (rejected_ == 0) return array;
    }
    return std::nullopt;
  }

  /// Whether there are rows left that weren't looked at, since so many before them were of no use.
  bool gave_up() const { return rejected_ >= kMostRejected; }

  std::vector<SkippedImage> skipped, repeated;
  bool holds_integers = false, ambiguous = false;

 private:
  /// As many files at a time as calibrate and verify: there needn't be more, as each holds one at least.
  void open_files() {
    while (next_candidate_ < order_.size() && files_.size() < wanted_)
      open(listed_[order_[next_candidate_++]]);
  }

  void open(const ImageEntry& entry) {
    try {
      auto file = std::make_shared<const ArrayFile>(entry.path, inputs_, spool_);
      holds_integers = holds_integers || file->holds_integers();
      ambiguous = ambiguous || file->is_ambiguous();
      RowOrder order(file->rows(), seed_ + files_.size());
      files_.push_back({entry, std::move(file), std::move(order)});
    } catch (const Error& error) {
      if (error.code() != ErrorCode::dataset) throw;
      skipped.push_back({entry.relative_path, error.message()});
    }
  }

  bool accept(UsedArray& array) {
    try {
      const auto values = array.file->read_row(array.row);
      if (!is_finite(values)) {
        skipped.push_back({place_of(array), "holds values that are not finite (NaN or infinity)"});
        return false;
      }
      array.sha256 = hash_of(values);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::dataset) throw;
      skipped.push_back({place_of(array), error.message()});
      return false;
    }
    const auto [first, is_new] = seen_.emplace(array.sha256, place_of(array));
    if (!is_new) repeated.push_back({place_of(array), first->second});
    return is_new;
  }

  const std::vector<ArrayInput>& inputs_;
  std::uint64_t seed_;
  std::size_t wanted_;
  std::shared_ptr<SpoolFile> spool_ = std::make_shared<SpoolFile>();
  const ImageList& listed_;
  std::vector<ImageIndex> order_;
  std::size_t next_candidate_ = 0;
  std::vector<OpenFile> files_;
  std::size_t next_file_ = 0;
  std::size_t rejected_ = 0;  ///< Rows in a row.
  std::map<Digest, std::string> seen_;
};

/// Shapes alone don't tell [8, 8, 8] with channels first from one with channels last.
void warn_of_layout(const std::vector<ArrayInput>& inputs, ArraySamples& samples) {
  const bool first = std::ranges::any_of(inputs, &ArrayInput::channels_first);
  samples.warnings.push_back(
      fmt::format("channels, height and width are equal, so the arrays' layout is a guess: they are read "
                  "with channels {}; "
                  "--array-layout channels-{} reads them the other way",
                  first ? "first, as the model's file has its input" : "last", first ? "last" : "first"));
}

void note_drawn(const DrawRequest& request, bool holds_integers, ArraySamples& samples) {
  samples.notes = shortage_notes(request, sizes_of(samples.sets), samples.sets.overlap, "samples");
  if (holds_integers) {
    samples.warnings.emplace_back(
        "the arrays hold integers, taken as they are: the float model must expect them so, without scaling");
  }
  for (const auto& [list, what] :
       {std::pair(&samples.skipped, "unusable"), {&samples.repeated, "repeated"}}) {
    if (list->empty()) continue;
    samples.warnings.push_back(fmt::format("{} {} {} left out, the first is {} ({}): repair or remove them",
                                           list->size(), what, list->size() == 1 ? "sample" : "samples",
                                           list->front().relative_path, list->front().reason));
  }
  const std::size_t calibrating = samples.sets.calibration->size();
  if (calibrating < kFewSamples) {
    samples.warnings.push_back(
        fmt::format("{} samples calibrate: below {} the ranges are left to chance, add samples or raise "
                    "--num-calib-samples",
                    calibrating, kFewSamples));
  }
}

std::vector<Digest> hashes_of(const std::vector<UsedArray>& arrays) {
  std::vector<Digest> hashes;
  hashes.reserve(arrays.size());
  for (const UsedArray& array : arrays) hashes.push_back(array.sha256);
  return hashes;
}

/// A verification that has no samples of its own gets the first ones of the calibration.
SampleSets<ArrayFileSource> sets_of(std::vector<UsedArray> calibration, std::vector<UsedArray> selection,
                                    std::vector<UsedArray> verification, std::size_t to_verify,
                                    const std::vector<ArrayInput>& inputs) {
  if (verification.empty()) {
    const std::size_t count = std::min(to_verify, calibration.size());
    verification.assign(calibration.begin(), calibration.begin() + static_cast<std::ptrdiff_t>(count));
  }
  const Overlap overlap = find_overlap<Digest>(hashes_of(calibration), hashes_of(verification));
  return {std::make_shared<ArrayFileSource>(std::move(calibration), inputs),
          std::make_shared<ArrayFileSource>(std::move(selection), inputs),
          std::make_shared<ArrayFileSource>(std::move(verification), inputs), overlap};
}

}  // namespace

Sample ArrayFileSource::load(std::size_t index) const {
  const UsedArray& array = arrays_.at(index);
  Sample sample;
  sample.label = array.entry.label;
  auto values = array.file->read_row(array.row);
  if (hash_of(values) != array.sha256) {
    throw Error(ErrorCode::dataset, "was changed while it was in use: its SHA-256 is another",
                array.entry.path);
  }
  for (const ArrayInput& input : inputs_)
    sample.inputs.emplace(input.name, make_tensor(input.shape, std::move(values.at(input.name))));
  return sample;
}

ArraySamples open_array_files(const DatasetListing& listing, const std::vector<ArrayInput>& inputs,
                              const DrawRequest& request) {
  Drawer drawer(listing, inputs, request);
  const auto draw = [&](std::size_t count) {
    std::vector<UsedArray> arrays;
    while (arrays.size() < count) {
      std::optional<UsedArray> array = drawer.next();
      if (!array) break;
      arrays.push_back(std::move(*array));
    }
    return arrays;
  };
  std::vector<UsedArray> calibration = draw(request.calibration), verification = draw(request.verification),
                         selection = draw(request.selection);
  for (UsedArray& array : draw(request.more_verification)) verification.push_back(std::move(array));
  if (calibration.empty()) {
    if (drawer.skipped.empty()) throw Error(ErrorCode::dataset, "no sample was asked for");
    throw Error(ErrorCode::dataset,
                fmt::format("none of {} arrays can be used; the first: {}", drawer.skipped.size(),
                            drawer.skipped[0].reason),
                drawer.skipped[0].relative_path);
  }
  ArraySamples samples;
  samples.sets = sets_of(std::move(calibration), std::move(selection), std::move(verification),
                         request.verification + request.more_verification, inputs);
  samples.skipped = std::move(drawer.skipped);
  samples.repeated = std::move(drawer.repeated);
  note_drawn(request, drawer.holds_integers, samples);
  if (drawer.ambiguous) warn_of_layout(inputs, samples);
  if (drawer.gave_up()) {
    samples.warnings.push_back(
        fmt::format("the last {} samples that were tried are unusable or repeat others, so no more were: add "
                    "samples that differ",
                    kMostRejected));
  }
  return samples;
}

ArraySamples open_listed_arrays(const SampleList& list, const DatasetListing& listing, bool follow_links,
                                const DrawRequest& request, const std::vector<ArrayInput>& inputs) {
  const auto spool = std::make_shared<SpoolFile>();
  std::map<std::string, std::shared_ptr<const ArrayFile>> files;
  const auto open = [&](const std::vector<ListedSample>& listed) {
    std::vector<UsedArray> arrays;
    for (const ListedSample& sample : listed) {
      const ImageEntry entry = find_listed(sample, listing, follow_links);
      auto& file = files[sample.path];
      if (!file) file = std::make_shared<const ArrayFile>(entry.path, inputs, spool);
      const std::size_t row = sample.row.value_or(0);
      if (row >= file->rows())
        throw Error(ErrorCode::dataset, fmt::format("has no sample {}: it holds {}", row, file->rows()),
                    sample.path);
      UsedArray array{entry, file, row, hash_of(file->read_row(row))};
      if (!sample.sha256.empty() && sample.sha256 != to_text(array.sha256)) {
        throw Error(ErrorCode::dataset,
                    "is not the array that the list of samples names: its SHA-256 is another",
                    place_of(array));
      }
      arrays.push_back(std::move(array));
    }
    return arrays;
  };
  std::vector<UsedArray> calibration = open(list.calibration), verification = open(list.verification),
                         selection = open(list.selection);
  require_set_apart<Digest>(hashes_of(selection), hashes_of(calibration), hashes_of(verification),
                            [&](std::size_t index) { return place_of(selection[index]); });
  ArraySamples samples;
  const std::size_t to_verify = request.verification > 0 ? calibration.size() : 0;
  samples.sets =
      sets_of(std::move(calibration), std::move(selection), std::move(verification), to_verify, inputs);
  if (std::ranges::any_of(files, [](const auto& file) { return file.second->is_ambiguous(); }))
    warn_of_layout(inputs, samples);
  samples.notes = overlap_notes(sizes_of(samples.sets), samples.sets.overlap, "samples");
  return samples;
}

}  // namespace calib8
