#include <fmt/format.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <new>
#include <system_error>

#include "base/interrupt.h"
#include "calib8/error.h"
#include "calib8/version.h"
#include "cli/commands.h"

// Exit statuses: 0 done, 1 a bug of calib8's, 2 usage, 3 model file, 4 dataset, 5 gate, 6 LiteRT missing or
// refusing, 7 an output can't be written, 130 Ctrl-C. They are ErrorCode's values.

namespace {

/// The first Ctrl-C asks the running stage to stop and clean up; a second one ends the program where it is.
void stop_on_signal(int) {
  calib8::request_interrupt();
  signal(SIGINT, SIG_DFL);
}

int fail(int status, const std::string& text) {
  fmt::print(stderr, "calib8: {}\n", text);
  return status;
}

int run(int argc, char** argv) {
  CLI::App program{"From a trained PyTorch model to a calibrated, verified int8 TFLite model.", "calib8"};
  program.set_version_flag("--version", "calib8 " + std::string(calib8::version));
  program.require_subcommand(1);
  int status = 0;
  calib8::cli::add_export_command(program, status);
  calib8::cli::add_dataset_command(program, status);
  calib8::cli::add_inspect_command(program, status);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool asked_for = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success);
    if (asked_for) return program.exit(error);  // --help, --version
    return fail(static_cast<int>(calib8::ErrorCode::usage),
                std::string(error.what()) + " (calib8 --help lists what there is)");
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  signal(SIGINT, stop_on_signal);
  signal(SIGTERM, stop_on_signal);
  signal(SIGPIPE, SIG_IGN);
  try {
    return run(argc, argv);
  } catch (const calib8::Error& error) {
    return fail(static_cast<int>(error.code()), error.what());
  } catch (const std::system_error& error) {
    if (error.code() == std::errc::broken_pipe)
      return 0;  // the reader has seen enough: `calib8 inspect ... | head`
    return fail(static_cast<int>(calib8::ErrorCode::output), error.what());
  } catch (const std::bad_alloc&) {
    return fail(static_cast<int>(calib8::ErrorCode::internal), "out of memory");
  } catch (const std::exception& error) {
    return fail(static_cast<int>(calib8::ErrorCode::internal),
                fmt::format("this is a bug of calib8's, please report it: {}", error.what()));
  }
}
