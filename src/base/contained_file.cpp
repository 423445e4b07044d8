#include "base/contained_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "base/mapped_file.h"
#include "calib8/error.h"

namespace calib8 {
namespace {

[[noreturn]] void refuse(std::string_view path, const std::string& message) {
  throw Error(ErrorCode::model, message, "external file '" + std::string(path) + "'");
}

std::vector<std::string> parts_of(std::string_view path) {
  if (path.empty()) refuse(path, "has no name");
  if (path.front() == '/') refuse(path, "is an absolute path; a model may only name files in its own folder");
  if (const std::size_t odd = path.find_first_of(std::string_view("\0\\", 2));
      odd != std::string_view::npos) {
    refuse(path.substr(0, odd), "is followed by a character that no file name here may have");
  }
  std::vector<std::string> parts;
  for (std::size_t start = 0; start <= path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    const std::string_view part = path.substr(start, end - start);
    if (part == "..") refuse(path, "leads out of the model's folder");
    if (!part.empty() && part != ".") parts.emplace_back(part);
    start = end + 1;
  }
  if (parts.empty()) refuse(path, "names no file");
  return parts;
}

/// A file descriptor, closed when its last owner goes.
using Descriptor = std::shared_ptr<const int>;

Descriptor open_at(int folder, const char* name, int flags, std::string_view path) {
  const int descriptor = ::openat(folder, name, flags | O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    if (errno == ELOOP)
      refuse(path, "is or lies behind a symbolic link; put the file itself into the model's folder");
    refuse(path, "cannot open: " + std::generic_category().message(errno));
  }
  return Descriptor(new int(descriptor), [](const int* opened) {
    ::close(*opened);
    delete opened;
  });
}

/// A folder within a folder. O_NOFOLLOW with O_DIRECTORY reports a symbolic link as ENOTDIR, so ask what it
/// is.
Descriptor open_folder(int parent, const std::string& name, std::string_view path) {
  struct stat status {};
  if (::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode)) {
    refuse(path, "lies behind a symbolic link; put the file itself into the model's folder");
  }
  return open_at(parent, name.c_str(), O_DIRECTORY | O_NOFOLLOW, path);
}

}  // namespace

Data map_contained_file(const std::filesystem::path& folder, std::string_view relative) {
  const std::vector<std::string> parts = parts_of(relative);
  const std::string start = folder.empty() ? "." : folder.string();
  Descriptor current = open_at(AT_FDCWD, start.c_str(), O_DIRECTORY, relative);
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) current = open_folder(*current, parts[i], relative);
  const Descriptor file = open_at(*current, parts.back().c_str(), O_NOFOLLOW | O_NONBLOCK, relative);

  struct stat status {};
  if (::fstat(*file, &status) != 0)
    refuse(relative, "cannot read: " + std::generic_category().message(errno));
  if (!S_ISREG(status.st_mode)) refuse(relative, "is not a regular file");
  if (status.st_nlink > 1) {
    refuse(relative, "has another hard link, perhaps outside of the model's folder; copy the file");
  }
  if (status.st_size == 0) return {};
  return map_descriptor(*file, static_cast<std::size_t>(status.st_size),
                        "external file '" + std::string(relative) + "'");
}

}  // namespace calib8
