#include "base/dataflow.h"

#include "calib8/error.h"

namespace calib8 {

void fail_dataflow(const char* what) {
  throw Error(ErrorCode::internal, what, "graph");
}

}  // namespace calib8
