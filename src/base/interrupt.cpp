#include "base/interrupt.h"

#include <atomic>
#include <chrono>
#include <utility>

#include "calib8/error.h"

namespace calib8 {
namespace {

using Clock = std::chrono::steady_clock;

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);

constexpr auto between_checks = std::chrono::milliseconds(50);
thread_local const std::function<void()>* host_check = nullptr;
thread_local Clock::time_point next_check;

}  // namespace

void request_interrupt() noexcept {
  interrupted = true;
}
void clear_interrupt() noexcept {
  interrupted = false;
}

InterruptCheck::InterruptCheck(std::function<void()> check) : check_(std::move(check)) {
  host_check = &check_;
  next_check = Clock::now();
}
InterruptCheck::~InterruptCheck() {
  host_check = nullptr;
}

void throw_if_interrupted() {
  if (interrupted) throw Error(ErrorCode::interrupted, "stopped by the user; nothing half-written was left");
  if (host_check == nullptr) return;
  const Clock::time_point now = Clock::now();
  if (now < next_check) return;
  next_check = now + between_checks;
  (*host_check)();
}

}  // namespace calib8
