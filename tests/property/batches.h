#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace calib8::property {

/// A graph that doesn't hold.
struct Failure {
  std::uint64_t seed = 0;
  std::string what;
};

struct BatchResults {
  std::vector<Failure> failures;
  std::vector<std::string> notes;  ///< What the processes said at their ends, a line each.
};

/// Runs each seed in a process that serves some of them, so that one which the runtime doesn't survive, or
/// that takes longer than a minute, is known and the next go on. `run` throws where a graph doesn't hold;
/// `note` says at the end of a process what it has seen.
BatchResults run_in_processes(const std::vector<std::uint64_t>& seeds, int processes,
                              const std::function<void(std::uint64_t)>& run,
                              const std::function<std::string()>& note);

}  // namespace calib8::property
