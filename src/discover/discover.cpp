#include "discover/discover.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_set>

#include "calib8/error.h"
#include "discover/layouts/layouts.h"

namespace calib8 {
namespace {

namespace fs = std::filesystem;

/// One layout: how it is found, for which types, and what tells cheaply that it seems to fit.
struct Layout {
  std::string_view family;
  bool (*find)(Search&);
  bool classification, detection, images, numpy;
  std::string (*hint)(const Search&) = nullptr;
};

/// The order of precedence, as discover.h states it: files that say where the data are come before names of
/// folders, data that training has not seen before data that it has.
constexpr std::array<Layout, 10> kLayouts = {{
    {"detection", find_data_yaml, false, true, false, false, hint_of_data_yaml},
    {"detection", find_coco, false, true, false, false, hint_of_coco},
    {"detection", find_yolo_folders, false, true, false, false, hint_of_yolo_folders},
    {"classification", find_classes_of_held_out_split, true, false, false, true, hint_of_classes},
    {"images", find_held_out_list, true, false, true, false, hint_of_list},
    {"classification", find_classes_of_train, true, false, false, true},
    {"classification", find_classes_alone, true, false, false, true},
    {"images", find_flat_images, false, false, true, true},
    {"images", find_train_list, true, false, true, false},
    {"images", find_any_images, false, false, true, true},
}};

bool allows(const Layout& layout, DatasetKind type) {
  switch (type) {
    case DatasetKind::automatic:
      return true;
    case DatasetKind::classification:
      return layout.classification;
    case DatasetKind::detection:
      return layout.detection;
    case DatasetKind::images:
      return layout.images;
    case DatasetKind::numpy:
      return layout.numpy;
  }
  return false;
}

/// Says which other kind of layout the folder seems to have as well.
void note_runner_up(Search& search, const Layout& taken) {
  if (search.type != DatasetKind::automatic) return;
  for (const Layout& other : kLayouts) {
    if (other.hint == nullptr || other.family == taken.family) continue;
    const std::string place = other.hint(search);
    if (place.empty()) continue;
    search.listing.notes.push_back(
        fmt::format("the folder also looks like {} ({}): choose with --dataset-type {}", other.family, place,
                    other.family));
    return;
  }
}

bool find_layout(Search& search) {
  for (const Layout& layout : kLayouts) {
    if (!allows(layout, search.type) || !layout.find(search)) continue;
    note_runner_up(search, layout);
    return true;
  }
  return false;
}

/// A file that is reached by its own path and by a link, or by two links, is one image.
void drop_repeated(Search& search) {
  if (search.linked.empty()) return;
  ImageList& images = search.listing.images;
  std::unordered_set<std::string> seen;
  for (std::size_t i = 0; i < images.size(); ++i) {
    if (!search.linked.contains(i)) seen.insert(images.relative_path(i));
  }
  std::vector<bool> keep(images.size(), true);
  for (std::size_t i = 0; i < images.size(); ++i) {
    const auto link = search.linked.find(i);
    if (link != search.linked.end()) keep[i] = seen.insert(link->second).second;
  }
  images.keep_only(keep);
}

void note_left_out(const LeftOut& left_out, std::vector<std::string>& notes) {
  if (left_out.outside_links > 0) {
    notes.push_back(plural(left_out.outside_links, "symbolic link that leads", "symbolic links that lead") +
                    " out of the folder left out: use --follow-links to follow");
  }
  if (left_out.broken_links > 0) {
    notes.push_back(plural(left_out.broken_links, "symbolic link that leads", "symbolic links that lead") +
                    " nowhere left out");
  }
  if (left_out.repeated_links > 0) {
    notes.push_back(plural(left_out.repeated_links, "symbolic link", "symbolic links") +
                    " to folders that are read already left out");
  }
  for (const auto& [ending, count] : left_out.other_files) {
    notes.push_back(fmt::format("{} left out: convert to JPEG or PNG to use",
                                plural(count, "file", "files") + " (." + ending + ")"));
  }
  constexpr std::size_t most_named = 5;
  for (std::size_t i = 0; i < std::min(left_out.unreadable.size(), most_named); ++i)
    notes.push_back("folder left out: " + left_out.unreadable[i]);
  if (left_out.unreadable.size() > most_named) {
    notes.push_back(fmt::format("{} more folders left out, as they can't be read",
                                left_out.unreadable.size() - most_named));
  }
}

/// "classification: val/<class>, 10 classes, 800 images"
void count_in_layout(DatasetListing& listing) {
  if (const std::size_t classes = listing.class_names.size(); classes > 0)
    listing.layout += ", " + plural(classes, "class", "classes");
  listing.layout += ", " + plural(listing.images.size(), listing.arrays ? "file" : "image",
                                  listing.arrays ? "files" : "images");
}

void note_classes(DatasetListing& listing) {
  if (listing.class_names.empty()) return;
  std::vector<std::size_t> counts(listing.class_names.size());
  for (std::size_t i = 0; i < listing.images.size(); ++i)
    ++counts[static_cast<std::size_t>(*listing.images.label(i))];
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

[[noreturn]] void fail_without_images(const Search& search, const fs::path& folder) {
  std::vector<std::string> notes = search.listing.notes;
  note_left_out(search.reader.left_out(), notes);
  const std::string found = notes.empty() ? "" : fmt::format(" ({})", fmt::join(notes, "; "));
  const bool arrays = search.type == DatasetKind::numpy;
  throw Error(
      ErrorCode::dataset,
      fmt::format("no {} found{}; looked in {}: put {} there, or name another folder with --dataset-dir",
                  arrays ? ".npy or .npz file" : "JPEG, PNG, WebP, BMP or TIFF image", found,
                  fmt::join(search.places, ", "), arrays ? "arrays" : "images"),
      folder.string());
}

DatasetListing finish(Search& search) {
  DatasetListing& listing = search.listing;
  listing.root = search.reader.root();
  listing.arrays = search.reader.options().kind == FileKind::arrays;
  drop_repeated(search);
  listing.images.sort();
  listing.images.set_root(listing.root);
  count_in_layout(listing);
  note_classes(listing);
  note_left_out(search.reader.left_out(), listing.notes);
  return std::move(listing);
}

bool has_ending(const fs::path& path, std::string_view ending) {
  std::string own = path.extension().string();
  for (char& c : own) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return own == ending;
}

/// A .txt or .csv file that is named in place of a folder.
DatasetListing discover_list(const fs::path& file, const DiscoverOptions& options) {
  const fs::path folder = file.has_parent_path() ? file.parent_path() : ".";
  Search search{
      FolderReader(folder, {FileKind::images, options.follow_links}), options.type, file, {}, {}, {}};
  if (!find_named_list(search)) {
    throw Error(
        ErrorCode::dataset,
        fmt::format(
            "the list names no image that is there{}; its paths are taken relative to its folder",
            search.listing.notes.empty() ? "" : fmt::format(" ({})", fmt::join(search.listing.notes, "; "))),
        file.string());
  }
  return finish(search);
}

/// One .npy or .npz file.
DatasetListing discover_array(const fs::path& file) {
  DatasetListing listing;
  std::error_code gone;
  listing.root = fs::canonical(file, gone).parent_path();
  if (gone) throw Error(ErrorCode::dataset, "cannot be opened: " + gone.message(), file.string());
  listing.arrays = true;
  listing.images.set_root(listing.root);
  listing.images.add("", file.filename().string(), std::nullopt);
  listing.layout = "arrays: " + file.filename().string();
  return listing;
}

}  // namespace

DatasetListing discover_dataset(const fs::path& folder, const DiscoverOptions& options) {
  std::error_code error;
  if (fs::is_regular_file(folder, error)) {
    if (has_ending(folder, ".txt") || has_ending(folder, ".csv")) return discover_list(folder, options);
    if (is_file_of(FileKind::arrays, folder.filename().string())) return discover_array(folder);
  }
  const FileKind kind = options.type == DatasetKind::numpy ? FileKind::arrays : FileKind::images;
  Search search{FolderReader(folder, {kind, options.follow_links}), options.type, {}, {}, {}, {}};
  if (find_layout(search)) return finish(search);
  if (options.type != DatasetKind::automatic || search.reader.left_out().array_files == 0)
    fail_without_images(search, folder);
  return discover_dataset(folder, {DatasetKind::numpy, options.follow_links});
}

}  // namespace calib8
