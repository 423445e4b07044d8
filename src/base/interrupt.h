#pragma once

namespace calib8 {

/// Notes that the user wants to stop. Safe to call in a signal handler.
void request_interrupt() noexcept;

/// Forgets an earlier request (an embedding program may export again).
void clear_interrupt() noexcept;

/// Fails with ErrorCode::interrupted once request_interrupt() was called. Long loops call it at every step.
void throw_if_interrupted();

}  // namespace calib8
