#include "pipeline/python_module.h"

#include "calib8/error.h"

namespace calib8 {
void write_python_module(const RepresentativeData&, const std::filesystem::path&) {
  throw Error(ErrorCode::internal, "not written yet");
}
}  // namespace calib8
