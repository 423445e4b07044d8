#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <map>
#include <system_error>
#include <thread>
#include <utility>

#include "base/interrupt.h"
#include "calib8/error.h"
#include "write/atomic_file.h"

namespace calib8 {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds longest_wait{60};
constexpr std::chrono::milliseconds wait_step{10};
constexpr int most_links = 40;  // the kernel's own limit

std::string reason(int error_number) {
  return std::generic_category().message(error_number);
}

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

/// A folder that is open, and locked against other processes that commit there.
class LockedFolder {
 public:
  /// A folder that can be written but not read has no descriptor, and so no lock.
  explicit LockedFolder(int descriptor) : descriptor_(descriptor) {}
  ~LockedFolder() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  LockedFolder(LockedFolder&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  LockedFolder(const LockedFolder&) = delete;
  LockedFolder& operator=(const LockedFolder&) = delete;

  /// Fails where another process holds the lock for too long. A file system without locks has none to wait
  /// for.
  void lock(const fs::path& path) const {
    const auto end = std::chrono::steady_clock::now() + longest_wait;
    while (descriptor_ >= 0 && ::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK && errno != EINTR) return;
      throw_if_interrupted();
      if (std::chrono::steady_clock::now() > end)
        throw Error(ErrorCode::output, "another process writes here and doesn't come to an end",
                    path.string());
      std::this_thread::sleep_for(wait_step);
    }
  }
  /// Makes the names in the folder durable; 0, or errno.
  int synchronize() const {
    if (descriptor_ < 0 || ::fsync(descriptor_) == 0) return 0;
    return errno == EINVAL ? 0 : errno;  // EINVAL: a file system whose folders can't be synchronized
  }

 private:
  int descriptor_;
};

/// By what the system knows a folder by, so that two processes lock several in the same order.
using Folders = std::map<std::pair<dev_t, ino_t>, std::pair<fs::path, LockedFolder>>;

Folders open_folders(std::span<const fs::path> paths) {
  Folders folders;
  for (const fs::path& path : paths) {
    LockedFolder folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) continue;  // putting the file there will say so
    folders.try_emplace({status.st_dev, status.st_ino}, path, std::move(folder));
  }
  return folders;
}

}  // namespace

void AtomicFile::put_in_place() {
  if (digest_.empty()) throw Error(ErrorCode::internal, "is put in place before its end", target_.string());
  const char* temporary = temporary_.c_str();
  const char* target = target_.c_str();
  struct stat status {};
  const bool is_there = ::lstat(target, &status) == 0;
  if (is_there && !S_ISREG(status.st_mode)) fail("is not a regular file and would be replaced");
  // Exchanged, not replaced, so that it can be taken back; the old file then has the temporary name.
  if (is_there && ::renameat2(AT_FDCWD, temporary, AT_FDCWD, target, RENAME_EXCHANGE) == 0) {
    in_place_ = true;
    return;
  }
  const bool has_exchange = !is_there || (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP);
  if ((is_there && has_exchange && errno != ENOENT) || ::rename(temporary, target) != 0)
    fail(fmt::format("cannot be put in place: {}", reason(errno)));
  if (is_there) temporary_.clear();  // gone, and nothing is there to take back
  in_place_ = true;
}

void AtomicFile::take_back() noexcept {
  if (!in_place_ || temporary_.empty()) return;
  struct stat status {};
  const bool exchanged = ::lstat(temporary_.c_str(), &status) == 0;
  ::renameat2(AT_FDCWD, target_.c_str(), AT_FDCWD, temporary_.c_str(), exchanged ? RENAME_EXCHANGE : 0);
  in_place_ = false;
}

void AtomicFile::drop_old() noexcept {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
  ::close(std::exchange(descriptor_, -1));
}

void commit_together(std::span<AtomicFile> files) {
  std::vector<fs::path> paths;
  for (const AtomicFile& file : files) paths.push_back(folder_of(file.target_));
  const Folders folders = open_folders(paths);
  for (const auto& [key, folder] : folders) folder.second.lock(folder.first);
  throw_if_interrupted();
  try {
    for (AtomicFile& file : files) file.put_in_place();
  } catch (const Error&) {
    for (auto file = files.rbegin(); file != files.rend(); ++file) file->take_back();
    throw;
  }
  for (AtomicFile& file : files) file.drop_old();
  for (const auto& [key, folder] : folders) {
    if (const int error = folder.second.synchronize(); error != 0)
      throw Error(ErrorCode::output, "cannot make the names in it durable: " + reason(error),
                  folder.first.string());
  }
}

fs::path behind_links(const fs::path& path) {
  std::error_code failure;
  fs::path found = path;
  for (int i = 0; i < most_links; ++i) {
    const fs::path link = fs::read_symlink(found, failure);
    if (failure) return found;        // no link, or nothing
    found = folder_of(found) / link;  // an absolute one takes the folder's place
  }
  return path;
}

bool lead_to_same_file(const fs::path& a, const fs::path& b) {
  std::error_code none;  // a file that isn't there yet is not the same as one that is
  if (fs::equivalent(a, b, none)) return true;
  const auto place = [&](const fs::path& path) {
    const fs::path found = behind_links(path);
    return fs::weakly_canonical(folder_of(found), none) / found.filename();
  };
  return place(a) == place(b);
}

}  // namespace calib8
