#include "samples/spool_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "calib8/error.h"

namespace calib8 {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorCode::dataset, what + ": " + std::generic_category().message(errno) +
                                      "; set TMPDIR to a folder with room for all samples as float32");
}

}  // namespace

SpoolFile::~SpoolFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void SpoolFile::append(ByteView bytes) {
  if (descriptor_ < 0) {
    std::error_code error;
    const std::filesystem::path folder = std::filesystem::temp_directory_path(error);
    if (error) {
      throw Error(ErrorCode::dataset, "TMPDIR names no folder that can be used: " + error.message());
    }
    std::string name = (folder / "calib8_arrays_XXXXXX").string();
    descriptor_ = ::mkostemp(name.data(), O_CLOEXEC);
    if (descriptor_ < 0) fail("no temporary file for arrays can be made (" + name + ")");
    ::unlink(name.c_str());
  }
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) fail("arrays can't be put into the temporary folder");
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    size_ += static_cast<std::uint64_t>(count);
  }
}

void SpoolFile::read(std::uint64_t offset, std::span<std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = ::pread(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) fail("arrays can't be read back from the temporary folder");
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

}  // namespace calib8
