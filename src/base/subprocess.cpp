#include "base/subprocess.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <sstream>
#include <string_view>
#include <system_error>

#include "calib8/error.h"

namespace calib8 {
namespace {

[[noreturn]] void fail(const std::filesystem::path& program, int error) {
  throw Error(ErrorCode::runtime, "cannot be started: " + std::generic_category().message(error),
              program.string());
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

std::vector<std::string> environment_without(const std::vector<std::string>& prefixes) {
  std::vector<std::string> kept;
  for (char** variable = environ; *variable; ++variable) {
    const std::string_view text = *variable;
    const bool goes =
        std::ranges::any_of(prefixes, [&](const std::string& prefix) { return text.starts_with(prefix); });
    if (!goes) kept.emplace_back(text);
  }
  return kept;
}

/// As exec takes them; the words must live as long.
std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

Finished run_program(const Command& command) {
  std::array<int, 2> pipe_ends{};
  if (::pipe2(pipe_ends.data(), O_CLOEXEC) != 0) fail(command.program, errno);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addchdir_np(&actions, command.folder.c_str());
  std::vector<std::string> words = {command.program.string()};
  words.insert(words.end(), command.arguments.begin(), command.arguments.end());
  std::vector<std::string> environment = environment_without(command.without_variables);
  pid_t child = 0;
  const int error = ::posix_spawn(&child, command.program.c_str(), &actions, nullptr,
                                  pointers_to(words).data(), pointers_to(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  ::close(pipe_ends[1]);
  if (error != 0) {
    ::close(pipe_ends[0]);
    fail(command.program, error);
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

std::optional<std::filesystem::path> find_python() {
  namespace fs = std::filesystem;
  std::error_code missing;  // a place that can't be looked at has no Python
  std::vector<fs::path> folders = {fs::read_symlink("/proc/self/exe", missing).parent_path()};
  if (const char* environment = std::getenv("VIRTUAL_ENV")) folders.push_back(fs::path(environment) / "bin");
  const char* const searched = std::getenv("PATH");
  std::istringstream path(searched != nullptr ? searched : "/usr/bin:/bin");
  for (std::string folder; std::getline(path, folder, ':');) folders.emplace_back(folder);
  for (const fs::path& folder : folders) {
    if (folder.is_absolute() && ::access((folder / "python3").c_str(), X_OK) == 0) return folder / "python3";
  }
  return std::nullopt;
}

}  // namespace calib8
