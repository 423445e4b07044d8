#include "image_samples/image_file.h"

#include "base/input_file.h"

namespace calib8 {
namespace {

/// Larger files are refused: no image under kMaximumPixels needs as much.
constexpr std::uint64_t kMostFileBytes = std::uint64_t{1} << 30;

}  // namespace

std::vector<std::byte> read_image_file(const std::filesystem::path& path) {
  return read_file(path, kMostFileBytes, ErrorCode::dataset);
}

}  // namespace calib8
