#include "base/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <thread>

#include "calib8/error.h"

namespace calib8 {
namespace {

/// What posix_spawn needs beside the program.
class SpawnSettings {
 public:
  SpawnSettings(int connected, int standard_error) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, standard_error, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, connected, ChildProcess::connection);
    posix_spawn_file_actions_addclosefrom_np(&actions_, ChildProcess::connection + 1);

    posix_spawnattr_init(&attributes_);
    sigset_t all;
    sigfillset(&all);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    // Blocked from before its first instruction on, and still when it runs.
    sigset_t blocked;
    sigemptyset(&blocked);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXFSZ, SIGPIPE}) sigaddset(&blocked, signal);
    posix_spawnattr_setsigmask(&attributes_, &blocked);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

/// This process's environment and, where it has none of its own, glibc's wish for huge pages (mallopt's
/// tunable glibc.malloc.hugetlb): an engine touches its arenas and packed weights for the first time again and
/// again, and each page costs a fault.
class Environment {
 public:
  Environment() {
    if (std::getenv("GLIBC_TUNABLES") == nullptr) words_.push_back(huge_pages_.data());
    for (char** word = environ; *word != nullptr; ++word) words_.push_back(*word);
    words_.push_back(nullptr);
  }
  char* const* words() const { return words_.data(); }

 private:
  std::string huge_pages_ = "GLIBC_TUNABLES=glibc.malloc.hugetlb=1";
  std::vector<char*> words_;
};

}  // namespace

std::string ProcessEnd::describe() const {
  if (signal == 0) return "exit status " + std::to_string(exit_status);
  const char* const name = ::sigabbrev_np(signal);
  return name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(signal);
}

ChildProcess::ChildProcess(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                           int connected, int standard_error)
    : parent_(::getpid()) {
  const SpawnSettings settings(connected, standard_error);
  std::vector<char*> words = {const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  const Environment environment;
  const int error = ::posix_spawn(&process_, program.c_str(), settings.actions(), settings.attributes(),
                                  words.data(), environment.words());
  if (error == EAGAIN) {
    throw Error(ErrorCode::runtime,
                "no process for LiteRT can be started: the system's limit of processes is reached",
                program.string());
  }
  if (error != 0) {
    throw Error(ErrorCode::runtime,
                "LiteRT's process can't be started: " + std::generic_category().message(error) +
                    "; install calib8 anew",
                program.string());
  }
}

ChildProcess::~ChildProcess() {
  if (::getpid() != parent_) return;
  wait(1);
  if (ended_) return;
  kill();
  wait(10);
}

void ChildProcess::kill() {
  const std::lock_guard lock(mutex_);
  if (!ended_) ::kill(process_, SIGKILL);  // not waited for yet, so the number is still its own
}

std::optional<ProcessEnd> ChildProcess::wait(double seconds) {
  constexpr std::chrono::microseconds shortest_pause{100}, longest_pause{10000};
  const std::lock_guard lock(mutex_);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  for (auto pause = shortest_pause; !ended_; pause = std::min(pause * 2, longest_pause)) {
    int status = 0;
    const pid_t found = ::waitpid(process_, &status, WNOHANG);
    if (found == process_) {
      ended_ = true;
      end_ = WIFSIGNALED(status) ? ProcessEnd{0, WTERMSIG(status)} : ProcessEnd{WEXITSTATUS(status), 0};
    } else if (found < 0 && errno != EINTR) {
      ended_ = true;  // the host program took the answer, or ignores SIGCHLD
    } else if (std::chrono::steady_clock::now() >= deadline) {
      return std::nullopt;
    } else {
      std::this_thread::sleep_for(pause);
    }
  }
  return end_;
}

}  // namespace calib8
