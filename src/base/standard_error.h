#pragma once

#include <mutex>
#include <string>

#include "base/standard_streams.h"

namespace calib8 {

/// Holds back what the whole process writes to standard error (file descriptor 2), for calls into libraries
/// that log there and offer no other way. One at a time: a second one waits for the first, so one thread must
/// not nest them. Where the system can't do it (no descriptor left), nothing is held back and nothing fails.
class StandardErrorCapture {
 public:
  StandardErrorCapture();
  /// Restores standard error; what was held back and not taken by finish() is written to it.
  ~StandardErrorCapture();
  StandardErrorCapture(const StandardErrorCapture&) = delete;
  StandardErrorCapture& operator=(const StandardErrorCapture&) = delete;

  /// Restores standard error and gives what was held back.
  std::string finish();

 private:
  std::unique_lock<std::mutex> lock_;
  int saved_ = -1;   ///< The real standard error.
  int memory_ = -1;  ///< What stands in for it.
};

}  // namespace calib8
