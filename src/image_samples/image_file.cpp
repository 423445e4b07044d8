#include "image_samples/image_file.h"

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

#include "calib8/error.h"

namespace calib8 {
namespace {

/// Larger files are refused: no image under kMaximumPixels needs as much.
constexpr std::uintmax_t kMostFileBytes = std::uintmax_t{1} << 30;

}  // namespace

std::vector<std::byte> read_image_file(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    throw Error(ErrorCode::dataset, error ? "cannot be opened: " + error.message() : "is not a regular file",
                path.string());
  }
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (!error && size > kMostFileBytes) throw Error(ErrorCode::dataset, "is larger than 1 GiB", path.string());
  errno = 0;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  std::vector<std::byte> bytes(file && !error ? size : 0);
  if (!file || error || std::fread(bytes.data(), 1, bytes.size(), file.get()) != bytes.size()) {
    const std::error_code reason(errno, std::generic_category());
    throw Error(ErrorCode::dataset, errno != 0 ? "cannot be read: " + reason.message() : "cannot be read",
                path.string());
  }
  return bytes;
}

}  // namespace calib8
