#pragma once

#include <cstddef>
#include <functional>

namespace calib8 {

/// Cores that this process may use (its affinity mask), at least 1.
int usable_cores();

/// Calls body(worker, index) once for each index in [0, count), on up to `threads` threads, fewer
/// where the system gives no more; worker is in [0,
/// threads) and no two calls with the same worker overlap. Indices are handed out in ascending order. The
/// first exception stops the handing out and is rethrown here after all workers have ended. Ctrl-C
/// (base/interrupt.h) is checked before each index.
void parallel_for(std::size_t count, int threads,
                  const std::function<void(int worker, std::size_t index)>& body);

}  // namespace calib8
