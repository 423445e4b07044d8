#include <fmt/format.h>

#include "discover/layouts/layouts.h"

namespace calib8 {
namespace {

/// Where YOLO's trees keep their images, best for calibration first.
constexpr std::array<std::string_view, 13> kFolders = {
    "images/val",         "images/valid",        "images/validation", "output/images/val", "images/test",
    "output/images/test", "val/images",          "valid/images",      "validation/images", "test/images",
    "images/train",       "output/images/train", "train/images"};

/// Where the labels lie: labels/val of images/val, val/labels of val/images.
std::string labels_of(std::string_view place) {
  std::string labels(place);
  labels.replace(labels.rfind("images"), 6, "labels");
  return labels;
}

}  // namespace

bool find_yolo_folders(Search& search) {
  for (const std::string_view place : kFolders) {
    search.places.push_back(fmt::format("{}/", place));
    const Folder* folder = search.reader.find(std::string(place));
    if (folder == nullptr) continue;
    // Without labels, val/images is rather a class of that name, and images/val/<folder> are classes.
    const bool labels_needed = folder->images.empty() || place.ends_with("/images");
    if (labels_needed && search.type == DatasetKind::automatic && !search.reader.find(labels_of(place)))
      continue;
    collect(search, *folder, true, std::nullopt);
    if (search.listing.images.empty()) continue;
    search.listing.layout = fmt::format("detection: {}", place);
    search.listing.annotations = std::make_shared<YoloAnnotations>();
    note_training_data(search, fmt::format("{}/", place));
    return true;
  }
  return false;
}

std::string hint_of_yolo_folders(const Search& search) {
  std::error_code error;
  for (const std::string_view place : kFolders) {
    if (std::filesystem::is_directory(search.reader.root() / place, error) &&
        std::filesystem::is_directory(search.reader.root() / labels_of(place), error))
      return std::string(place);
  }
  return {};
}

}  // namespace calib8
