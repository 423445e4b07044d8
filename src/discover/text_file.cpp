#include "discover/text_file.h"

#include <algorithm>

#include "base/input_file.h"

namespace calib8 {

std::string read_text_file(const std::filesystem::path& path, std::uintmax_t most_bytes) {
  const std::vector<std::byte> bytes = read_file(path, most_bytes, ErrorCode::dataset);
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
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
