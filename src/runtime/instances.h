#pragma once

#include <cstddef>

namespace calib8 {

/// How many instances of a model run side by side, and with how many threads each.
struct Instances {
  int count;
  int threads;
};

/// One instance for each thread, as far as there are samples and memory: each packs the weights anew. A large
/// model gets a single instance with all threads.
Instances share_threads(std::size_t model_bytes, int threads, std::size_t samples);

}  // namespace calib8
