#include "cli/signals.h"

#include <signal.h>

#include <array>
#include <atomic>

#include "base/interrupt.h"

namespace calib8::cli {
namespace {

constexpr std::array ending_signals = {SIGINT, SIGTERM, SIGHUP};

std::atomic_flag asked = ATOMIC_FLAG_INIT;

/// Two signals may arrive before either handler runs: the second is known by the flag, not by its handler.
void stop(int number) {
  if (asked.test_and_set()) {
    signal(number, SIG_DFL);
    raise(number);
  }
  request_interrupt();
}

bool is_ignored(int number) {
  struct sigaction current {};
  return sigaction(number, nullptr, &current) == 0 && current.sa_handler == SIG_IGN;
}

}  // namespace

void install_signal_handlers() {
  for (const int number : ending_signals) {
    if (number != SIGHUP || !is_ignored(number)) signal(number, stop);
  }
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
}

}  // namespace calib8::cli
