#include <fmt/format.h>

#include "discover/layouts/layouts.h"

namespace calib8 {
namespace {

/// Folders that are part of a layout, and so no class of their own.
constexpr std::array<std::string_view, 9> kReservedNames = {
    "val", "valid", "validation", "test", "train", "images", "labels", "annotations", "output"};

bool find_classes_of(Search& search, std::string_view split) {
  search.places.push_back(fmt::format("{}/<class>/", split));
  const Folder* folder = search.reader.find(std::string(split));
  if (folder == nullptr || !collect_classes(search, *folder, folder->subfolders)) return false;
  search.listing.layout = fmt::format("classification: {}/<class>", split);
  note_training_data(search, fmt::format("{}/", split));
  return true;
}

}  // namespace

bool find_classes_of_held_out_split(Search& search) {
  for (const std::string_view split : kSplits) {
    if (split != "train" && find_classes_of(search, split)) return true;
  }
  return false;
}

bool find_classes_of_train(Search& search) {
  return find_classes_of(search, "train");
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

std::string hint_of_classes(const Search& search) {
  for (const std::string_view split : kSplits) {
    std::error_code error;
    const auto folder = search.reader.root() / split;
    if (split == "train" || !std::filesystem::is_directory(folder, error)) continue;
    // Two folders that aren't a detection layout's: classes, in all likelihood.
    std::size_t classes = 0;
    for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end && classes < 2;
         entry.increment(error)) {
      const std::string name = entry->path().filename().string();
      if (!name.starts_with('.') && entry->is_directory(error) && name != "images" && name != "labels")
        ++classes;
    }
    if (classes > 1) return fmt::format("{}/<class>", split);
  }
  return {};
}

}  // namespace calib8
