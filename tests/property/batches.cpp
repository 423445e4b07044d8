#include "batches.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstring>
#include <new>
#include <stdexcept>

namespace calib8::property {
namespace {

constexpr unsigned seconds_for_one = 60;
constexpr std::size_t seeds_of_process = 100;

void write_line(int descriptor, std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  text += '\n';
  for (std::size_t written = 0; written < text.size();) {
    const ssize_t count = ::write(descriptor, text.data() + written, text.size() - written);
    if (count <= 0) ::_exit(3);
    written += static_cast<std::size_t>(count);
  }
}

struct Process {
  pid_t id = -1;
  int output = -1;
  std::size_t end = 0;                ///< Behind its last seed.
  std::atomic<std::size_t>* current;  ///< In memory that both share: the seed at work.
  std::string text;
};

[[noreturn]] void serve(const Process& process, int output, const std::vector<std::uint64_t>& seeds,
                        const std::function<void(std::uint64_t)>& run,
                        const std::function<std::string()>& note) {
  for (; *process.current < process.end; ++*process.current) {
    const std::uint64_t seed = seeds[*process.current];
    ::alarm(seconds_for_one);
    try {
      run(seed);
    } catch (const std::exception& error) {
      write_line(output, "F" + std::to_string(seed) + " " + error.what());
    }
  }
  write_line(output, "N" + note());
  ::_exit(0);
}

/// Lets a process serve the seeds from `first` on.
void start(Process& process, std::size_t first, const std::vector<std::uint64_t>& seeds,
           const std::function<void(std::uint64_t)>& run, const std::function<std::string()>& note) {
  int ends[2];
  if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
  process.end = std::min(seeds.size(), first + seeds_of_process);
  *process.current = first;
  process.text.clear();
  process.id = ::fork();
  if (process.id < 0) throw std::runtime_error("no process");
  if (process.id == 0) {
    ::close(ends[0]);
    serve(process, ends[1], seeds, run, note);
  }
  ::close(ends[1]);
  process.output = ends[0];
}

void take_lines(const Process& process, BatchResults& results) {
  for (std::size_t begin = 0, end; (end = process.text.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    const std::string line = process.text.substr(begin, end - begin);
    const std::size_t space = line.find(' ');
    if (line.starts_with("F"))
      results.failures.push_back({std::stoull(line.substr(1)), line.substr(space + 1)});
    if (line.starts_with("N")) results.notes.push_back(line.substr(1));
  }
}

/// Waits for a process whose output has ended; returns the seed to go on with, if it has left any.
std::size_t finish(Process& process, const std::vector<std::uint64_t>& seeds, BatchResults& results) {
  ::close(process.output);
  int status = 0;
  ::waitpid(process.id, &status, 0);
  process.id = -1;
  take_lines(process, results);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return process.end;
  const std::string how = WIFSIGNALED(status)
                              ? std::string("the process ended by signal ") + ::strsignal(WTERMSIG(status))
                              : "the process ended with status " + std::to_string(WEXITSTATUS(status));
  results.failures.push_back({seeds[*process.current], how});
  return *process.current + 1;
}

}  // namespace

BatchResults run_in_processes(const std::vector<std::uint64_t>& seeds, int processes,
                              const std::function<void(std::uint64_t)>& run,
                              const std::function<std::string()>& note) {
  BatchResults results;
  const auto count = static_cast<std::size_t>(processes);
  void* shared = ::mmap(nullptr, count * 64, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) throw std::runtime_error("no memory");
  std::vector<Process> all(count);
  for (std::size_t i = 0; i < count; ++i)
    all[i].current = new (static_cast<std::byte*>(shared) + i * 64) std::atomic<std::size_t>(0);
  std::size_t next = 0;
  const auto start_next = [&](Process& process) {
    if (next >= seeds.size()) return;
    start(process, next, seeds, run, note);
    next = process.end;
  };
  for (Process& process : all) start_next(process);
  for (;;) {
    std::vector<pollfd> waiting;
    for (const Process& process : all)
      if (process.id >= 0) waiting.push_back({process.output, POLLIN, 0});
    if (waiting.empty()) break;
    if (::poll(waiting.data(), waiting.size(), -1) < 0) continue;
    for (Process& process : all) {
      const auto ready = std::find_if(waiting.begin(), waiting.end(), [&](const pollfd& entry) {
        return process.id >= 0 && entry.fd == process.output && entry.revents != 0;
      });
      if (ready == waiting.end()) continue;
      char buffer[4096];
      const ssize_t size = ::read(process.output, buffer, sizeof buffer);
      if (size > 0) {
        process.text.append(buffer, static_cast<std::size_t>(size));
        continue;
      }
      const std::size_t left = finish(process, seeds, results), end = process.end;
      if (left < end) {  // what the dead process left undone
        start(process, left, seeds, run, note);
        process.end = end;
      } else {
        start_next(process);
      }
    }
  }
  ::munmap(shared, count * 64);
  std::sort(results.failures.begin(), results.failures.end(),
            [](const Failure& a, const Failure& b) { return a.seed < b.seed; });
  return results;
}

}  // namespace calib8::property
