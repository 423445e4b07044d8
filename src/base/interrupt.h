#pragma once

#include <functional>

namespace calib8 {

/// Notes that the user wants to stop. Safe to call in a signal handler.
void request_interrupt() noexcept;

/// Forgets an earlier request (an embedding program may export again).
void clear_interrupt() noexcept;

/// While it lives, throw_if_interrupted() on this thread also asks a host program whether the user wants to
/// stop, by calling `check`, which throws where he does; at most twenty times a second. One at a time in a
/// thread.
class InterruptCheck {
 public:
  explicit InterruptCheck(std::function<void()> check);
  ~InterruptCheck();
  InterruptCheck(const InterruptCheck&) = delete;
  InterruptCheck& operator=(const InterruptCheck&) = delete;

 private:
  std::function<void()> check_;
};

/// Fails with ErrorCode::interrupted once request_interrupt() was called. Long loops call it at every step.
void throw_if_interrupted();

}  // namespace calib8
