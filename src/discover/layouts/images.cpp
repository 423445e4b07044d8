#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "discover/layouts/layouts.h"

namespace calib8 {
namespace {

/// Folders of pictures beside those of their masks or annotations, in small letters.
constexpr std::array<std::string_view, 6> kPictureFolders = {"images", "jpegimages", "imgs",
                                                             "img",    "pictures",   "photos"};

std::string_view family(const Search& search) {
  return search.reader.options().kind == FileKind::arrays ? "arrays" : "images";
}

/// The images of a folder, or of data/ or images/ in it.
bool take_folder(Search& search, std::string name) {
  const Folder* folder = search.find(name);
  if (folder->images.empty()) {
    const auto inner = std::ranges::find_if(folder->subfolders, [](const std::string& below) {
      return lower_case(below) == "data" || is_one_of(lower_case(below), kPictureFolders);
    });
    if (inner == folder->subfolders.end()) return false;
    name += "/" + *inner;
    folder = search.find(name);
    if (folder->images.empty()) return false;
  }
  collect(search, *folder, true, std::nullopt);
  search.listing.layout = fmt::format("{}: {}", family(search), search.shown(name));
  return true;
}

/// The first folder on the way to an image that is training's; empty where there is none.
std::string training_folder_among(const ImageList& images) {
  std::string last;
  for (std::size_t i = 0; i < images.size(); ++i) {
    const std::string path = images.relative_path(i);
    const std::size_t end = std::min(path.rfind('/'), path.size());
    if (path.compare(0, end, last) == 0) continue;
    last = path.substr(0, end == path.size() ? 0 : end);
    for (std::size_t begin = 0; begin < last.size();) {
      const std::size_t slash = std::min(last.find('/', begin), last.size());
      if (split_of(last.substr(begin, slash - begin)) == SplitKind::training) return last.substr(0, slash);
      begin = slash + 1;
    }
  }
  return {};
}

}  // namespace

bool find_flat_images(Search& search) {
  search.places.push_back(search.base.empty() ? "the folder itself" : search.base + "/");
  collect(search, search.here(), false, std::nullopt);
  if (!search.listing.images.empty()) {
    search.listing.layout = fmt::format("{}: flat folder", family(search));
    return true;
  }
  return find_flat_held_out(search);
}

bool find_flat_held_out(Search& search) {
  for (const char* place : {"val/", "valid/", "validation/", "test/"})
    search.places.push_back(search.shown(place));
  return std::ranges::any_of(held_out_splits(search.here().subfolders),
                             [&](const std::string& name) { return take_folder(search, name); });
}

bool find_flat_training(Search& search) {
  search.places.push_back(search.shown("train/"));
  const std::vector<std::string> folders = search.here().subfolders;
  for (const std::string& name : training_splits(folders)) {
    if (!take_folder(search, name)) continue;
    note_training_data(search, search.shown(name) + "/");
    return true;
  }
  return std::ranges::any_of(folders, [&](const std::string& name) {
    return is_one_of(lower_case(name), kPictureFolders) && take_folder(search, name);
  });
}

bool find_any_images(Search& search) {
  search.places.push_back("all folders below it");
  collect(search, search.here(), true, std::nullopt);
  if (search.listing.images.empty()) return false;
  search.listing.layout = fmt::format("{}: found by searching all folders", family(search));
  if (const std::string training = training_folder_among(search.listing.images); !training.empty()) {
    search.listing.notes.push_back(fmt::format(
        "images of {}/ are among those used: the model was trained on them (train), so agreement will look "
        "better than it is",
        training));
  }
  return true;
}

}  // namespace calib8
