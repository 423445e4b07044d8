#pragma once

#include <filesystem>
#include <string_view>

#include "base/bytes.h"

namespace calib8 {

/// Maps a file that a model names, for reading. `relative` ('/' between its parts) may not lead out of
/// `folder`: each part is opened in the one before it, without following symbolic links. Fails with
/// ErrorCode::model where the path is empty, absolute or holds "..", where a part of it is a symbolic link,
/// and where the file is no regular file or has a second (hard) link. An empty file gives empty Data.
Data map_contained_file(const std::filesystem::path& folder, std::string_view relative);

}  // namespace calib8
