#include "write/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "calib8/error.h"

namespace calib8 {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view suffix = ".calib8.tmp";
constexpr mode_t everyone_may = 0666;  // less the umask, as for any new file

std::string reason(int error_number) {
  return std::generic_category().message(error_number);
}

fs::path folder_of(const fs::path& target) {
  return target.has_parent_path() ? target.parent_path() : fs::path(".");
}

std::string prefix_of(const fs::path& target) {
  return fmt::format(".{}.", target.filename().string());
}

/// Whether this is a name that AtomicFile gives: <prefix><digits>-<digits><suffix>.
bool is_temporary_name(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix) || !name.ends_with(suffix) || name.size() < prefix.size() + suffix.size())
    return false;
  const std::string_view middle = name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
  return !middle.empty() && middle.find_first_not_of("0123456789-") == std::string_view::npos;
}

/// Removes temporary files for this target that nobody holds. A living writer holds a lock on its file, which
/// ends with its process in whatever way that ends. Where files are being put in place, their folder is
/// locked and the old ones have such names: then nothing is removed.
void remove_stale_temporaries(const fs::path& target) {
  const int folder = ::open(folder_of(target).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0 || (::flock(folder, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)) {
    if (folder >= 0) ::close(folder);
    return;
  }
  const std::string prefix = prefix_of(target);
  std::error_code failure;
  std::vector<fs::path> found;
  for (fs::directory_iterator entry(folder_of(target), failure), end; !failure && entry != end;
       entry.increment(failure)) {
    if (is_temporary_name(entry->path().filename().string(), prefix)) found.push_back(entry->path());
  }
  for (const fs::path& path : found) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0) continue;
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) ::unlink(path.c_str());
    ::close(descriptor);
  }
  ::close(folder);
}

}  // namespace

AtomicFile::AtomicFile(const fs::path& target) : target_(behind_links(target)) {
  if (!target_.has_filename()) fail("an output needs a file name, not only a folder");
  std::error_code failure;
  const fs::file_status status = fs::status(target_, failure);
  if (fs::is_directory(status)) fail("is a folder, an output needs a file name");
  if (fs::exists(status) && !fs::is_regular_file(status)) fail("is not a regular file and would be replaced");
  fs::create_directories(folder_of(target_), failure);
  if (failure) fail(fmt::format("cannot make its folder: {}", failure.message()));
  remove_stale_temporaries(target_);
  create_temporary();
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : target_(std::move(other.target_)),
      temporary_(std::exchange(other.temporary_, {})),
      descriptor_(std::exchange(other.descriptor_, -1)),
      hash_(std::move(other.hash_)),
      digest_(std::move(other.digest_)),
      in_place_(std::exchange(other.in_place_, false)) {}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  if (descriptor_ >= 0) ::close(descriptor_);
}

void AtomicFile::fail(const std::string& what) const {
  throw Error(ErrorCode::output, what, target_.string());
}

void AtomicFile::create_temporary() {
  static std::atomic<unsigned> counter{0};
  while (true) {
    const fs::path path =
        folder_of(target_) / fmt::format("{}{}-{}{}", prefix_of(target_), ::getpid(), ++counter, suffix);
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, everyone_may);
    if (descriptor < 0) {
      if (errno == EEXIST || errno == EINTR) continue;  // left by an earlier process with the same number
      fail(fmt::format("cannot write in its folder: {}", reason(errno)));
    }
    // Says that this file is in use. Where the file system knows no locks, nobody can take it for a stale one
    // either.
    while (::flock(descriptor, LOCK_EX) != 0 && errno == EINTR) {
    }
    struct stat status {};
    if (::fstat(descriptor, &status) == 0 && status.st_nlink > 0) {
      temporary_ = path;
      descriptor_ = descriptor;
      return;
    }
    ::close(descriptor);  // another process took it for a stale one before the lock: once more
  }
}

void AtomicFile::write(ByteView bytes) {
  if (!digest_.empty()) throw Error(ErrorCode::internal, "is written to after its end", target_.string());
  hash_.add(bytes);
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(fmt::format("cannot be written: {}", reason(errno)));
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void AtomicFile::finish() {
  if (!digest_.empty()) throw Error(ErrorCode::internal, "is ended twice", target_.string());
  if (::fsync(descriptor_) != 0) fail(fmt::format("cannot be written: {}", reason(errno)));
  digest_ = hash_.finish();
}

void AtomicFile::commit() {
  finish();
  commit_together(std::span(this, 1));
}

}  // namespace calib8
