#pragma once

#include <sys/types.h>

#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace calib8 {

/// How a process ended.
struct ProcessEnd {
  int exit_status = 0;  ///< Where no signal ended it.
  int signal = 0;       ///< 0 where none did.

  /// "SIGSEGV", "exit status 1".
  std::string describe() const;
};

/// A program that runs beside this one, with descriptor 3 as its connection to it. It has nothing on its
/// standard input and output, none of the caller's other descriptors, and doesn't get the signals by which a
/// terminal or a supervisor ends a whole group of processes: it ends when the connection does.
class ChildProcess {
 public:
  static constexpr int connection = 3;

  /// Fails with ErrorCode::runtime where it can't be started.
  ChildProcess(const std::filesystem::path& program, const std::vector<std::string>& arguments, int connected,
               int standard_error);
  /// Waits for a process whose connection was ended before, a second at most, then kills it. In a copy of
  /// this process (fork) that isn't its parent, nothing happens.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  void kill();
  /// How it ended; nothing where it still runs after that time, or where somebody else has asked the system
  /// for it.
  std::optional<ProcessEnd> wait(double seconds);

 private:
  pid_t process_ = -1;
  pid_t parent_ = -1;
  std::mutex mutex_;  ///< Guards what follows.
  bool ended_ = false;
  std::optional<ProcessEnd> end_;
};

}  // namespace calib8
