#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "calib8/error.h"
#include "discover/coco_file.h"
#include "discover/layouts/layouts.h"

namespace calib8 {
namespace {

namespace fs = std::filesystem;

/// The boxes of a COCO file, found by the image's path.
class CocoAnnotations : public Annotations {
 public:
  explicit CocoAnnotations(CocoFile file) : file_(std::move(file)) {}

  void add(std::string relative_path, std::size_t picture) {
    pictures_.emplace(std::move(relative_path), picture);
  }
  std::vector<std::string> class_names() const {
    std::vector<std::string> names;
    for (const CocoFile::Category& category : file_.categories) names.push_back(category.name);
    return names;
  }

  bool has_objects(const ImageEntry& image) const override {
    const auto found = pictures_.find(image.relative_path);
    if (found == pictures_.end()) return false;
    const auto [begin, end] = objects_of(file_.images[found->second].id);
    return begin != end;
  }

  bool is_labelled(const ImageEntry& image) const override { return pictures_.contains(image.relative_path); }

  std::vector<Box> read_boxes(const ImageEntry& image) const override {
    std::vector<Box> boxes;
    const auto found = pictures_.find(image.relative_path);
    if (found == pictures_.end()) return boxes;
    const CocoFile::Picture& picture = file_.images[found->second];
    if (!(picture.width >= 1) || !(picture.height >= 1)) {
      throw Error(ErrorCode::dataset, "its annotations don't say its width and height", image.relative_path);
    }
    const auto [begin, end] = objects_of(picture.id);
    for (auto object = begin; object != end; ++object) boxes.push_back(to_box(*object, picture));
    return boxes;
  }

 private:
  struct ByImage {
    bool operator()(const CocoFile::Object& object, std::int64_t id) const { return object.image < id; }
    bool operator()(std::int64_t id, const CocoFile::Object& object) const { return id < object.image; }
  };
  std::pair<std::vector<CocoFile::Object>::const_iterator, std::vector<CocoFile::Object>::const_iterator>
  objects_of(std::int64_t id) const {
    return std::equal_range(file_.objects.begin(), file_.objects.end(), id, ByImage());
  }

  /// COCO boxes may lie a little out of the picture; they are cut to it.
  Box to_box(const CocoFile::Object& object, const CocoFile::Picture& picture) const {
    const auto share = [](double value, double whole) { return std::clamp(value / whole, 0.0, 1.0); };
    const double left = share(object.left, picture.width), top = share(object.top, picture.height);
    const double right = share(double{object.left} + object.width, picture.width);
    const double bottom = share(double{object.top} + object.height, picture.height);
    const auto category =
        std::lower_bound(file_.categories.begin(), file_.categories.end(), object.category,
                         [](const CocoFile::Category& known, std::int64_t id) { return known.id < id; });
    const auto index = static_cast<int>(category - file_.categories.begin());
    return {index,
            static_cast<float>((left + right) / 2),
            static_cast<float>((top + bottom) / 2),
            static_cast<float>(std::max(right - left, 0.0)),
            static_cast<float>(std::max(bottom - top, 0.0)),
            object.is_crowd,
            false};
  }

