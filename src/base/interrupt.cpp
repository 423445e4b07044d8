#include "base/interrupt.h"

#include <atomic>

#include "calib8/error.h"

namespace calib8 {
namespace {
std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);
}  // namespace

void request_interrupt() noexcept {
  interrupted = true;
}
void clear_interrupt() noexcept {
  interrupted = false;
}
void throw_if_interrupted() {
  if (interrupted) throw Error(ErrorCode::interrupted, "stopped by the user; nothing half-written was left");
}

}  // namespace calib8
