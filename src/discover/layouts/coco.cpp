#include <fmt/format.h>

#include <algorithm>

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
    return {index, static_cast<float>((left + right) / 2), static_cast<float>((top + bottom) / 2),
            static_cast<float>(std::max(right - left, 0.0)), static_cast<float>(std::max(bottom - top, 0.0))};
  }

  CocoFile file_;
  std::unordered_map<std::string, std::size_t> pictures_;
};

/// Lower comes first.
int rank_of(const std::string& name) {
  const auto holds = [&](std::string_view part) { return name.find(part) != std::string::npos; };
  const int kind = holds("instances") ? 0 : 1;
  if (holds("val")) return kind;
  if (holds("test")) return 2 + kind;
  return holds("train") ? 6 + kind : 4 + kind;
}

/// Annotation files, relative to the root, best first.
std::vector<std::string> annotation_files(const fs::path& root) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator entry(root / "annotations", error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.ends_with(".json") && !name.starts_with('.')) files.push_back("annotations/" + name);
  }
  std::sort(files.begin(), files.end(), [](const std::string& a, const std::string& b) {
    return std::pair(rank_of(a), a) < std::pair(rank_of(b), b);
  });
  for (const char* split : {"valid", "val", "test", "train"}) {
    const std::string file = std::string(split) + "/_annotations.coco.json";
    if (fs::is_regular_file(root / file, error)) files.push_back(file);
  }
  return files;
}

/// Where the images of annotations/instances_val2017.json may lie.
std::vector<fs::path> image_folders(const fs::path& root, const std::string& file) {
  const fs::path annotations(file);
  if (annotations.filename() == "_annotations.coco.json")
    return {root / annotations.parent_path(), root / annotations.parent_path() / "images"};
  std::string split = annotations.stem().string();
  split = split.substr(split.rfind('_') + 1);  // val2017
  const std::string bare = split.substr(0, split.find_first_of("0123456789"));
  return {root / split,    root / "images" / split, root / bare, root / "images" / bare,
          root / "images", root / "data",           root,        root / "annotations"};
}

bool take_file(Search& search, const std::string& name) {
  CocoFile file = read_coco(search.reader.root() / name);
  if (file.images.empty()) return false;
  ListedFiles files;
  std::vector<std::pair<std::string, std::size_t>> paths;
  const std::vector<fs::path> folders = image_folders(search.reader.root(), name);
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
  const std::vector<std::string> files = annotation_files(search.reader.root());
  if (files.empty()) search.places.emplace_back("annotations/*.json");
  for (const std::string& name : files) {
    search.places.push_back(name);
    if (!take_file(search, name)) continue;
    search.listing.layout = "detection: " + name;
    note_training_data(search, name);
    return true;
  }
  return false;
}

std::string hint_of_coco(const Search& search) {
  const std::vector<std::string> files = annotation_files(search.reader.root());
  return files.empty() ? "" : files[0];
}

}  // namespace calib8
