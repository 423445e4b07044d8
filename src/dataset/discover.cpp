#include "dataset/discover.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "calib8/error.h"
#include "dataset/folder_reader.h"

namespace calib8 {
namespace {

/// Where a data set's parts lie, best for calibration first: data that training has not seen.
constexpr std::array<std::string_view, 5> kSplits = {"val", "valid", "validation", "test", "train"};

/// Where YOLO's trees keep their images, likewise.
constexpr std::array<std::string_view, 13> kDetectionFolders = {
    "images/val",         "images/valid",        "images/validation", "output/images/val", "images/test",
    "output/images/test", "val/images",          "valid/images",      "validation/images", "test/images",
    "images/train",       "output/images/train", "train/images"};

/// Folders that are part of a layout, and so no class of their own.
constexpr std::array<std::string_view, 9> kReservedNames = {
    "val", "valid", "validation", "test", "train", "images", "labels", "annotations", "output"};

template <std::size_t count>
bool is_one_of(std::string_view word, const std::array<std::string_view, count>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string plural(std::size_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

/// The places tried so far, and what is being put together; `listing.layout` without its numbers.
struct Search {
  FolderReader reader;
  std::vector<std::string> places;
  DatasetListing listing;
  std::vector<std::string> real_paths;  ///< Of each image, with links resolved.
};

/// Takes a folder's images, and those below it where `deep`.
void collect(Search& search, const Folder& folder, bool deep, std::optional<int> label) {
  for (const std::string& name : folder.images) {
    const auto link = folder.links.find(name);
    search.listing.images.push_back({{}, join_path(folder.relative_path, name), label});
    search.real_paths.push_back(link == folder.links.end() ? join_path(folder.real_path, name)
                                                           : link->second);
  }
  if (!deep) return;
  for (const std::string& name : folder.subfolders)
    collect(search, search.reader.subfolder(folder, name), deep, label);
}

/// Takes classes as labels, in their order. False, and nothing taken, where they hold no image.
bool collect_classes(Search& search, const Folder& folder, std::vector<std::string> names) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    collect(search, search.reader.subfolder(folder, names[i]), true, static_cast<int>(i));
  }
  if (search.listing.images.empty()) return false;
  search.listing.class_names = std::move(names);
  return true;
}

/// "classification: val/<class>, 10 classes, 800 images"
void count_in_layout(DatasetListing& listing) {
  if (const std::size_t classes = listing.class_names.size(); classes > 0) {
    listing.layout += ", " + plural(classes, "class", "classes");
  }
  listing.layout += ", " + plural(listing.images.size(), "image", "images");
}

void note_training_data(Search& search, std::string_view folder) {
  if (folder.find("train") == std::string_view::npos) return;
  search.listing.notes.push_back(fmt::format(
      "{}/ is used, for want of val/ or test/: the model was trained on these images, so agreement and "
      "accuracy will look better than they are",
      folder));
}

bool find_detection(Search& search, bool labels_needed) {
  for (const std::string_view place : kDetectionFolders) {
    search.places.push_back(fmt::format("{}/", place));
    const Folder* folder = search.reader.find(std::string(place));
    if (folder == nullptr || folder->images.empty()) continue;
    // Without labels beside it, val/images is rather a class of that name.
    const std::size_t images = place.rfind("/images");
    if (labels_needed && images != std::string_view::npos && place.ends_with("/images") &&
        search.reader.find(std::string(place.substr(0, images)) + "/labels") == nullptr) {
      continue;
    }
    collect(search, *folder, true, std::nullopt);
    search.listing.layout = fmt::format("detection: {}", place);
    note_training_data(search, place);
    return true;
  }
  return false;
}

bool find_classes_of_split(Search& search) {
  for (const std::string_view split : kSplits) {
    search.places.push_back(fmt::format("{}/<class>/", split));
    const Folder* folder = search.reader.find(std::string(split));
    if (folder == nullptr || !collect_classes(search, *folder, folder->subfolders)) continue;
    search.listing.layout = fmt::format("classification: {}/<class>", split);
    note_training_data(search, split);
    return true;
  }
  return false;
}

bool find_classes_alone(Search& search) {
  search.places.push_back("<class>/");
  const Folder& root = *search.reader.find("");
  if (!root.images.empty()) return false;
  std::vector<std::string> names;
  bool holds_images = false;
  for (const std::string& name : root.subfolders) {
    if (is_one_of(name, kReservedNames)) continue;
    names.push_back(name);
    holds_images = holds_images || !search.reader.subfolder(root, name).images.empty();
  }
  if (!holds_images || !collect_classes(search, root, std::move(names))) return false;
  search.listing.layout = "classification: <class>";
  return true;
}

bool find_images(Search& search) {
  search.places.push_back("the folder itself");
  collect(search, *search.reader.find(""), false, std::nullopt);
  if (!search.listing.images.empty()) {
    search.listing.layout = "images: flat folder";
    return true;
  }
  for (const std::string_view split : kSplits) {
    search.places.push_back(fmt::format("{}/", split));
    const Folder* folder = search.reader.find(std::string(split));
    if (folder == nullptr || folder->images.empty()) continue;
    collect(search, *folder, true, std::nullopt);
    search.listing.layout = fmt::format("images: {}", split);
    note_training_data(search, split);
    return true;
  }
  search.places.push_back("all folders below it");
  collect(search, *search.reader.find(""), true, std::nullopt);
  if (search.listing.images.empty()) return false;
  search.listing.layout = "images: found by searching all folders";
  return true;
}

bool find_layout(Search& search, DatasetType type) {
  switch (type) {
    case DatasetType::automatic:
      return find_detection(search, true) || find_classes_of_split(search) || find_classes_alone(search) ||
             find_images(search);
    case DatasetType::classification:
      return find_classes_of_split(search) || find_classes_alone(search);
    case DatasetType::detection:
      return find_detection(search, false);
    case DatasetType::images:
      return find_images(search);
  }
  return false;
}

/// A file that is reached by its own path and by a link, or by two links, is one image.
void drop_repeated(Search& search) {
  std::vector<ImageEntry>& images = search.listing.images;
  std::set<std::string> seen;
  bool linked = false;
  for (std::size_t i = 0; i < images.size(); ++i)
    linked = linked || images[i].relative_path != search.real_paths[i];
  if (!linked) return;
  for (std::size_t i = 0; i < images.size(); ++i) {
    if (images[i].relative_path == search.real_paths[i]) seen.insert(search.real_paths[i]);
  }
  std::vector<ImageEntry> kept;
  for (std::size_t i = 0; i < images.size(); ++i) {
    const bool own = images[i].relative_path == search.real_paths[i];
    if (own || seen.insert(search.real_paths[i]).second) kept.push_back(std::move(images[i]));
  }
  images = std::move(kept);
}

void note_left_out(const LeftOut& left_out, std::vector<std::string>& notes) {
  if (left_out.outside_links > 0) {
    notes.push_back(plural(left_out.outside_links, "symbolic link that leads", "symbolic links that lead") +
                    " out of the folder, or nowhere, left out");
  }
  if (left_out.repeated_links > 0) {
    notes.push_back(plural(left_out.repeated_links, "symbolic link", "symbolic links") +
                    " to folders that are read already left out");
  }
  for (const auto& [ending, count] : left_out.other_files) {
    notes.push_back(fmt::format("{} left out: convert to JPEG or PNG to use",
                                plural(count, "file", "files") + " (." + ending + ")"));
  }
  for (const std::string& folder : left_out.unreadable) notes.push_back("folder left out: " + folder);
}

void note_classes(DatasetListing& listing) {
  if (listing.class_names.empty()) return;
  std::vector<std::size_t> counts(listing.class_names.size());
  for (const ImageEntry& image : listing.images) ++counts[static_cast<std::size_t>(*image.label)];
  const std::size_t empty = static_cast<std::size_t>(std::count(counts.begin(), counts.end(), 0U));
  if (counts.size() - empty == 1) {
    const auto only = std::find_if(counts.begin(), counts.end(), [](std::size_t count) { return count > 0; });
    listing.notes.push_back(
        fmt::format("all images are of one class ({}): calibration will not see what the others do",
                    listing.class_names[static_cast<std::size_t>(only - counts.begin())]));
  }
  if (empty > 0) {
    const auto first = std::find(counts.begin(), counts.end(), 0U);
    listing.notes.push_back(
        fmt::format("{} of {} class folders hold no image, the first is {}", empty, counts.size(),
                    listing.class_names[static_cast<std::size_t>(first - counts.begin())]));
  }
}

[[noreturn]] void fail_without_images(const Search& search, const std::filesystem::path& folder) {
  std::string found;
  std::vector<std::string> notes;
  note_left_out(search.reader.left_out(), notes);
  if (!notes.empty()) found = fmt::format(" ({})", fmt::join(notes, "; "));
  throw Error(
      ErrorCode::dataset,
      fmt::format("no JPEG, PNG, WebP, BMP or TIFF image found{}; looked in {}: put images there, or name another folder with "
                  "--dataset-dir",
                  found, fmt::join(search.places, ", ")),
      folder.string());
}

}  // namespace

DatasetListing discover_dataset(const std::filesystem::path& folder, DatasetType type) {
  Search search{FolderReader(folder), {}, {}, {}};
  if (!find_layout(search, type)) fail_without_images(search, folder);
  drop_repeated(search);
  DatasetListing& listing = search.listing;
  listing.root = search.reader.root();
  std::sort(listing.images.begin(), listing.images.end(),
            [](const ImageEntry& a, const ImageEntry& b) { return a.relative_path < b.relative_path; });
  for (ImageEntry& image : listing.images) image.path = listing.root / image.relative_path;
  count_in_layout(listing);
  note_classes(listing);
  note_left_out(search.reader.left_out(), listing.notes);
  return std::move(listing);
}

}  // namespace calib8
