#include "base/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "base/interrupt.h"

namespace calib8 {

int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

void parallel_for(std::size_t count, int threads, const std::function<void(int, std::size_t)>& body) {
  std::atomic<std::size_t> next{0};
  std::atomic<bool> stopped{false};
  std::exception_ptr first_failure;
  std::mutex failure_mutex;

  const auto work = [&](int worker) {
    try {
      while (!stopped) {
        const std::size_t index = next++;
        if (index >= count) return;
        throw_if_interrupted();
        body(worker, index);
      }
    } catch (...) {  // handed to the caller below
      const std::lock_guard lock(failure_mutex);
      if (!first_failure) first_failure = std::current_exception();
      stopped = true;
    }
  };

  const int workers =
      static_cast<int>(std::min<std::size_t>(std::max(threads, 1), std::max<std::size_t>(count, 1)));
  std::vector<std::jthread> others;
  try {
    for (int worker = 1; worker < workers; ++worker) others.emplace_back(work, worker);
  } catch (const std::system_error&) {
    // The system gives no more threads: those that there are do the work.
  }
  work(0);
  others.clear();  // joins
  if (first_failure) std::rethrow_exception(first_failure);
}

}  // namespace calib8
