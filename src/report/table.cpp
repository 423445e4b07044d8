#include "report/table.h"

#include <fmt/format.h>

#include <algorithm>

namespace calib8 {
namespace {

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
