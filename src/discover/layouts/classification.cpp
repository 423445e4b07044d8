#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/text.h"
#include "discover/layouts/layouts.h"

namespace calib8 {
namespace {

/// Folders that are part of a layout, and so no class of their own: in small letters.
constexpr std::array<std::string_view, 19> kReservedNames = {"images",
                                                             "labels",
                                                             "annotations",
                                                             "output",
                                                             "masks",
                                                             "mask",
                                                             "imagesets",
                                                             "jpegimages",
                                                             "meta",
                                                             "metadata",
                                                             "gt",
                                                             "imgs",
                                                             "trimaps",
                                                             "ground_truth",
                                                             "groundtruth",
                                                             "segmentationclass",
                                                             "segmentationobject",
                                                             "segmentations",
                                                             "bounding_boxes"};

/// Names of folders that only wrap others, as archives unpack: test/images/<class>,
/// seg_test/seg_test/<class>.
bool wraps(const std::string& outer, const std::string& inner) {
  const std::string name = lower_case(inner);
  return inner == outer || split_of(inner) != SplitKind::none || name == "images" || name == "imgs" ||
         name == "data";
}

/// The folder whose subfolders are a split's classes, and its path in the searched folder.
std::pair<const Folder*, std::string> class_parent(Search& search, const std::string& split) {
  const Folder* folder = search.find(split);
  std::string path = split;
  while (folder->images.empty() && folder->subfolders.size() == 1) {
    const std::string& inner = folder->subfolders.front();
    if (!wraps(path.substr(path.rfind('/') + 1), inner)) break;
    const Folder& below = search.reader.subfolder(*folder, inner);
    if (!below.images.empty() || below.subfolders.empty()) break;
    folder = &below;
    path += "/" + inner;
  }
  return {folder, path};
}

/// The classes as training numbers them, where train/ lies beside a split that shares any with it: those of
/// train/, and behind them what the split alone has. Says where the two differ.
std::vector<std::string> names_by_training(Search& search, const std::string& split,
                                           std::vector<std::string> own) {
  const std::vector<std::string> training = training_splits(search.here().subfolders);
  if (training.empty()) return own;
  const auto [folder, path] = class_parent(search, training.front());
  std::vector<std::string> names = folder->subfolders, additional, lacking;
  std::ranges::set_difference(own, names, std::back_inserter(additional));
  std::ranges::set_difference(names, own, std::back_inserter(lacking));
  // A split that has all of training's classes, and perhaps more, needs no other's numbers.
  if (lacking.size() == names.size() || lacking.empty()) return own;
  std::string note = fmt::format("{}/ and {}/ hold different classes, numbered as in {}/",
                                 search.shown(split), search.shown(path), search.shown(path));
  note +=
      fmt::format(": {}/ lacks {}, the first is {}", search.shown(split), lacking.size(), lacking.front());
  if (!additional.empty()) {
    note += fmt::format("; it alone holds {}, numbered behind them, the first is {}", additional.size(),
                        additional.front());
  }
  search.listing.notes.push_back(note);
  search.classes_without_images_said = lacking.size();
  names.insert(names.end(), additional.begin(), additional.end());
  return names;
}

bool find_classes_of(Search& search, const std::string& split, bool training) {
  const auto [folder, path] = class_parent(search, split);
  // Images/ alone, or data/ beside labels/, is no class.
  const bool is_class = std::ranges::any_of(folder->subfolders, [&](const std::string& name) {
    return !is_one_of(lower_case(name), kReservedNames) && !(name == "data" || name == "Data");
  });
  if (!is_class) return false;
  const std::size_t notes = search.listing.notes.size();
  std::vector<std::string> names = folder->subfolders;
  if (!training) names = names_by_training(search, split, std::move(names));
  if (!collect_classes(search, *folder, std::move(names))) {
    search.listing.notes.resize(notes);
    search.classes_without_images_said = 0;
    return false;
  }
  search.listing.layout = fmt::format("classification: {}/<class>", search.shown(path));
  if (training) note_training_data(search, search.shown(path) + "/");
  return true;
}

/// A folder named like a split, in a row of classes: bus/, car/, train/.
bool is_class_named_as_split(Search& search, const Folder& folder, const std::string& name) {
  const auto splits = std::ranges::count_if(
      folder.subfolders, [](const std::string& other) { return split_of(other) != SplitKind::none; });
  const Folder& own = search.reader.subfolder(folder, name);
  return splits == 1 && folder.subfolders.size() > 1 && own.subfolders.empty() && !own.images.empty();
}

}  // namespace

bool find_classes_of_held_out_split(Search& search) {
  for (const char* place : {"val/<class>/", "valid/<class>/", "validation/<class>/", "test/<class>/"})
    search.places.push_back(search.shown(place));
  return std::ranges::any_of(held_out_splits(search.here().subfolders),
                             [&](const std::string& split) { return find_classes_of(search, split, false); });
}

bool find_classes_of_train(Search& search) {
  search.places.push_back(search.shown("train/<class>/"));
  return std::ranges::any_of(training_splits(search.here().subfolders),
                             [&](const std::string& split) { return find_classes_of(search, split, true); });
}

bool find_classes_alone(Search& search) {
  search.places.push_back(search.shown("<class>/"));
  const Folder& folder = search.here();
  if (!folder.images.empty()) return false;
  std::vector<std::string> names;
  std::size_t holding = 0;
  for (const std::string& name : folder.subfolders) {
    if (is_one_of(lower_case(name), kReservedNames)) continue;
    if (split_of(name) != SplitKind::none && !is_class_named_as_split(search, folder, name)) continue;
    names.push_back(name);
    if (!search.reader.subfolder(folder, name).images.empty()) ++holding;
  }
  // A folder further down that holds one folder of images is rather a way to them than a class.
  if (holding < (search.base.empty() ? 1U : 2U) || !collect_classes(search, folder, std::move(names)))
    return false;
  search.listing.layout = fmt::format("classification: {}", search.shown("<class>"));
  return true;
}

std::string hint_of_classes(Search& search) {
  for (const std::string& split : held_out_splits(search.here().subfolders)) {
    // Two folders that aren't a detection layout's: classes, in all likelihood.
    const Folder* folder = search.find(split);
    const auto classes = std::ranges::count_if(folder->subfolders, [](const std::string& name) {
      return !is_one_of(lower_case(name), kReservedNames);
    });
    if (classes > 1) return search.shown(split) + "/<class>";
  }
  return {};
}

}  // namespace calib8
