#include "cli/progress_display.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/standard_streams.h"
#include "base/text.h"

namespace calib8::cli {
namespace {

const std::string clear_line = "\r\033[K";

}  // namespace

ProgressDisplay::ProgressDisplay(bool quiet) : quiet_(quiet), terminal_(isatty(STDERR_FILENO) == 1) {}

ProgressDisplay::~ProgressDisplay() {
  clear();
}

void ProgressDisplay::clear() {
  if (line_shown_) write_standard_error(clear_line);
  line_shown_ = false;
}

void ProgressDisplay::begin(const Progress& progress) {
  stage_ = progress.stage;
  stage_start_ = last_shown_ = Clock::now();
  if (!terminal_) write_standard_error(stage_ + "\n");
}

void ProgressDisplay::update(const Progress& progress) {
  if (quiet_) return;
  if (progress.stage != stage_) begin(progress);
  const auto now = Clock::now();
  const bool last = progress.total > 0 && progress.done == progress.total;
  if (!terminal_) {
    if (last) {
      const double seconds = std::chrono::duration<double>(now - stage_start_).count();
      write_standard_error(fmt::format("{}: {} in {:.1f} s\n", stage_, progress.total, seconds));
    }
    return;
  }
  if (line_shown_ && !last && now - last_shown_ < std::chrono::milliseconds(80)) return;
  last_shown_ = now;
  std::string line = (line_shown_ ? clear_line : std::string()) + stage_;
  if (progress.total == 0) {
    line += " ...";
  } else {
    const double seconds = std::chrono::duration<double>(now - stage_start_).count();
    const double rate = seconds > 0 ? static_cast<double>(progress.done) / seconds : 0;
    const double left = rate > 0 ? static_cast<double>(progress.total - progress.done) / rate : 0;
    line += fmt::format("  {}/{}  {:.0f}/s  {:.0f} s left", progress.done, progress.total, rate, left);
  }
  write_standard_error(line);
  line_shown_ = true;
}

void ProgressDisplay::note(std::string_view line) {
  if (quiet_) return;
  clear();
  write_standard_error(one_line(line) + "\n");
}

}  // namespace calib8::cli
