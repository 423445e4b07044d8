#include "dataset/folder_reader.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>

#include "base/interrupt.h"
#include "calib8/error.h"

namespace calib8 {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 7> kImageEndings = {"jpg", "jpeg", "png", "webp",
                                                           "bmp", "tif",  "tiff"};
constexpr std::array<std::string_view, 4> kOtherEndings = {"gif", "heic", "avif", "jp2"};

std::string lower_case_ending(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  std::string ending(dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1));
  for (char& c : ending) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return ending;
}

template <std::size_t count>
bool is_one_of(std::string_view word, const std::array<std::string_view, count>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_hidden(std::string_view name) {
  return name.starts_with('.') || name == "__MACOSX";
}

/// Whether `path` is `folder` or lies in it; both canonical.
bool is_within(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first == folder.end();
}

}  // namespace

std::string join_path(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : folder + "/" + name;
}

FolderReader::FolderReader(const fs::path& root) {
  std::error_code error;
  root_ = fs::canonical(root, error);
  if (error) {
    throw Error(ErrorCode::dataset, "no such folder: name the images' folder with --dataset-dir",
                root.string());
  }
  if (!fs::is_directory(root_, error)) {
    throw Error(ErrorCode::dataset, "is not a folder: name the images' folder with --dataset-dir",
                root.string());
  }
  const fs::directory_iterator readable(root_, error);
  if (error) throw Error(ErrorCode::dataset, "cannot be read: " + error.message(), root.string());
  read("", "");
}

const Folder* FolderReader::find(const std::string& relative_path) {
  const Folder* folder = &folders_.at("");
  std::size_t begin = 0;
  while (begin < relative_path.size()) {
    const std::size_t end = std::min(relative_path.find('/', begin), relative_path.size());
    const std::string name = relative_path.substr(begin, end - begin);
    if (!std::binary_search(folder->subfolders.begin(), folder->subfolders.end(), name)) return nullptr;
    folder = &subfolder(*folder, name);
    begin = end + 1;
  }
  return folder;
}

const Folder& FolderReader::subfolder(const Folder& parent, const std::string& name) {
  std::string relative_path = join_path(parent.relative_path, name);
  const auto known = folders_.find(relative_path);
  if (known != folders_.end()) return known->second;
  const auto link = parent.links.find(name);
  return read(std::move(relative_path),
              link == parent.links.end() ? join_path(parent.real_path, name) : link->second);
}

const Folder& FolderReader::read(std::string relative_path, std::string real_path) {
  throw_if_interrupted();
  Folder folder{std::move(relative_path), std::move(real_path), {}, {}, {}};
  std::error_code error;
  for (fs::directory_iterator it(root_ / folder.real_path, error), end; !error && it != end;
       it.increment(error)) {
    add(*it, folder);
  }
  if (error) {
    const std::string name = folder.relative_path.empty() ? "." : folder.relative_path;
    left_out_.unreadable.push_back(name + ": " + error.message());
  }
  std::sort(folder.images.begin(), folder.images.end());
  std::sort(folder.subfolders.begin(), folder.subfolders.end());
  return folders_.emplace(folder.relative_path, std::move(folder)).first->second;
}

void FolderReader::add(const fs::directory_entry& entry, Folder& folder) {
  std::string name = entry.path().filename().string();
  std::error_code error;  // what can't be looked up is neither a folder nor a file
  if (is_hidden(name)) return;
  if (entry.is_symlink(error) && !follow(entry, folder)) return;
  if (entry.is_directory(error)) {
    folder.subfolders.push_back(std::move(name));
    return;
  }
  std::string ending = lower_case_ending(name);
  if (is_one_of(ending, kImageEndings)) {
    if (entry.is_regular_file(error)) folder.images.push_back(std::move(name));
  } else if (is_one_of(ending, kOtherEndings)) {
    ++left_out_.other_files[std::move(ending)];
  }
}

/// A link is followed where it leads to something in the root that isn't on its own path, and to a folder
/// only once: folders that link to each other come to an end.
bool FolderReader::follow(const fs::directory_entry& link, Folder& folder) {
  std::error_code error;
  const fs::path target = fs::canonical(link.path(), error);
  if (error || !is_within(target, root_)) {
    ++left_out_.outside_links;
    return false;
  }
  if (fs::is_directory(target, error) &&
      (is_within(root_ / folder.real_path, target) || !followed_.insert(target.string()).second)) {
    ++left_out_.repeated_links;
    return false;
  }
  folder.links[link.path().filename().string()] = target.lexically_relative(root_).string();
  return true;
}

}  // namespace calib8
