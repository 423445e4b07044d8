#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace calib8 {

/// One image of a list.
struct ListRow {
  std::string path;   ///< As the list has it; perhaps without its ending.
  std::string label;  ///< Empty: none.
};

struct ListTable {
  std::vector<ListRow> rows;
  std::string refusal;  ///< Why there are no rows: the class column that was asked for isn't there.
  std::vector<std::string> notes;  ///< Which columns were taken where that isn't plain, one sentence each.
};

/// Whether a cell names an image that is there.
using NamesImage = std::function<bool(const std::string& cell)>;

/// Reads a table (RFC 4180; separated by commas, semicolons or tabs) of images and their classes, whatever
/// its columns are called: the column of paths is one of the usual names ("path", "file_name", ...) or else
/// the one whose cells name images; that of classes likewise ("label", "class", ...), or else, of two columns
/// the other one, or the first that repeats few values. Columns of zeros and ones with a single one in each
/// row are classes by their headers. Labels of several objects in one picture (columns of boxes, or rows that
/// contradict each other) are no classes. Without a header the first column is the path and the second the
/// class. `class_column` names the column of classes, whatever it holds. `where` names the file in errors.
/// Fails with ErrorCode::dataset where a quote doesn't end.
ListTable read_list_table(std::string_view text, const std::string& where, const NamesImage& names_image,
                          const std::string& class_column = {});

bool is_whole_number(std::string_view text);

}  // namespace calib8
