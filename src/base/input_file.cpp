#include "base/input_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace calib8 {

InputFile::InputFile(std::filesystem::path path, ErrorCode code) : path_(std::move(path)), code_(code) {
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor_ < 0) {
    const int reason = errno;
    if (reason == ENXIO) throw Error(code_, "is not a regular file", path_.string());  // a socket
    throw Error(code_, "cannot be opened: " + std::generic_category().message(reason), path_.string());
  }
  struct stat status {};
  const bool known = ::fstat(descriptor_, &status) == 0;
  if (known && S_ISREG(status.st_mode)) {
    size_ = static_cast<std::uint64_t>(status.st_size);
    return;
  }
  ::close(descriptor_);  // a constructor that throws has no destructor
  throw Error(code_, known && S_ISDIR(status.st_mode) ? "is a folder, not a file" : "is not a regular file",
              path_.string());
}

InputFile::~InputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

InputFile::InputFile(InputFile&& other) noexcept
    : path_(std::move(other.path_)),
      code_(other.code_),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_) {}

void InputFile::fail(const std::string& what) const {
  throw Error(code_, what, path_.string());
}

std::size_t InputFile::read_some(std::uint64_t offset, std::span<std::byte> bytes) const {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count =
        ::pread(descriptor_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("cannot be read: " + std::generic_category().message(errno));
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

std::vector<std::byte> InputFile::read_at_most(std::uint64_t offset, std::size_t size) const {
  std::vector<std::byte> bytes(size);
  bytes.resize(read_some(offset, bytes));
  return bytes;
}

std::vector<std::byte> InputFile::read(std::uint64_t offset, std::size_t size) const {
  std::vector<std::byte> bytes(size);
  read(offset, bytes);
  return bytes;
}

void InputFile::read(std::uint64_t offset, std::span<std::byte> bytes) const {
  if (read_some(offset, bytes) != bytes.size()) fail("became shorter while it was read");
}

std::uint64_t InputFile::next_data(std::uint64_t offset) const {
  const off_t next = ::lseek(descriptor_, static_cast<off_t>(offset), SEEK_DATA);
  if (next >= 0) return static_cast<std::uint64_t>(next);
  return errno == ENXIO ? size_ : offset;  // ENXIO: a hole up to the end
}

std::vector<std::byte> read_file(const std::filesystem::path& path, std::uint64_t most_bytes,
                                 ErrorCode code) {
  const InputFile file(path, code);
  if (file.size() > most_bytes) {
    throw Error(code, fmt::format("has {} bytes, over the limit of {}", file.size(), most_bytes),
                path.string());
  }
  return file.read(0, static_cast<std::size_t>(file.size()));
}

}  // namespace calib8
