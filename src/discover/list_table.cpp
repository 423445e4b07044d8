#include "discover/list_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <unordered_map>

#include "base/text.h"
#include "calib8/error.h"

namespace calib8 {
namespace {

using Record = std::vector<std::string>;

constexpr std::array<std::string_view, 14> kPathColumns = {
    "path",      "image",      "file", "filename",  "file_name",  "image_path", "filepath",
    "file_path", "image_name", "img",  "imagepath", "image_file", "file path",  "image path"};
constexpr std::array<std::string_view, 12> kLabelColumns = {
    "label",    "class",   "target", "category", "class_name",    "label_name",
    "class_id", "classid", "y",      "labels",   "category_name", "diagnosis"};
constexpr std::array<std::string_view, 8> kBoxColumns = {"xmin", "x1",     "x_min", "bbox",
                                                         "left", "roi.x1", "x",     "polygon"};
/// Records by which columns are known.
constexpr std::size_t kLooked = 2000;
constexpr std::size_t kLookedForImages = 50;

/// One record, taken from the front of `text`. Fails where a quote doesn't end.
Record take_record(std::string_view& text, const std::string& where) {
  Record cells(1);
  std::size_t i = 0;
  bool quoted = false;
  for (; i < text.size() && (quoted || text[i] != '\n'); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c != '"')
        cells.back() += c;
      else if (i + 1 < text.size() && text[i + 1] == '"')
        cells.back() += text[++i];
      else
        quoted = false;
    } else if (c == '"' && cells.back().empty()) {
      quoted = true;
    } else if (c == ',' || c == ';' || c == '\t') {
      cells.emplace_back();
    } else if (c != '\r') {
      cells.back() += c;
    }
  }
  if (quoted) throw Error(ErrorCode::dataset, "a quote (\") in it doesn't end", where);
  text.remove_prefix(std::min(i + 1, text.size()));
  return cells;
}

bool is_blank(const Record& record) {
  return record.size() == 1 && record[0].empty();
}

std::string trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return std::string(text);
}

template <std::size_t count>
std::optional<std::size_t> column_of(const Record& header, const std::array<std::string_view, count>& names) {
  for (const std::string_view name : names) {
    for (std::size_t i = 0; i < header.size(); ++i) {
      if (lower_case(trimmed(header[i])) == name) return i;
    }
  }
  return std::nullopt;
}

/// The columns of a table.
struct Columns {
  bool header = false;
  std::size_t path = 0;
  std::optional<std::size_t> label;
  std::vector<std::size_t> flags;  ///< Of classes: one of them is 1 in each row.
};

/// How many of the first rows name an image in that column.
std::size_t images_named(const std::vector<Record>& rows, std::size_t first, std::size_t column,
                         const NamesImage& names_image) {
  std::size_t named = 0;
  for (std::size_t i = first; i < std::min(rows.size(), kLookedForImages); ++i)
    named += column < rows[i].size() && names_image(rows[i][column]) ? 1 : 0;
  return named;
}

/// The column whose cells name most images; nothing where none does.
std::optional<std::size_t> column_of_images(const std::vector<Record>& rows, const NamesImage& names_image) {
  std::optional<std::size_t> best;
  std::size_t most = 0;
  for (std::size_t column = 0; column < rows.front().size() && column < 100; ++column) {
    const std::size_t named = images_named(rows, 0, column, names_image);
    if (named > most) {
      most = named;
      best = column;
    }
  }
  return best;
}

bool is_flag(std::string_view cell) {
  return cell == "0" || cell == "1" || cell == "0.0" || cell == "1.0";
}

/// At least two columns of zeros and ones, of which each row has a single one.
std::vector<std::size_t> flags_of(const std::vector<Record>& rows, std::size_t path) {
  std::vector<std::size_t> flags;
  for (std::size_t column = 0; column < rows.front().size(); ++column) {
    const bool all = std::all_of(rows.begin() + 1, rows.end(), [&](const Record& row) {
      return column < row.size() && is_flag(trimmed(row[column]));
    });
    if (column != path && all) flags.push_back(column);
  }
  const bool single = std::all_of(rows.begin() + 1, rows.end(), [&](const Record& row) {
    return std::ranges::count_if(flags, [&](std::size_t c) { return trimmed(row[c]).front() == '1'; }) == 1;
  });
  return flags.size() >= 2 && rows.size() > 1 && single ? flags : std::vector<std::size_t>();
}

