#include "report/table.h"

#include <fmt/format.h>

#include <algorithm>

namespace calib8 {
namespace {

/// Length of the valid UTF-8 sequence of a printable character at the text's start; 0 where there is none.
std::size_t printable_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  std::uint32_t code = first & (0xffu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3fu);
  }
  const bool is_overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool is_surrogate = code >= 0xd800 && code < 0xe000;
  const bool is_control = code < 0xa0 || code > 0x10ffff;
  return is_overlong || is_surrogate || is_control ? 0 : length;
}

/// Columns that the text takes on a terminal, wide characters counted once.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

std::string to_text(const Table& table, std::size_t indent) {
  std::vector<std::size_t> widths;
  bool has_titles = false;
  for (const Table::Column& column : table.columns) {
    widths.push_back(width_of(column.title));
    has_titles = has_titles || !column.title.empty();
  }
  for (const auto& row : table.rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths.at(i) = std::max(widths[i], width_of(row[i]));
  }
  std::string text;
  const auto add_row = [&](const auto& cells, const auto& text_of) {
    std::string line(indent, ' ');
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string_view cell = text_of(cells[i]);
      const std::string padding(widths[i] - width_of(cell), ' ');
      if (i > 0) line += "  ";
      line.append(table.columns[i].is_number ? padding : "").append(cell);
      line.append(table.columns[i].is_number ? "" : padding);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text.append(line).append("\n");
  };
  if (has_titles)
    add_row(table.columns, [](const Table::Column& column) -> std::string_view { return column.title; });
  for (const auto& row : table.rows)
    add_row(row, [](const std::string& cell) -> std::string_view { return cell; });
  return text;
}

std::string escaped(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t length = printable_length(text);
    if (length == 0) {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
      text.remove_prefix(1);
    } else {
      result += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return result;
}

std::string bytes_text(std::uint64_t bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  auto value = static_cast<double>(bytes);
  std::string_view unit;
  for (const std::string_view next : {"kB", "MB", "GB", "TB"}) {
    value /= 1000;
    unit = next;
    if (value < 999.5) break;
  }
  return fmt::format("{:.{}f} {}", value, value < 9.95 ? 2 : value < 99.5 ? 1 : 0, unit);
}

}  // namespace calib8
