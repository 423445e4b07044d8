#include "discover/folder_reader.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string_view>
#include <system_error>

#include "base/interrupt.h"
#include "base/text.h"
#include "calib8/error.h"

namespace calib8 {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 18> kImageEndings = {"jpg", "jpeg", "jfif", "jpe",  "png",  "webp",
                                                            "bmp", "dib",  "tif",  "tiff", "ppm",  "pgm",
                                                            "pbm", "pnm",  "gif",  "avif", "heic", "heif"};
/// Pictures and films of formats that aren't read.
constexpr std::array<std::string_view, 26> kOtherEndings = {
    "jp2", "j2k", "jpx", "jxl", "jxr", "psd", "svg", "ico", "tga", "eps", "exr", "hdr", "dds",
    "dcm", "nii", "raw", "cr2", "cr3", "nef", "arw", "dng", "mp4", "avi", "mov", "mkv", "pcx"};

constexpr std::array<std::string_view, 2> kArrayEndings = {"npy", "npz"};

std::string lower_case_ending(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  return lower_case(dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1));
}

template <std::size_t count>
bool is_one_of(std::string_view word, const std::array<std::string_view, count>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// A file without an ending, which no README or LICENSE is.
bool may_be_picture(std::string_view name) {
  return name.find('.') == std::string_view::npos &&
         std::ranges::any_of(name, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_hidden(std::string_view name) {
  return name.starts_with('.') || name == "__MACOSX";
}

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

/// d_type where the file system tells it, else by a look at the entry.
unsigned char type_of(const dirent& entry, DIR* folder) {
  if (entry.d_type != DT_UNKNOWN) return entry.d_type;
  struct stat status {};
  if (::fstatat(::dirfd(folder), entry.d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) return DT_UNKNOWN;
  return static_cast<unsigned char>(IFTODT(status.st_mode));
}

}  // namespace

bool is_file_of(FileKind kind, std::string_view name) {
  const std::string ending = lower_case_ending(name);
  return kind == FileKind::images ? is_one_of(ending, kImageEndings) : is_one_of(ending, kArrayEndings);
}

bool is_within(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first == folder.end();
}

std::string join_path(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : folder + "/" + name;
}

FolderReader::FolderReader(const fs::path& root, const ReadingOptions& options) : options_(options) {
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
  followed_.insert(root_.string());
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

const Folder* FolderReader::find_anywhere(const fs::path& canonical) {
  if (is_within(canonical, root_)) {
    const std::string relative = canonical.lexically_relative(root_).string();
    return find(relative == "." ? "" : relative);
  }
  std::error_code error;
  if (!options_.follow_links || !fs::is_directory(canonical, error)) return nullptr;
  const std::string path = canonical.string();
  const auto known = folders_.find(path);
  return known != folders_.end() ? &known->second : &read(path, path);
}

const Folder& FolderReader::read(std::string relative_path, std::string real_path) {
  throw_if_interrupted();
  Folder folder{std::move(relative_path), std::move(real_path), {}, {}, {}};
  std::vector<std::string> links;
  const std::unique_ptr<DIR, CloseFolder> opened(::opendir((root_ / folder.real_path).c_str()));
  int failure = opened ? 0 : errno;
  while (opened) {
    errno = 0;
    const dirent* entry = ::readdir(opened.get());
    if (!entry) {
      failure = errno;
      break;
    }
    if (is_hidden(entry->d_name)) continue;
    const unsigned char type = type_of(*entry, opened.get());
    if (type == DT_LNK) {
      links.emplace_back(entry->d_name);
    } else {
      add(entry->d_name,
          type == DT_DIR   ? EntryType::folder
          : type == DT_REG ? EntryType::file
                           : EntryType::other,
          folder);
    }
  }
  if (failure != 0) {
    left_out_.unreadable.push_back((folder.relative_path.empty() ? "." : folder.relative_path) + ": " +
                                   std::generic_category().message(failure));
  }
  // In the order of their names: which of two links to one folder is followed must not depend on the disk.
  std::sort(links.begin(), links.end());
  for (const std::string& name : links) follow(name, folder);
  std::sort(folder.images.begin(), folder.images.end());
  std::sort(folder.subfolders.begin(), folder.subfolders.end());
  return folders_.emplace(folder.relative_path, std::move(folder)).first->second;
}

void FolderReader::add(std::string name, EntryType type, Folder& folder) {
  if (type == EntryType::folder) {
    folder.subfolders.push_back(std::move(name));
    return;
  }
  if (is_file_of(options_.kind, name)) {
    if (type == EntryType::file) folder.images.push_back(std::move(name));
  } else if (options_.kind == FileKind::images) {
    std::string ending = lower_case_ending(name);
    if (is_one_of(ending, kOtherEndings) || may_be_picture(name)) ++left_out_.other_files[std::move(ending)];
    if (is_one_of(ending, kArrayEndings)) ++left_out_.array_files;
  }
}

/// A link is followed where it leads to something in the root (or anywhere, where that is wanted) that isn't
/// on its own path, and to a folder only once: folders that link to each other come to an end.
void FolderReader::follow(const std::string& name, Folder& folder) {
  const fs::path here = root_ / folder.real_path;
  std::error_code error;
  const fs::path target = fs::canonical(here / name, error);
  if (error) {
    ++left_out_.broken_links;
    return;
  }
  const bool inside = is_within(target, root_);
  const fs::file_status status = fs::status(target, error);
  if (!inside && !options_.follow_links) {
    if (fs::is_directory(status) || is_file_of(options_.kind, name)) ++left_out_.outside_links;
    return;
  }
  if (fs::is_directory(status) && (is_within(here, target) || !followed_.insert(target.string()).second)) {
    ++left_out_.repeated_links;
    return;
  }
  folder.links[name] = inside ? target.lexically_relative(root_).string() : target.string();
  add(name,
      fs::is_directory(status)      ? EntryType::folder
      : fs::is_regular_file(status) ? EntryType::file
                                    : EntryType::other,
      folder);
}

}  // namespace calib8
