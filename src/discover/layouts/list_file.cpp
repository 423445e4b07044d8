#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/interrupt.h"
#include "base/text.h"
#include "calib8/error.h"
#include "discover/layouts/layouts.h"
#include "discover/text_file.h"

/// Lists of images: a path a line (perhaps with the number of its class behind it), or CSV with a path and a
/// label.
namespace calib8 {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 12> kHeldOutLists = {
    "val.txt",  "val.csv",  "valid.txt",  "valid.csv",  "validation.txt", "validation.csv",
    "test.txt", "test.csv", "images.txt", "images.csv", "labels.csv",     "annotations.csv"};
constexpr std::array<std::string_view, 2> kTrainLists = {"train.txt", "train.csv"};
constexpr std::array<std::string_view, 10> kPathColumns = {
    "path",       "image",    "file",      "filename",   "file_name",
    "image_path", "filepath", "file_path", "image_name", "img"};
constexpr std::array<std::string_view, 8> kLabelColumns = {"label",      "class",      "target",   "category",
                                                           "class_name", "label_name", "class_id", "y"};
constexpr std::uintmax_t kMostBytes = std::uintmax_t{1} << 30;
constexpr int kMostClasses = 1'000'000;

struct Row {
  std::string path;
  std::string label;  ///< Empty: none.
};

/// One record of a CSV file (RFC 4180), taken from the front of `text`. Fails where a quote doesn't end.
std::vector<std::string> take_record(std::string_view& text, const std::string& where) {
  std::vector<std::string> cells(1);
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

template <std::size_t count>
std::optional<std::size_t> column_of(const std::vector<std::string>& header,
                                     const std::array<std::string_view, count>& names) {
  for (const std::string_view name : names) {
    for (std::size_t i = 0; i < header.size(); ++i) {
      if (lower_case(header[i]) == name) return i;
    }
  }
  return std::nullopt;
}

std::vector<Row> read_csv(std::string_view text, const std::string& where) {
  std::vector<Row> rows;
  std::size_t path_column = 0;
  std::optional<std::size_t> label_column = 1;
  for (bool first = true; !text.empty(); first = false) {
    std::vector<std::string> cells = take_record(text, where);
    if (cells.size() == 1 && cells[0].empty()) continue;
    if (first) {
      if (const auto column = column_of(cells, kPathColumns)) {
        path_column = *column;
        label_column = column_of(cells, kLabelColumns);
        continue;
      }
    }
    if (path_column >= cells.size()) continue;
    const bool labelled = label_column && *label_column < cells.size();
    rows.push_back({std::move(cells[path_column]), labelled ? std::move(cells[*label_column]) : ""});
  }
  return rows;
}

bool is_whole_number(std::string_view text) {
  return !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// "a b.jpg", or "a b.jpg 7" as ImageNet's lists have it.
std::vector<Row> read_lines(std::string_view text) {
  std::vector<Row> rows;
  for (std::string_view line : lines_of(text)) {
    while (line.ends_with(' ') || line.ends_with('\t')) line.remove_suffix(1);
    if (line.empty()) continue;
    const std::size_t blank = line.find_last_of(" \t");
    if (blank != std::string_view::npos && is_whole_number(line.substr(blank + 1)) &&
        is_file_of(FileKind::images, line.substr(0, blank))) {
      rows.push_back({std::string(line.substr(0, blank)), std::string(line.substr(blank + 1))});
    } else {
      rows.push_back({std::string(line), ""});
    }
  }
  return rows;
}

/// The names of the classes: numbers stand for themselves, names are sorted. None where a row has no label.
std::vector<std::string> class_names_of(const std::vector<Row>& rows, const std::string& where) {
  std::set<std::string_view> names;
  int highest = -1;
  bool numbers = true;
  for (const Row& row : rows) {
    if (row.label.empty()) return {};
    names.insert(row.label);
    numbers = numbers && is_whole_number(row.label);
    if (numbers) highest = std::max(highest, std::stoi(row.label));
  }
  if (numbers ? highest >= kMostClasses : names.size() > kMostClasses)
    throw Error(ErrorCode::dataset, fmt::format("has labels for more than {} classes", kMostClasses), where);
  if (!numbers) return {names.begin(), names.end()};
  std::vector<std::string> numbered;
  for (int i = 0; i <= highest; ++i) numbered.push_back(std::to_string(i));
  return numbered;
}

std::optional<int> label_of(const Row& row, const std::vector<std::string>& names, bool numbers) {
  if (names.empty()) return std::nullopt;
  if (numbers) return std::stoi(row.label);
  return static_cast<int>(std::lower_bound(names.begin(), names.end(), row.label) - names.begin());
}

bool take_list(Search& search, const fs::path& file) {
  const std::string name = file.filename().string();
  const std::string text = read_text_file(file, kMostBytes);
  const std::vector<Row> rows =
      lower_case(file.extension().string()) == ".csv" ? read_csv(text, file.string()) : read_lines(text);
  const std::vector<std::string> names = class_names_of(rows, file.string());
  if (names.empty() && search.type == DatasetKind::classification) return false;
  const bool numbers =
      std::all_of(rows.begin(), rows.end(), [](const Row& row) { return is_whole_number(row.label); });
  ListedFiles files;
  const std::vector<fs::path> bases = {search.reader.root(), search.reader.root() / "images"};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i % 4096 == 0) throw_if_interrupted();
    take_listed(search, bases, rows[i].path, label_of(rows[i], names, numbers), files);
  }
  note_listed(search, name, files);
  if (files.taken == 0) return false;
  const auto labelled =
      std::count_if(rows.begin(), rows.end(), [](const Row& row) { return !row.label.empty(); });
  if (names.empty() && labelled > 0) {
    search.listing.notes.push_back(fmt::format("{}: {} of {} rows have no label, so none is used", name,
                                               rows.size() - static_cast<std::size_t>(labelled),
                                               rows.size()));
  }
  search.listing.class_names = names;
  search.listing.layout = fmt::format("{}: list {}", names.empty() ? "images" : "classification", name);
  note_training_data(search, name);
  return true;
}

template <std::size_t count>
bool find_list(Search& search, const std::array<std::string_view, count>& lists) {
  std::error_code error;
  for (const std::string_view name : lists) {
    search.places.emplace_back(name);
    if (fs::is_regular_file(search.reader.root() / name, error) &&
        take_list(search, search.reader.root() / name)) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool find_named_list(Search& search) {
  search.places.push_back(search.list_file.filename().string());
  return take_list(search, search.list_file);
}

bool find_held_out_list(Search& search) {
  return find_list(search, kHeldOutLists);
}

bool find_train_list(Search& search) {
  return find_list(search, kTrainLists);
}

std::string hint_of_list(const Search& search) {
  std::error_code error;
  for (const std::string_view name : kHeldOutLists) {
    if (fs::is_regular_file(search.reader.root() / name, error)) return std::string(name);
  }
  return {};
}

}  // namespace calib8