/// The first column that repeats few values.
std::optional<std::size_t> column_of_few_values(const std::vector<Record>& rows, std::size_t path) {
  for (std::size_t column = 0; column < rows.front().size(); ++column) {
    if (column == path) continue;
    std::set<std::string_view> values;
    bool usable = true;
    for (std::size_t i = 1; i < rows.size() && usable; ++i) {
      usable = column < rows[i].size() && !rows[i][column].empty() &&
               (is_whole_number(rows[i][column]) || rows[i][column].find('.') == std::string::npos);
      if (usable) values.insert(rows[i][column]);
    }
    if (usable && values.size() >= 2 && values.size() * 2 <= rows.size()) return column;
  }
  return std::nullopt;
}

Columns columns_of(const std::vector<Record>& rows, const NamesImage& names_image,
                   std::vector<std::string>& notes) {
  Columns columns;
  const Record& first = rows.front();
  const auto by_name = column_of(first, kPathColumns);
  const auto by_content = column_of_images(rows, names_image);
  if (by_name && (!by_content || images_named(rows, 1, *by_name, names_image) > 0)) {
    columns.header = true;
    columns.path = *by_name;
  } else if (by_content) {
    columns.path = *by_content;
    columns.header = !names_image(first[columns.path]) && rows.size() > 1;
  }
  if (!columns.header) {
    if (first.size() > 1) columns.label = columns.path == 0 ? 1 : 0;
    return columns;
  }
  columns.flags = flags_of(rows, columns.path);
  if (!columns.flags.empty()) {
    notes.push_back(fmt::format("the columns from {} to {} are the classes", first[columns.flags.front()],
                                first[columns.flags.back()]));
    return columns;
  }
  columns.label = column_of(first, kLabelColumns);
  if (columns.label == columns.path) columns.label.reset();
  const bool plain = by_name == columns.path && (columns.label || first.size() == 1);
  if (!columns.label && first.size() == 2) columns.label = 1 - columns.path;
  if (!columns.label) columns.label = column_of_few_values(rows, columns.path);
  if (!plain) {
    notes.push_back(
        fmt::format("column {} names the images, {}", first[columns.path],
                    columns.label ? first[*columns.label] + " their classes" : "none their classes"));
  }
  return columns;
}

/// Takes the column that the user names; false where there is none.
bool take_class_column(Columns& columns, const Record& header, const std::string& wanted) {
  const auto found = std::ranges::find(header, wanted, [](const std::string& name) { return trimmed(name); });
  if (found == header.end()) return false;
  columns.header = true;
  columns.label = static_cast<std::size_t>(found - header.begin());
  columns.flags.clear();
  return true;
}

ListRow row_of(Record& record, const Columns& columns, const Record& header) {
  ListRow row{std::move(record[columns.path]), ""};
  if (columns.label && *columns.label < record.size()) row.label = trimmed(record[*columns.label]);
  for (const std::size_t flag : columns.flags) {
    if (flag < record.size() && trimmed(record[flag]).starts_with('1')) row.label = trimmed(header[flag]);
  }
  return row;
}

/// Where one image has two labels, or several boxes, they are no classes.
void drop_labels_of_objects(ListTable& table, bool has_boxes) {
  std::unordered_map<std::string_view, std::string_view> labels;
  for (const ListRow& row : table.rows) {
    const auto [known, added] = labels.emplace(row.path, row.label);
    if (added || (known->second == row.label && !has_boxes)) continue;
    table.notes.push_back(fmt::format(
        "it has several rows of {}, so its labels are those of objects, no classes", printable(row.path)));
    for (ListRow& all : table.rows) all.label.clear();
    return;
  }
}

}  // namespace

bool is_whole_number(std::string_view text) {
  return !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

ListTable read_list_table(std::string_view text, const std::string& where, const NamesImage& names_image,
                          const std::string& class_column) {
  std::vector<Record> looked;
  for (std::string_view rest = text; !rest.empty() && looked.size() < kLooked;) {
    Record record = take_record(rest, where);
    if (!is_blank(record)) looked.push_back(std::move(record));
  }
  ListTable table;
  if (looked.empty()) return table;
  Columns columns = columns_of(looked, names_image, table.notes);
  const bool is_named = !class_column.empty();
  if (is_named && !take_class_column(columns, looked.front(), class_column)) {
    std::ranges::transform(looked.front(), looked.front().begin(),
                           [](const std::string& name) { return trimmed(name); });
    table.refusal = fmt::format("its columns are {}", fmt::join(looked.front(), ", "));
    return table;
  }
  bool is_header = columns.header;
  while (!text.empty()) {
    Record record = take_record(text, where);
    if (is_blank(record) || columns.path >= record.size()) continue;
    if (!is_header) table.rows.push_back(row_of(record, columns, looked.front()));
    is_header = false;
  }
  if (is_named) table.notes = {fmt::format("column {} holds the classes, as asked for", class_column)};
  drop_labels_of_objects(table,
                         !is_named && columns.header && column_of(looked.front(), kBoxColumns).has_value());
  return table;
}

}  // namespace calib8
