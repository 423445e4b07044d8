#pragma once

#include <stdexcept>
#include <string>

namespace calib8 {

/// What kind of thing went wrong. The value is the exit status of the command line.
enum class ErrorCode {
  internal = 1,      ///< A bug of calib8's own.
  usage = 2,         ///< A flag or an argument that can't be right.
  model = 3,         ///< The model file: unreadable, hostile, not supported, or refused by LiteRT.
  dataset = 4,       ///< The representative data: missing, empty, or not usable.
  gate = 5,          ///< The int8 model lost more than the gate allows.
  runtime = 6,       ///< LiteRT is missing, was killed or hangs.
  output = 7,        ///< An output could not be written.
  interrupted = 130  ///< Ctrl-C.
};

/// The one exception of the library. `message()` says what is wrong and what to do, in one line; `where()`
/// names the file, the member of a file or the node, and may be empty. `what()` is both, as a person should
/// read them.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, std::string message, std::string where = {})
      : std::runtime_error(where.empty() ? message : where + ": " + message),
        code_(code),
        message_(std::move(message)),
        where_(std::move(where)) {}

  ErrorCode code() const noexcept { return code_; }
  const std::string& message() const noexcept { return message_; }
  const std::string& where() const noexcept { return where_; }

 private:
  ErrorCode code_;
  std::string message_;
  std::string where_;
};

}  // namespace calib8
