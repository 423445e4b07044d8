#include "discover/text_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

#include "calib8/error.h"

namespace calib8 {

std::string read_text_file(const std::filesystem::path& path, std::uintmax_t most_bytes) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    throw Error(ErrorCode::dataset, error ? "cannot be opened: " + error.message() : "is not a regular file",
                path.string());
  }
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (!error && size > most_bytes) {
    throw Error(ErrorCode::dataset, fmt::format("has {} bytes, over the limit of {}", size, most_bytes),
                path.string());
  }
  errno = 0;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  std::string text(file && !error ? size : 0, '\0');
  if (!file || error || std::fread(text.data(), 1, text.size(), file.get()) != text.size()) {
    throw Error(ErrorCode::dataset, "cannot be read: " + std::generic_category().message(errno),
                path.string());
  }
  if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
  return text;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace calib8
