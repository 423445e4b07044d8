#pragma once

#include "base/pass_runner.h"
#include "tflite_graph/tflite_graph.h"

/// Entries of the lists of passes, named as their functions: a rewrite of one operator, a sweep over all.
#define CALIB8_REWRITE(pass) \
  TflitePass {               \
    #pass, &pass, nullptr    \
  }
#define CALIB8_SWEEP(pass) \
  TflitePass {             \
    #pass, nullptr, &pass  \
  }

namespace calib8 {

using TflitePass = Pass<TfliteGraph>;

}  // namespace calib8
