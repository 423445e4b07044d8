#pragma once

#include <vector>

#include "ops/tflite_op.h"

namespace calib8 {

/// What LiteRT's XNNPACK delegate will run, as far as the operators' rows tell: LiteRT gathers delegated
/// operators, in execution order, as long as what they read is there, and the others between them likewise.
struct XnnpackPartitions {
  /// One per operator in execution order: the number of its partition, counted from 0; -1 where a TFLite
  /// kernel runs it.
  std::vector<int> partition_of_operator;
  int partitions = 0;
  int delegated_operators = 0;
};

XnnpackPartitions predict_xnnpack_partitions(const TfliteGraph& graph);

}  // namespace calib8
