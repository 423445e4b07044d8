#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace calib8 {

/// A file descriptor that closes itself; -1 is none.
class Descriptor {
 public:
  explicit Descriptor(int value = -1) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return value_; }
  explicit operator bool() const { return value_ >= 0; }

 private:
  int value_;
};

/// The same file under a number above those of the standard streams, which the caller's program may have
/// closed; itself where it is above already. Closed in programs that are started. None where the system has
/// none left.
inline Descriptor above_standard_streams(Descriptor descriptor) {
  if (descriptor.get() > STDERR_FILENO || !descriptor) return descriptor;
  return Descriptor(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

}  // namespace calib8
