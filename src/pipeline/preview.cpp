#include "pipeline/preview.h"

#include "calib8/error.h"

namespace calib8 {
void write_preview(const RepresentativeData&, const std::filesystem::path&, std::size_t, int) {
  throw Error(ErrorCode::internal, "not written yet");
}
}  // namespace calib8
