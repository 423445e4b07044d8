#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

namespace calib8 {

/// The bytes of an image file. Read rather than mapped: a file that shrinks meanwhile is an error and not a
/// signal. Fails with ErrorCode::dataset where it can't be read, isn't a regular file or has more than 1 GiB.
std::vector<std::byte> read_image_file(const std::filesystem::path& path);

}  // namespace calib8
