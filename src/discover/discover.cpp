#include "discover/discover.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_set>

#include "base/text.h"
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
  std::string (*hint)(Search&) = nullptr;
};

/// The order of precedence, as discover.h states it: files that say where the data are come before names of
/// folders, data that training has not seen before data that it has.
constexpr std::array<Layout, 13> kLayouts = {{
    {"detection", find_data_yaml, false, true, false, false, hint_of_data_yaml},
    {"detection", find_coco, false, true, false, false, hint_of_coco},
    {"detection", find_yolo_folders, false, true, false, false, hint_of_yolo_folders},
    {"classification", find_classes_of_held_out_split, true, false, false, true, hint_of_classes},
    {"images", find_held_out_list, true, false, true, false, hint_of_list},
    {"classification", find_classes_of_train, true, false, false, true},
    {"classification", find_other_labels, true, false, false, false},
    {"classification", find_classes_alone, true, false, false, true},
    {"images", find_labels_of_flat_images, true, false, true, false},
    {"images", find_flat_images, false, false, true, true},
    {"images", find_train_list, true, false, true, false},
    {"images", find_flat_training, false, false, true, true},
    {"images", find_other_list, true, false, true, false},
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

/// A layout that starts in the searched folder. `labelled`: only one that says more than that there are
/// images.
bool find_layout_here(Search& search, bool labelled) {
  for (const Layout& layout : kLayouts) {
    const bool says_more =
        layout.family != "images" || layout.find == find_held_out_list || layout.find == find_train_list;
    if (!allows(layout, search.type)) continue;
    if (labelled && layout.find == find_flat_images ? !find_flat_held_out(search)
                                                    : (labelled && !says_more) || !layout.find(search))
      continue;
    note_runner_up(search, layout);
    return true;
  }
  return false;
}

std::vector<std::string> folders_of_images(Search& search) {
  std::vector<std::string> folders;
  for (const std::string& name : search.here().subfolders) {
    if (holds_images(search, *search.find(name))) folders.push_back(name);
  }
  return folders;
}

/// A data set in a folder of its own, as archives unpack: unzipped/dataset/... The way goes on as long as one
/// folder alone holds images; among several the first that holds a layout is taken.
bool find_layout_below(Search& search) {
  if (search.type == DatasetKind::images) return false;  // all images below are meant
  constexpr int most_folders_down = 3;
  for (int depth = 0; depth < most_folders_down && search.here().images.empty(); ++depth) {
    const std::string base = search.base;
    const std::vector<std::string> folders = folders_of_images(search);
    for (const std::string& name : folders) {
      search.base = join_path(base, name);
      // Classes whose pictures lie deeper look like a row of folders as well: what holds splits is no class.
      const bool is_certain = folders.size() == 1 || !held_out_splits(search.here().subfolders).empty() ||
                              !training_splits(search.here().subfolders).empty();
      if (!is_certain || !find_layout_here(search, true)) continue;
      if (folders.size() > 1) {
        search.listing.notes.push_back(fmt::format(
            "{}/ is used; {} beside it hold images, too: name the one that is meant with --dataset-dir",
            search.base, plural(folders.size() - 1, "folder", "folders")));
      }
      return true;
    }
    search.base = base;
    if (folders.size() != 1) break;
    search.base = join_path(base, folders.front());
  }
  search.base.clear();
  return false;
}

/// Images are taken without classes while a table beside them seems to hold some.
void note_unused_labels(Search& search) {
  const DatasetListing& listing = search.listing;
  const bool labelled =
      !listing.class_names.empty() || listing.annotations || search.type != DatasetKind::automatic;
  if (labelled || search.reader.options().kind == FileKind::arrays) return;
  const std::string list = hint_of_list(search);
  if (list.empty() || list.ends_with(".txt") || listing.layout.find(list) != std::string::npos) return;
  search.listing.notes.push_back(fmt::format(
      "{} is there too and isn't used: name it with --dataset-dir to take its images and their classes",
      list));
}

bool find_layout(Search& search) {
  if (find_layout_here(search, false) || find_layout_below(search)) return true;
  const bool allowed = search.type == DatasetKind::automatic || search.type == DatasetKind::images ||
                       search.type == DatasetKind::numpy;
  return allowed && find_any_images(search);
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
    const std::string kind = ending.empty() ? " without an ending" : " (." + ending + ")";
    notes.push_back(fmt::format(
        "{}{} left out: {}", plural(count, "file", "files"), kind,
        ending.empty() ? "name them by their format if they are images" : "convert to JPEG or PNG to use"));
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

void note_classes(DatasetListing& listing, std::size_t already_said) {
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
  if (empty > already_said) {
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
                  arrays ? ".npy or .npz file" : "JPEG, PNG, WebP, BMP, TIFF, PNM, GIF, AVIF or HEIC image",
                  found, fmt::join(search.places, ", "), arrays ? "arrays" : "images"),
      folder.string());
}

/// A column that was asked for is one of the table that was taken.
void require_class_column(const Search& search) {
  if (search.class_column.empty()) return;
  const std::vector<std::string>& tables = search.tables_without_class_column;
  throw Error(ErrorCode::usage, fmt::format("no table of images has a column {} (--class-column): {}",
                                            printable(search.class_column),
                                            tables.empty() ? "what was found is " + search.listing.layout
                                                           : fmt::format("{}", fmt::join(tables, "; "))));
}

DatasetListing finish(Search& search) {
  DatasetListing& listing = search.listing;
  listing.root = search.reader.root();
  listing.arrays = search.reader.options().kind == FileKind::arrays;
  drop_repeated(search);
  listing.images.sort();
  listing.images.set_root(listing.root);
  count_in_layout(listing);
  require_class_column(search);
  note_classes(listing, search.classes_without_images_said);
  note_left_out(search.reader.left_out(), listing.notes);
  return std::move(listing);
}

/// A file that describes images, named in place of a folder: how it is known, and where its images may lie.
struct Description {
  std::string_view kind;
  std::array<std::string_view, 3> endings;
  bool (*find)(Search&);
  std::vector<fs::path> (*roots)(const fs::path& file);
};

/// annotations/instances_val.json lies beside its images' folder; so may the lists of meta/.
std::vector<fs::path> own_folder_and_above(const fs::path& file) {
  return {file.parent_path(), file.parent_path().parent_path()};
}

const std::array<Description, 3> kDescriptions = {{
    {"list", {".txt", ".csv", ".tsv"}, find_named_list, own_folder_and_above},
    {"YOLO description",
     {".yaml", ".yml", ""},
     find_data_yaml,
     [](const fs::path& file) { return std::vector{root_of_data_yaml(file)}; }},
    {"COCO description", {".json", "", ""}, find_named_coco, own_folder_and_above},
}};

const Description* description_of(const fs::path& file) {
  const std::string ending = lower_case(file.extension().string());
  for (const Description& description : kDescriptions) {
    if (!ending.empty() && is_one_of(ending, description.endings)) return &description;
  }
  return nullptr;
}

DatasetListing discover_described(const fs::path& named, const Description& description,
                                  const DiscoverOptions& options) {
  std::error_code error;
  const fs::path file = fs::canonical(named, error);
  if (error) throw Error(ErrorCode::dataset, "cannot be opened: " + error.message(), named.string());
  std::vector<std::string> notes;
  for (const fs::path& root : description.roots(file)) {
    Search search{
        FolderReader(root, {FileKind::images, options.follow_links}), options.type, file, {}, {}, {}};
    search.class_column = options.class_column;
    if (description.find(search)) return finish(search);
    if (notes.empty()) notes = search.listing.notes;
    if (holds_images(search, search.here())) break;  // what it names elsewhere leads out of the data
  }
  throw Error(
      ErrorCode::dataset,
      fmt::format("the {} names no image that is there{}; its paths are taken relative to its folder",
                  description.kind, notes.empty() ? "" : fmt::format(" ({})", fmt::join(notes, "; "))),
      named.string());
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
    if (const Description* description = description_of(folder))
      return discover_described(folder, *description, options);
    if (is_file_of(FileKind::arrays, folder.filename().string())) return discover_array(folder);
  }
  const FileKind kind = options.type == DatasetKind::numpy ? FileKind::arrays : FileKind::images;
  Search search{FolderReader(folder, {kind, options.follow_links}), options.type, {}, {}, {}, {}};
  search.class_column = options.class_column;
  if (find_layout(search)) {
    note_unused_labels(search);
    return finish(search);
  }
  if (options.type != DatasetKind::automatic || search.reader.left_out().array_files == 0)
    fail_without_images(search, folder);
  return discover_dataset(folder, {DatasetKind::numpy, options.follow_links});
}

}  // namespace calib8
