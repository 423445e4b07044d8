#include "calibrate/not_finite.h"

#include "calib8/error.h"

namespace calib8 {

void fail_not_finite(const TfliteGraph& graph, TensorId tensor, std::size_t sample) {
  const bool given = graph.is_input(tensor);
  throw Error(
      given ? ErrorCode::dataset : ErrorCode::model,
      "its values are not finite for calibration sample " + std::to_string(sample) +
          (given ? ": check how the samples are made" : ": check the model's weights and the preprocessing"),
      "tensor '" + graph[tensor].name + "'");
}

}  // namespace calib8
