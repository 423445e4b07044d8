#include <fmt/format.h>

#include "dataset/layouts/layouts.h"

namespace calib8 {
namespace {

/// Where YOLO's trees keep their images, best for calibration first.
constexpr std::array<std::string_view, 13> kFolders = {
    "images/val",         "images/valid",        "images/validation", "output/images/val", "images/test",
    "output/images/test", "val/images",          "valid/images",      "validation/images", "test/images",
    "images/train",       "output/images/train", "train/images"};

/// Of val/images: val/labels; without it beside it, val/images is rather a class of that name.
std::string labels_beside(std::string_view place) {
  if (!place.ends_with("/images")) return {};
  return std::string(place.substr(0, place.rfind('/'))) + "/labels";
}

}  // namespace

bool find_yolo_folders(Search& search) {
  for (const std::string_view place : kFolders) {
    search.places.push_back(fmt::format("{}/", place));
    const Folder* folder = search.reader.find(std::string(place));
    if (folder == nullptr || folder->images.empty()) continue;
    const std::string labels = labels_beside(place);
    const bool labels_needed = search.type == DatasetType::automatic && !labels.empty();
    if (labels_needed && search.reader.find(labels) == nullptr) continue;
    collect(search, *folder, true, std::nullopt);
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
    const std::string labels = labels_beside(place);
    const bool is_there = std::filesystem::is_directory(search.reader.root() / place, error);
    if (is_there && (labels.empty() || std::filesystem::is_directory(search.reader.root() / labels, error)))
      return std::string(place);
  }
  return {};
}

}  // namespace calib8
