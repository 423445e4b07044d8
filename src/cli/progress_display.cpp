#include "cli/progress_display.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace calib8::cli {

ProgressDisplay::ProgressDisplay(bool quiet) : quiet_(quiet), terminal_(isatty(STDERR_FILENO) == 1) {}

ProgressDisplay::~ProgressDisplay() {
  clear_line();
}

void ProgressDisplay::clear_line() {
  if (line_shown_) fmt::print(stderr, "\r\033[K");
  line_shown_ = false;
}

void ProgressDisplay::begin(const Progress& progress) {
  stage_ = progress.stage;
  stage_start_ = last_shown_ = Clock::now();
  if (!terminal_) fmt::print(stderr, "{}\n", stage_);
}

void ProgressDisplay::update(const Progress& progress) {
  if (quiet_) return;
  if (progress.stage != stage_) begin(progress);
  const auto now = Clock::now();
  const bool last = progress.total > 0 && progress.done == progress.total;
  if (!terminal_) {
    if (last) {
      const double seconds = std::chrono::duration<double>(now - stage_start_).count();
      fmt::print(stderr, "{}: {} in {:.1f} s\n", stage_, progress.total, seconds);
    }
    return;
  }
  if (line_shown_ && !last && now - last_shown_ < std::chrono::milliseconds(80)) return;
  last_shown_ = now;
  clear_line();
  if (progress.total == 0) {
    fmt::print(stderr, "{} ...", stage_);
  } else {
    const double seconds = std::chrono::duration<double>(now - stage_start_).count();
    const double rate = seconds > 0 ? static_cast<double>(progress.done) / seconds : 0;
    const double left = rate > 0 ? static_cast<double>(progress.total - progress.done) / rate : 0;
    fmt::print(stderr, "{}  {}/{}  {:.0f}/s  {:.0f} s left", stage_, progress.done, progress.total, rate,
               left);
  }
  std::fflush(stderr);
  line_shown_ = true;
}

void ProgressDisplay::note(std::string_view line) {
  if (quiet_) return;
  clear_line();
  fmt::print(stderr, "{}\n", line);
}

}  // namespace calib8::cli
