#include "discover/layouts/search.h"

#include <fmt/format.h>

#include <algorithm>

namespace calib8 {
namespace {

namespace fs = std::filesystem;

void take_file(Search& search, const Folder& folder, const std::string& name, std::optional<int> label) {
  const auto link = folder.links.find(name);
  if (link != folder.links.end()) {
    search.linked.emplace(search.listing.images.size(), link->second);
  } else if (folder.relative_path != folder.real_path) {
    search.linked.emplace(search.listing.images.size(), join_path(folder.real_path, name));
  }
  search.listing.images.add(folder.relative_path, name, label);
}

/// The folder at a path of a list, or null; says whether the path leads out.
const Folder* folder_of(Search& search, const fs::path& folder, bool& outside) {
  const fs::path& root = search.reader.root();
  if (is_within(folder, root)) {
    const std::string relative = folder.lexically_relative(root).string();
    return search.reader.find(relative == "." ? "" : relative);
  }
  std::error_code error;
  const fs::path real = fs::canonical(folder, error);
  if (error) return nullptr;
  outside = !is_within(real, root);
  return search.reader.find_anywhere(real);
}

/// The image of that name, or of that name without its ending; null where there is none.
const std::string* image_named(const Folder& folder, const std::string& name) {
  const auto found = std::ranges::lower_bound(folder.images, name);
  if (found != folder.images.end() && *found == name) return &*found;
  if (is_file_of(FileKind::images, name)) return nullptr;
  const std::string stem = name + '.';
  const auto with_ending = std::ranges::lower_bound(folder.images, stem);
  const bool fits = with_ending != folder.images.end() && with_ending->starts_with(stem) &&
                    with_ending->find('.', stem.size()) == std::string::npos;
  return fits ? &*with_ending : nullptr;
}

}  // namespace

std::string plural(std::size_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

void collect(Search& search, const Folder& folder, bool deep, std::optional<int> label) {
  // Files and folders in one order, a folder as its name with '/': so paths come out sorted.
  std::size_t next = 0;
  if (deep) {
    std::vector<std::pair<std::string, const std::string*>> subfolders;
    for (const std::string& name : folder.subfolders) subfolders.emplace_back(name + '/', &name);
    std::sort(subfolders.begin(), subfolders.end());
    for (const auto& [key, name] : subfolders) {
      for (; next < folder.images.size() && folder.images[next] < key; ++next)
        take_file(search, folder, folder.images[next], label);
      collect(search, search.reader.subfolder(folder, *name), true, label);
    }
  }
  for (; next < folder.images.size(); ++next) take_file(search, folder, folder.images[next], label);
}

bool collect_classes(Search& search, const Folder& folder, std::vector<std::string> names) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (std::ranges::binary_search(folder.subfolders, names[i]))
      collect(search, search.reader.subfolder(folder, names[i]), true, static_cast<int>(i));
  }
  if (search.listing.images.empty()) return false;
  search.listing.class_names = std::move(names);
  return true;
}

bool holds_images(Search& search, const Folder& folder) {
  if (!folder.images.empty()) return true;
  return std::ranges::any_of(folder.subfolders, [&](const std::string& name) {
    return holds_images(search, search.reader.subfolder(folder, name));
  });
}

void note_training_data(Search& search, std::string_view place) {
  search.listing.notes.push_back(
      fmt::format("{} is used, for want of val/ or test/: the model was trained on these images (train), so "
                  "agreement and "
                  "accuracy will look better than they are",
                  place));
}

ListedImage find_listed_image(Search& search, const std::vector<fs::path>& bases, std::string_view path) {
  ListedImage found;
  if (path.empty() || path.find('\0') != std::string_view::npos) return found;
  std::string text(path);
  if (text.find('/') == std::string::npos) std::ranges::replace(text, '\\', '/');  // Windows' paths
  const fs::path whole(text);
  const bool may_be_moved = text.find("..") == std::string::npos;
  for (fs::path rest = whole; !rest.empty();) {
    for (const fs::path& base : bases) {
      const fs::path file = (base / rest).lexically_normal();
      bool leads_out = false;
      const Folder* folder = folder_of(search, file.parent_path(), leads_out);
      found.outside = found.outside || leads_out;
      if (folder == nullptr) continue;
      if (const std::string* name = image_named(*folder, file.filename().string()))
        return {folder, *name, false, rest != whole};
    }
    if (found.outside || !may_be_moved || std::distance(rest.begin(), rest.end()) < 2) break;
    fs::path shorter;
    for (auto part = std::next(rest.begin()); part != rest.end(); ++part) shorter /= *part;
    rest = std::move(shorter);
  }
  return found;
}

bool take_listed(Search& search, const std::vector<fs::path>& bases, std::string_view path,
                 std::optional<int> label, ListedFiles& files) {
  const ListedImage image = find_listed_image(search, bases, path);
  const std::string shown(path.substr(0, 200));
  if (image.folder == nullptr) {
    if ((image.outside ? files.outside : files.missing)++ == 0)
      (image.outside ? files.first_outside : files.first_missing) = shown;
    return false;
  }
  if (image.moved && files.moved++ == 0) files.first_moved = shown;
  take_file(search, *image.folder, image.name, label);
  ++files.taken;
  return true;
}

void note_listed(Search& search, const std::string& list, const ListedFiles& files) {
  if (files.missing > 0) {
    search.listing.notes.push_back(fmt::format("{}: {} not there, the first is {}", list,
                                               plural(files.missing, "image is", "images are"),
                                               files.first_missing));
  }
  if (files.moved > 0) {
    search.listing.notes.push_back(
        fmt::format("{}: {} of another folder and taken by the last parts, the first is {}", list,
                    plural(files.moved, "path is", "paths are"), files.first_moved));
  }
  if (files.outside > 0) {
    search.listing.notes.push_back(
        fmt::format("{}: {} out of the data set's folder and left out, the first is {}: name a folder that "
                    "holds both, or use --follow-links",
                    list, plural(files.outside, "path leads", "paths lead"), files.first_outside));
  }
}

}  // namespace calib8
