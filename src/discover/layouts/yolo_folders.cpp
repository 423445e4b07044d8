#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "discover/layouts/layouts.h"

namespace calib8 {
namespace {

/// Where YOLO's trees keep the images of a split.
struct Place {
  std::string images, labels;
  bool training = false;
};

const std::string* folder_named(const std::vector<std::string>& folders, std::string_view lower) {
  const auto found =
      std::ranges::find_if(folders, [&](const std::string& name) { return lower_case(name) == lower; });
  return found == folders.end() ? nullptr : &*found;
}

/// images/<split> beside labels/<split>, in `prefix`.
void add_splits_of_images(Search& search, const std::string& prefix, bool training,
                          std::vector<Place>& places) {
  const Folder* folder = search.find(prefix);
  const std::string* images = folder ? folder_named(folder->subfolders, "images") : nullptr;
  if (images == nullptr) return;
  const std::string path = join_path(prefix, *images);
  const std::vector<std::string>& splits = search.find(path)->subfolders;
  for (const std::string& split : training ? training_splits(splits) : held_out_splits(splits))
    places.push_back({path + "/" + split, join_path(prefix, "labels/" + split), training});
}

/// <split>/images beside <split>/labels.
void add_images_of_splits(Search& search, bool training, std::vector<Place>& places) {
  const std::vector<std::string>& folders = search.here().subfolders;
  for (const std::string& split : training ? training_splits(folders) : held_out_splits(folders)) {
    const std::string* images = folder_named(search.find(split)->subfolders, "images");
    if (images != nullptr) places.push_back({split + "/" + *images, split + "/labels", training});
  }
}

/// Best for calibration first.
std::vector<Place> places_in(Search& search) {
  std::vector<Place> places;
  for (const bool training : {false, true}) {
    add_splits_of_images(search, "", training, places);
    add_splits_of_images(search, "output", training, places);
    add_images_of_splits(search, training, places);
  }
  // All together, as Label Studio exports them.
  if (const std::string* images = folder_named(search.here().subfolders, "images")) {
    if (!search.find(*images)->images.empty()) places.push_back({*images, "labels", false});
  }
  // images/val before images/test, and before output/images/test.
  std::ranges::stable_sort(places, {}, [](const Place& place) {
    const std::string& path = place.images;
    SplitKind kind = SplitKind::none;
    for (std::size_t begin = 0; begin < path.size() && kind == SplitKind::none;) {
      const std::size_t end = std::min(path.find('/', begin), path.size());
      kind = split_of(path.substr(begin, end - begin));
      begin = end + 1;
    }
    return kind;
  });
  return places;
}

}  // namespace

bool find_yolo_folders(Search& search) {
  for (const char* place :
       {"images/val/", "output/images/val/", "val/images/", "images/test/", "images/train/"})
    search.places.push_back(search.shown(place));
  for (const Place& place : places_in(search)) {
    const Folder* folder = search.find(place.images);
    // Without labels, val/images is rather a class of that name, and images/val/<folder> are classes.
    const bool labels_needed = folder->images.empty() || lower_case(place.images).ends_with("images");
    const bool has_split =
        split_of(place.images) != SplitKind::none || place.images.find('/') != std::string::npos;
    if (labels_needed && (search.type == DatasetKind::automatic || !has_split) && !search.find(place.labels))
      continue;
    collect(search, *folder, true, std::nullopt);
    if (search.listing.images.empty()) continue;
    search.listing.layout = fmt::format("detection: {}", search.shown(place.images));
    search.listing.annotations = std::make_shared<YoloAnnotations>();
    if (place.training) note_training_data(search, search.shown(place.images) + "/");
    return true;
  }
  return false;
}

std::string hint_of_yolo_folders(Search& search) {
  for (const Place& place : places_in(search)) {
    if (search.find(place.labels)) return search.shown(place.images);
  }
  return {};
}

}  // namespace calib8
