#include "base/interrupt.h"

#include <atomic>
#include <chrono>
#include <utility>

#include "calib8/error.h"

namespace calib8 {
namespace {

constexpr std::chrono::milliseconds check_interval{50};

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);

thread_local InterruptCheck* current_check = nullptr;

}  // namespace

void request_interrupt() noexcept {
  interrupted = true;
}

void throw_if_interrupted() {
  if (interrupted) throw Error(ErrorCode::interrupted, "stopped by the user; nothing half-written was left");
  if (current_check) current_check->run_if_due();
}

InterruptCheck::InterruptCheck(std::function<void()> check)
    : check_(std::move(check)), outer_(std::exchange(current_check, this)) {}

InterruptCheck::~InterruptCheck() {
  current_check = outer_;
}

void InterruptCheck::run_if_due() {
  using Nanoseconds = std::chrono::nanoseconds;
  const auto now =
      std::chrono::duration_cast<Nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
  if (now < next_) return;
  next_ = now + Nanoseconds(check_interval).count();
  check_();
}

}  // namespace calib8
