#include "runtime/profile.h"

#include <charconv>
#include <optional>

#include "calib8/error.h"

namespace calib8 {
namespace {

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t') || text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

/// Takes the last word off the text.
std::string_view take_last_word(std::string_view& text) {
  text = trim(text);
  const std::size_t start = text.find_last_of(" \t") + 1;  // npos + 1 is 0
  const std::string_view word = text.substr(start);
  text = text.substr(0, start);
  return word;
}

/// A row: type (of several words), start, first [ms], average [ms], share, cumulated share, memory, times
/// called, name.
std::optional<ProfiledOp> parse_row(std::string_view row) {
  ProfiledOp op;
  op.delegated = take_last_word(row).starts_with("[Delegate]");
  for (int column = 0; column < 4; ++column) take_last_word(row);
  const std::string_view average = take_last_word(row);
  take_last_word(row);
  take_last_word(row);
  op.type = trim(row);
  const auto [end, failure] =
      std::from_chars(average.data(), average.data() + average.size(), op.milliseconds);
  if (failure != std::errc() || end != average.data() + average.size() || op.type.empty())
    return std::nullopt;
  return op;
}

}  // namespace

std::vector<ProfiledOp> parse_profile(std::string_view summary) {
  const auto refuse = [] {
    throw Error(ErrorCode::runtime, "LiteRT's profile is not in the form that ai-edge-litert 2.3 gives");
  };
  std::vector<ProfiledOp> ops;
  const std::size_t title = summary.find(" Run Order ");
  if (title == std::string_view::npos) refuse();
  summary.remove_prefix(title);
  for (int line = 0;; ++line) {  // the title's rest, the columns' names, then rows up to an empty line
    const std::size_t end = summary.find('\n');
    const std::string_view row = trim(summary.substr(0, end));
    if (line >= 2) {
      if (row.empty()) return ops;
      auto op = parse_row(row);
      if (!op) refuse();
      ops.push_back(std::move(*op));
    }
    if (end == std::string_view::npos) return ops;
    summary.remove_prefix(end + 1);
  }
}

int count_partitions(std::span<const ProfiledOp> profile) {
  int partitions = 0;
  bool inside = false;
  for (const ProfiledOp& op : profile) {
    if (op.delegated && !inside) ++partitions;
    inside = op.delegated;
  }
  return partitions;
}

}  // namespace calib8
