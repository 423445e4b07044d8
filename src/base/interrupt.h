#pragma once

#include <functional>

namespace calib8 {

/// Notes that the user wants to stop: every throw_if_interrupted() fails from now on. Safe to call in a
/// signal handler.
void request_interrupt() noexcept;

/// Fails with ErrorCode::interrupted once request_interrupt() was called, and with what the thread's
/// InterruptCheck fails with. Long loops call it at every step.
void throw_if_interrupted();

/// What the program around asks of the thread that calls the library: while the object lives, that thread's
/// throw_if_interrupted() calls `check`, which may throw, about every 50 ms. (Python tells of Ctrl-C only to
/// who asks, and only on its main thread.)
class InterruptCheck {
 public:
  explicit InterruptCheck(std::function<void()> check);
  ~InterruptCheck();
  InterruptCheck(const InterruptCheck&) = delete;
  InterruptCheck& operator=(const InterruptCheck&) = delete;

 private:
  friend void throw_if_interrupted();

  void run_if_due();

  std::function<void()> check_;
  InterruptCheck* outer_;  ///< The one before it on this thread.
  long long next_ = 0;     ///< When it is due, in nanoseconds of the steady clock.
};

}  // namespace calib8
