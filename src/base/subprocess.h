#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace calib8 {

/// How a program that was run ended.
struct Finished {
  int status = 0;      ///< Exit status; 128 + signal where one ended it.
  std::string output;  ///< What it wrote on standard output; standard error is left to it.
};

/// Runs a program to its end, with nothing on its standard input. Fails with ErrorCode::internal where it
/// can't be started.
Finished run_program(const std::vector<std::string>& command);

/// The Python that belongs to this installation: beside the running program, in VIRTUAL_ENV, or python3 by
/// PATH.
std::filesystem::path find_python();

}  // namespace calib8
