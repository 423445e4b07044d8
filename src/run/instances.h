#pragma once

#include <cstddef>
#include <vector>

namespace calib8 {

/// With how many threads each of the instances of a model runs that run side by side; at least one instance.
/// One for each thread, as far as there are samples and memory: each packs the weights anew. A large model
/// gets a single instance with all threads. All threads are given out, the first instances get what doesn't
/// divide.
std::vector<int> share_threads(std::size_t model_bytes, int threads, std::size_t samples);

}  // namespace calib8
