#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace calib8 {

/// How a program that was run ended.
struct Finished {
  int status = 0;      ///< Exit status; 128 + signal where one ended it.
  std::string output;  ///< What it wrote on standard output; standard error is left to it.
};

/// What is run, and where.
struct Command {
  std::filesystem::path program;
  std::vector<std::string> arguments;
  std::filesystem::path folder;  ///< Its working folder.
  std::vector<std::string>
      without_variables;  ///< Environment variables whose name begins with one of these go.
};

/// Runs a program to its end, with nothing on its standard input. Fails with ErrorCode::runtime where it
/// can't be started.
Finished run_program(const Command& command);

/// The Python that belongs to this installation: beside the running program, in VIRTUAL_ENV, or the first
/// python3 in an absolute folder of PATH; nothing where there is none. Never one of the working folder.
std::optional<std::filesystem::path> find_python();

}  // namespace calib8
