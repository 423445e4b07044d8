#include "base/standard_error.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace calib8 {
namespace {

std::mutex& capture_mutex() {
  static std::mutex mutex;
  return mutex;
}

constexpr off_t longest_text = 1 << 20;  // bytes; what a library says beyond this is lost

void replace_standard_error(int descriptor) noexcept {
  while (::dup2(descriptor, STDERR_FILENO) < 0 && errno == EINTR) {
  }
}

}  // namespace

StandardErrorCapture::StandardErrorCapture() : lock_(capture_mutex()) {
  saved_ = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  if (saved_ < 0) return;
  memory_ = ::memfd_create("standard error", MFD_CLOEXEC);
  if (memory_ < 0) {
    ::close(std::exchange(saved_, -1));
    return;
  }
  replace_standard_error(memory_);
}

StandardErrorCapture::~StandardErrorCapture() {
  write_standard_error(finish());
}

std::string StandardErrorCapture::finish() {
  if (memory_ < 0) return {};
  replace_standard_error(saved_);
  ::close(std::exchange(saved_, -1));
  const off_t size = std::clamp<off_t>(::lseek(memory_, 0, SEEK_END), 0, longest_text);
  std::string text(static_cast<std::size_t>(size), '\0');
  const ssize_t count = ::pread(memory_, text.data(), text.size(), 0);
  text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  ::close(std::exchange(memory_, -1));
  lock_.unlock();
  return text;
}

}  // namespace calib8
