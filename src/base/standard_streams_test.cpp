#include "base/standard_streams.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "calib8/error.h"

namespace calib8 {
namespace {

/// What a process of its own finds: streams are the whole process's.
int status_in_child(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST(StandardStreams, NoFileGetsTheNumberOfAClosedStream) {
  for (int closed = 0; closed < 8; ++closed) {
    const int status = status_in_child([closed] {
      for (int stream = 0; stream < 3; ++stream) {
        if (closed & 1 << stream) close(stream);
      }
      fill_closed_standard_streams();
      const int next = open("/dev/null", O_RDWR);
      char byte = 0;
      if (next < 3) return 1;
      if ((closed & 1) != 0 && read(STDIN_FILENO, &byte, 1) >= 0) return 2;
      if ((closed & 2) != 0 && write(STDOUT_FILENO, &byte, 1) >= 0) return 3;
      return 0;
    });
    EXPECT_EQ(status, 0) << closed;
  }
}

TEST(StandardStreams, AFullOutputIsAnError) {
  const int status = status_in_child([] {
    dup2(open("/dev/full", O_WRONLY), STDOUT_FILENO);
    try {
      write_standard_output("text");
    } catch (const Error& error) {
      return error.code() == ErrorCode::output ? 0 : 2;
    }
    return 1;
  });
  EXPECT_EQ(status, 0);
}

TEST(StandardStreams, AReaderMayStop) {
  const int status = status_in_child([] {
    signal(SIGPIPE, SIG_IGN);
    int ends[2];
    if (pipe(ends) != 0) return 3;
    close(ends[0]);
    dup2(ends[1], STDOUT_FILENO);
    write_standard_output(std::string(1 << 20, 'x'));
    return 0;
  });
  EXPECT_EQ(status, 0);
}

TEST(StandardStreams, AFullStandardErrorIsNone) {
  const int status = status_in_child([] {
    dup2(open("/dev/full", O_WRONLY), STDERR_FILENO);
    write_standard_error("text");
    return 0;
  });
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace calib8
