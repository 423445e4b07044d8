#include "base/subprocess.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "calib8/error.h"

extern char** environ;

namespace calib8 {
namespace {

[[noreturn]] void fail(const std::string& program, int error) {
  throw Error(ErrorCode::internal, "cannot be started: " + std::generic_category().message(error), program);
}

std::string read_to_end(int descriptor) {
  std::string text;
  std::array<char, 4096> block;
  while (true) {
    const ssize_t count = ::read(descriptor, block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return text;
    text.append(block.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace

Finished run_program(const std::vector<std::string>& command) {
  std::array<int, 2> pipe_ends{};
  if (::pipe2(pipe_ends.data(), O_CLOEXEC) != 0) fail(command.front(), errno);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, arguments.front(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(pipe_ends[1]);
  if (error != 0) {
    ::close(pipe_ends[0]);
    fail(command.front(), error);
  }
  Finished finished;
  finished.output = read_to_end(pipe_ends[0]);
  ::close(pipe_ends[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  finished.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return finished;
}

std::filesystem::path find_python() {
  std::error_code missing;  // a place that can't be looked at has no Python
  std::vector<std::filesystem::path> folders = {
      std::filesystem::read_symlink("/proc/self/exe", missing).parent_path()};
  if (const char* environment = std::getenv("VIRTUAL_ENV"))
    folders.push_back(std::filesystem::path(environment) / "bin");
  for (const std::filesystem::path& folder : folders) {
    const std::filesystem::path python = folder / "python3";
    if (std::filesystem::exists(python, missing)) return python;
  }
  return "python3";
}

}  // namespace calib8
