#include "base/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "calib8/error.h"

namespace calib8 {
namespace {

constexpr std::size_t buffer_size = 1 << 16;

/// errno of the failure, 0 where all was written.
int write_all(int descriptor, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t count = ::write(descriptor, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return 0;
}

}  // namespace

void fill_closed_standard_streams() noexcept {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) >= 0 || errno != EBADF) continue;
    // In the direction that the stream isn't used in, so that its use still fails. The lowest free number is
    // the stream's own, as those below it are taken.
    while (::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0 && errno == EINTR) {
    }
  }
}

void write_standard_error(std::string_view text) noexcept {
  write_all(STDERR_FILENO, text);
}

void StandardOutput::write(std::string_view text) {
  held_ += text;
  if (held_.size() >= buffer_size) flush();
}

void StandardOutput::flush() {
  const int error = dropped_ ? 0 : write_all(STDOUT_FILENO, held_);
  held_.clear();
  if (error == EPIPE)
    dropped_ = true;
  else if (error != 0)
    throw Error(ErrorCode::output, "cannot be written: " + std::generic_category().message(error),
                "standard output");
}

void write_standard_output(std::string_view text) {
  StandardOutput output;
  output.write(text);
  output.flush();
}

}  // namespace calib8
