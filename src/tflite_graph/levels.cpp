#include "tflite_graph/levels.h"

#include "calib8/error.h"

namespace calib8 {

Levels levels_of(DType dtype) {
  switch (dtype) {
    case DType::int8:
      return {-128, 127, false};
    case DType::uint8:
      return {0, 255, false};
    case DType::int16:
      // One below -32767 would have no opposite; the kernels may negate.
      return {-32767, 32767, true};
    default:
      throw Error(ErrorCode::internal, "no levels for type " + std::string(name_of(dtype)));
  }
}

bool is_quantized_type(DType dtype) {
  return dtype == DType::int8 || dtype == DType::uint8 || dtype == DType::int16;
}

}  // namespace calib8
