#include "base/parallel.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <vector>

namespace calib8 {
namespace {

TEST(ParallelFor, VisitsEachIndexOnceAndNoWorkerTwiceAtATime) {
  std::vector<std::atomic<int>> visits(1000), busy(4);
  parallel_for(visits.size(), 4, [&](int worker, std::size_t index) {
    EXPECT_EQ(busy[static_cast<std::size_t>(worker)]++, 0);
    ++visits[index];
    --busy[static_cast<std::size_t>(worker)];
  });
  for (const auto& count : visits) EXPECT_EQ(count, 1);
}

TEST(ParallelFor, RethrowsTheFirstFailure) {
  EXPECT_THROW(parallel_for(100, 3,
                            [](int, std::size_t index) {
                              if (index == 5) throw std::runtime_error("five");
                            }),
               std::runtime_error);
}

TEST(ParallelFor, WorksWhereTheSystemGivesNoThread) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(2);  // root has no limit
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_NPROC, &none);
    int done = 0, workers = 0;
    parallel_for(50, 8, [&](int worker, std::size_t) {
      ++done;
      workers = std::max(workers, worker);
    });
    ::_exit(done == 50 && workers == 0 ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace calib8
