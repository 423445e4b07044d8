#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace calib8 {

/// Cells of text in aligned columns; rows may be shorter than the header.
struct Table {
  struct Column {
    std::string title;
    bool is_number = false;  ///< Aligned to the right.
  };
  std::vector<Column> columns;
  std::vector<std::vector<std::string>> rows;
};

/// One line for the titles, if there are any, and one per row, each after `indent` spaces; no trailing
/// spaces.
std::string to_text(const Table& table, std::size_t indent = 2);

/// "5.3 MB": decimal units, three digits at most.
std::string bytes_text(std::uint64_t bytes);

}  // namespace calib8
