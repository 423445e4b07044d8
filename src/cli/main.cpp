#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <new>
#include <sstream>
#include <string_view>
#include <system_error>

#include "base/standard_streams.h"
#include "calib8/error.h"
#include "calib8/version.h"
#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/help.h"
#include "cli/signals.h"
#include "cli/suggestion.h"

// Exit statuses: 0 done, 1 a bug of calib8's, 2 usage, 3 model file, 4 dataset, 5 gate, 6 LiteRT missing,
// killed or hanging, 7 an output can't be written, 130 Ctrl-C. They are ErrorCode's values.

namespace {

using calib8::ErrorCode;

/// --help and --version are no failures.
int show_help(const CLI::App& program, const CLI::ParseError& error) {
  std::ostringstream text;
  program.exit(error, text, text);
  calib8::write_standard_output(text.str());
  return 0;
}

/// Whether failures are to be told as JSON, as far as that can be known where the flags themselves are wrong.
bool asks_for_json(int argc, char** argv) {
  return std::any_of(argv + std::min(argc, 1), argv + argc,
                     [](const char* argument) { return std::string_view(argument) == "--json"; });
}

int run(int argc, char** argv) {
  CLI::App program{"From a trained PyTorch model to a calibrated, verified int8 TFLite model.", "calib8"};
  program.set_version_flag("--version", "calib8 " + std::string(calib8::version));
  program.require_subcommand(1);
  program.formatter(calib8::cli::help_formatter());
  int status = 0;
  calib8::cli::add_export_command(program, status);
  calib8::cli::add_compare_command(program, status);
  calib8::cli::add_dataset_command(program, status);
  calib8::cli::add_inspect_command(program, status);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return show_help(program, error);
    const std::string meant = calib8::cli::suggestion(program, argc, argv);
    throw calib8::Error(ErrorCode::usage,
                        error.what() + (meant.empty() ? " (calib8 --help lists what there is)" : meant));
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  calib8::fill_closed_standard_streams();
  calib8::cli::install_signal_handlers();
  const auto fail = [&](ErrorCode code, const std::string& message) {
    return calib8::cli::report_failure(calib8::Error(code, message), asks_for_json(argc, argv));
  };
  try {
    return run(argc, argv);
  } catch (const calib8::Error& error) {
    return calib8::cli::report_failure(error, asks_for_json(argc, argv));
  } catch (const std::system_error& error) {  // the standard library's threads and folders
    return fail(ErrorCode::runtime, fmt::format("the system refuses what is needed: {}", error.what()));
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::runtime, "out of memory");
  } catch (const std::exception& error) {
    return fail(ErrorCode::internal,
                fmt::format("this is a bug of calib8's, please report it: {}", error.what()));
  }
}
