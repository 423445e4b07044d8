#include "runtime/worker_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <fstream>
#include <system_error>
#include <thread>

#include "base/interrupt.h"
#include "base/parallel.h"
#include "runtime/interpreter.h"
#include "runtime/tiny_model.h"

namespace calib8 {
namespace {

using testing::HasSubstr;

/// Processes of which this one is the parent.
std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(parent) + "/task")) {
    std::ifstream file(entry.path() / "children");
    for (pid_t child = 0; file >> child;) children.push_back(child);
  }
  return children;
}

bool ends_soon(pid_t process) {
  for (int i = 0; i < 300 && ::kill(process, 0) == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return ::kill(process, 0) != 0;
}

/// Stops a process and waits until it has stopped.
void stop(pid_t process) {
  ::kill(process, SIGSTOP);
  int status = 0;
  while (::waitpid(process, &status, WUNTRACED) < 0 || !WIFSTOPPED(status)) {
  }
}

struct RunningModel {
  std::shared_ptr<const LiteRt> litert = open_litert("model.tflite");
  Interpreter interpreter{litert, tiny::file(tiny::sum_and_product()), {.purpose = "calibrating"}};
  pid_t worker = children_of(::getpid()).back();

  /// Signals need not arrive at once.
  Error error_of_run() {
    try {
      for (int run = 0; run < 10000; ++run) interpreter.run(7);
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "no error";
    return Error(ErrorCode::internal, "");
  }
};

TEST(WorkerProcess, CrashIsTheModelsAndNamesWhatRan) {
  for (const auto& [signal, name] :
       {std::pair(SIGSEGV, "SIGSEGV"), {SIGABRT, "SIGABRT"}, {SIGFPE, "SIGFPE"}}) {
    RunningModel running;
    ::kill(running.worker, signal);
    const Error error = running.error_of_run();
    EXPECT_EQ(error.code(), ErrorCode::model);
    EXPECT_EQ(error.where(), "model.tflite");
    EXPECT_EQ(error.message(),
              std::string("the model makes LiteRT crash (") + name + ") while calibrating, sample 7");
  }
}

TEST(WorkerProcess, KillIsTheRuntimesAndOthersWorkOn) {
  RunningModel other;
  {
    RunningModel running;
    ::kill(running.worker, SIGKILL);
    const Error error = running.error_of_run();
    EXPECT_EQ(error.code(), ErrorCode::runtime);
    EXPECT_THAT(error.message(), HasSubstr("was ended (SIGKILL) while calibrating, sample 7"));
    EXPECT_EQ(running.error_of_run().code(), ErrorCode::runtime) << "and again";
  }
  EXPECT_NO_THROW(other.interpreter.run());
}

TEST(WorkerProcess, HangingEndsAtTheLimit) {
  ::setenv("CALIB8_RUNTIME_TIMEOUT", "0.3", 1);
  {
    RunningModel running;
    stop(running.worker);
    const Error error = running.error_of_run();
    EXPECT_EQ(error.code(), ErrorCode::runtime);
    EXPECT_THAT(error.message(), HasSubstr("LiteRT gave no answer for 0.3 s while calibrating, sample 7"));
    EXPECT_THAT(error.message(), HasSubstr("CALIB8_RUNTIME_TIMEOUT"));
    EXPECT_TRUE(ends_soon(running.worker));
  }
  ::unsetenv("CALIB8_RUNTIME_TIMEOUT");
}

TEST(WorkerProcess, PatienceGrowsWithTheModelAndIsTheUsersChoice) {
  EXPECT_EQ(patience_with(0), 120);
  EXPECT_EQ(patience_with(std::size_t{30} << 20), 150);
  ::setenv("CALIB8_RUNTIME_TIMEOUT", "7.5", 1);
  EXPECT_EQ(patience_with(std::size_t{2} << 20), 9.5);
  ::setenv("CALIB8_RUNTIME_TIMEOUT", "0", 1);
  EXPECT_EQ(patience_with(std::size_t{2} << 20), 0);
  for (const char* wrong : {"soon", "-1", "nan", "1e999", "3 s"}) {
    ::setenv("CALIB8_RUNTIME_TIMEOUT", wrong, 1);
    EXPECT_THROW(patience_with(0), Error) << wrong;
  }
  ::unsetenv("CALIB8_RUNTIME_TIMEOUT");
}

TEST(WorkerProcess, CtrlCEndsAWait) {
  const auto code = [] {  // in a process of its own: nobody takes a request back
    RunningModel running;
    stop(running.worker);
    std::jthread later([] {
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      request_interrupt();
    });
    const ErrorCode found = running.error_of_run().code();
    ::kill(running.worker, SIGCONT);
    return found;
  };
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(std::exit(code() == ErrorCode::interrupted ? 0 : 1), ::testing::ExitedWithCode(0), "");
}

TEST(WorkerProcess, AHostProgramsCtrlCEndsAWait) {
  struct Stop {};
  RunningModel running;
  stop(running.worker);
  int asked = 0;
  {
    const InterruptCheck check([&] {
      if (++asked == 3) throw Stop();
    });
    EXPECT_THROW(running.interpreter.run(), Stop);
  }
  EXPECT_EQ(asked, 3);
  EXPECT_NO_THROW(throw_if_interrupted());
  ::kill(running.worker, SIGCONT);
}

TEST(WorkerProcess, IsNotReachedByASignalToTheGroup) {
  RunningModel running;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::kill(running.worker, signal);
  EXPECT_NO_THROW(running.interpreter.run());
}

TEST(WorkerProcess, EndsWithItsParentThoughAForkHoldsTheConnection) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const pid_t parent = ::fork();
  if (parent == 0) {
    RunningModel running;
    const pid_t copy = ::fork();
    if (copy == 0) {
      ::sleep(20);
      ::_exit(0);
    }
    const std::array<pid_t, 2> processes = {running.worker, copy};
    if (::write(ends[1], processes.data(), sizeof processes) < 0) ::_exit(1);
    ::raise(SIGKILL);
  }
  std::array<pid_t, 2> processes{};
  ASSERT_EQ(::read(ends[0], processes.data(), sizeof processes), static_cast<ssize_t>(sizeof processes));
  int status = 0;
  ::waitpid(parent, &status, 0);
  EXPECT_TRUE(ends_soon(processes[0])) << "an orphan";
  ::kill(processes[1], SIGKILL);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(WorkerProcess, ServesAForkOfItsCallerWithAProcessOfItsOwn) {
  RunningModel running;
  const pid_t copy = ::fork();
  if (copy == 0) {
    try {
      RunningModel own;
      own.interpreter.run();
      ::_exit(own.worker != running.worker ? 0 : 2);
    } catch (const Error&) {
      ::_exit(3);
    }
  }
  int status = 0;
  ::waitpid(copy, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_NO_THROW(running.interpreter.run());
}

TEST(WorkerProcess, LeavesNothingBehind) {
  const std::size_t before = children_of(::getpid()).size();
  std::size_t descriptors[2];
  const auto count_descriptors = [] {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  };
  for (std::size_t& count : descriptors) {
    {
      RunningModel running;
    }
    count = count_descriptors();
  }
  EXPECT_EQ(children_of(::getpid()).size(), before);
  EXPECT_EQ(descriptors[0], descriptors[1]);
}

TEST(WorkerProcess, GivesOnlyItsOwnDescriptorsToTheProgram) {
  const int inherited = ::dup(STDERR_FILENO);  // no FD_CLOEXEC
  RunningModel running;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(running.worker) + "/fd")) {
    const std::string target = std::filesystem::read_symlink(entry.path()).string();
    const int number = std::stoi(entry.path().filename());
    if (number < 2) {
      EXPECT_EQ(target, "/dev/null");
    } else if (number == 2) {
      EXPECT_THAT(target, HasSubstr("memfd:calib8"));
    }
    EXPECT_LT(number, 10) << target;
  }
  ::close(inherited);
}

TEST(WorkerProcess, CallersThreadsWorkSideBySide) {
  parallel_for(8, 4, [&](int, std::size_t) {
    const auto litert = open_litert();
    parallel_for(4, 2, [&](int, std::size_t) {
      Interpreter interpreter(litert, tiny::file(tiny::sum_and_product()));
      interpreter.input_as<float>(0)[0] = 2;
      interpreter.run();
      EXPECT_EQ(interpreter.output_as<float>(0)[0], 2);
    });
  });
}

TEST(WorkerProcess, TooFewDescriptorsAreOneClearError) {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const SharedFile file = tiny::file(tiny::sum_and_product());
  // The sanitizer looks at an object's type through a pipe, once: it is to know this one before there is
  // none.
  EXPECT_FALSE(std::generic_category().message(EMFILE).empty());
  int refused = 0;
  for (rlim_t limit = 4; limit < 24; ++limit) {
    const rlimit few{limit, before.rlim_max};
    std::string message;
    ::setrlimit(RLIMIT_NOFILE, &few);
    try {
      Interpreter interpreter(open_litert(), file);
      interpreter.run();
    } catch (const Error& error) {
      message = error.what();
      EXPECT_EQ(error.code(), ErrorCode::runtime) << message;
    }
    ::setrlimit(RLIMIT_NOFILE, &before);
    if (!message.empty()) ++refused;
  }
  EXPECT_GT(refused, 0);
  EXPECT_LT(refused, 20) << "the last has enough";
}

}  // namespace
}  // namespace calib8
