#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "calib8/export.h"

namespace calib8::cli {

/// Shows where an export is, on standard error: one line that is rewritten, with rate and time left, on a
/// terminal; in a log a line at the start and the end of each stage.
class ProgressDisplay {
 public:
  explicit ProgressDisplay(bool quiet);
  ~ProgressDisplay();

  void update(const Progress& progress);
  /// Prints a line of its own above the progress; names of files and models in it may be anything.
  void note(std::string_view line);
  /// Takes the progress away, so that what follows begins a line.
  void clear();

 private:
  void begin(const Progress& progress);

  using Clock = std::chrono::steady_clock;
  bool quiet_, terminal_;
  bool line_shown_ = false;
  std::string stage_;
  Clock::time_point stage_start_{}, last_shown_{};
};

}  // namespace calib8::cli
