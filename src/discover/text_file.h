#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace calib8 {

/// A whole text file, without its byte order mark. Fails with ErrorCode::dataset where it can't be read,
/// isn't a regular file or has more than `most_bytes`.
std::string read_text_file(const std::filesystem::path& path, std::uintmax_t most_bytes);

/// Its lines, without their ends ("\n" or "\r\n"); views into `text`.
std::vector<std::string_view> lines_of(std::string_view text);

}  // namespace calib8