  CocoFile file_;
  std::unordered_map<std::string, std::size_t> pictures_;
};

/// Lower comes first.
int rank_of(const std::string& path) {
  const std::string name = lower_case(path);
  const int kind = name.find("instances") != std::string::npos ? 0 : 1;
  if (name.find("val") != std::string::npos) return kind;
  if (name.find("test") != std::string::npos) return 2 + kind;
  return name.find("train") != std::string::npos ? 6 + kind : 4 + kind;
}

bool is_training_file(const std::string& path) {
  return rank_of(path) >= 6;
}

/// The files of a folder that a COCO description may be; a folder of a description an image holds none.
std::vector<std::string> json_files(const fs::path& folder) {
  constexpr std::size_t most = 100;
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (lower_case(name).ends_with(".json") && !name.starts_with('.')) files.push_back(name);
    if (files.size() > most) return {};
  }
  return files;
}

/// Annotation files, relative to the searched folder, best first.
std::vector<std::string> annotation_files(Search& search) {
  std::vector<std::string> files;
  const std::vector<std::string>& folders = search.here().subfolders;
  for (const std::string& folder : folders) {
    const std::string name = lower_case(folder);
    if (name != "annotations" && name != "annotation") continue;
    for (const std::string& file : json_files(search.folder() / folder)) files.push_back(folder + "/" + file);
  }
  std::ranges::sort(files, {}, [](const std::string& file) { return std::pair(rank_of(file), file); });
  std::vector<std::string> splits = held_out_splits(folders);
  // Roboflow's valid/ is what its training validated on; val/ there is somebody's own.
  std::ranges::stable_sort(splits, {},
                           [](const std::string& name) { return lower_case(name) == "valid" ? 0 : 1; });
  for (const std::string& split : training_splits(folders)) splits.push_back(split);
  std::error_code error;
  for (const std::string& split : splits) {
    for (const char* name : {"_annotations.coco.json", "annotations.json", "labels.json", "coco.json"}) {
      if (fs::is_regular_file(search.folder() / split / name, error)) files.push_back(split + "/" + name);
    }
  }
  for (const char* name :
       {"_annotations.coco.json", "annotations.json", "labels.json", "coco.json", "result.json"}) {
    if (fs::is_regular_file(search.folder() / name, error)) files.emplace_back(name);
  }
  return files;
}

/// Where the images of annotations/instances_val2017.json may lie.
std::vector<fs::path> image_folders(const fs::path& root, const std::string& file) {
  const fs::path annotations(file);
  const fs::path folder = root / annotations.parent_path();
  std::string split = annotations.stem().string();
  split = split.substr(split.rfind('_') + 1);  // val2017
  const std::string bare = split.substr(0, split.find_first_of("0123456789"));
  std::vector<fs::path> folders;
  if (annotations.has_parent_path() && split_of(annotations.parent_path().string()) != SplitKind::none)
    folders = {folder, folder / "images", folder / "data"};
  for (const fs::path& place : {root / split, root / "images" / split, root / bare, root / "images" / bare,
                                root / "images", root / "data", root, folder, folder / "images"})
    folders.push_back(place);
  return folders;
}

bool take_file(Search& search, const std::string& name) {
  CocoFile file = read_coco(search.folder() / name);
  if (file.images.empty()) return false;
  ListedFiles files;
  std::vector<std::pair<std::string, std::size_t>> paths;
  const std::vector<fs::path> folders = image_folders(search.folder(), name);
  for (std::size_t i = 0; i < file.images.size(); ++i) {
    const std::string& wanted = file.images[i].file_name;
    if (wanted.empty() || !take_listed(search, folders, wanted, std::nullopt, files)) continue;
    paths.emplace_back(search.listing.images.relative_path(search.listing.images.size() - 1), i);
  }
  note_listed(search, name, files);
  if (files.taken == 0) return false;
  const auto annotations = std::make_shared<CocoAnnotations>(std::move(file));
  for (auto& [path, picture] : paths) annotations->add(std::move(path), picture);
  search.listing.object_names = annotations->class_names();
  search.listing.annotations = annotations;
  return true;
}

}  // namespace

bool find_coco(Search& search) {
  const std::vector<std::string> files = annotation_files(search);
  if (files.empty()) search.places.push_back(search.shown("annotations/*.json"));
  for (const std::string& name : files) {
    search.places.push_back(search.shown(name));
    if (!take_file(search, name)) continue;
    search.listing.layout = "detection: " + search.shown(name);
    if (is_training_file(name)) note_training_data(search, search.shown(name));
    return true;
  }
  return false;
}

bool find_named_coco(Search& search) {
  const std::string name = search.named_file.lexically_relative(search.reader.root()).string();
  search.places.push_back(name);
  if (!take_file(search, name)) return false;
  search.listing.layout = "detection: " + name;
  if (is_training_file(name)) note_training_data(search, name);
  return true;
}

std::string hint_of_coco(Search& search) {
  const std::vector<std::string> files = annotation_files(search);
  return files.empty() ? "" : search.shown(files[0]);
}

}  // namespace calib8
