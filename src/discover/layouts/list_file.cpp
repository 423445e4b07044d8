#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "base/interrupt.h"
#include "base/text.h"
#include "calib8/error.h"
#include "discover/layouts/layouts.h"
#include "discover/list_table.h"
#include "discover/text_file.h"

/// Lists of images: a path a line (perhaps with the number of its class behind it), or CSV with a path and a
/// label.
namespace calib8 {
namespace {

namespace fs = std::filesystem;

/// Lists that tell nothing of training, in small letters.
constexpr std::array<std::string_view, 9> kKnownLists = {
    "images.txt",       "images.csv",   "labels.csv", "annotations.csv", "_classes.csv",
    "_annotations.csv", "metadata.csv", "list.csv",   "data.csv"};
/// Folders beside the images that hold lists, in small letters; "" is the folder itself.
constexpr std::array<std::string_view, 5> kListFolders = {"", "meta", "imagesets/main", "splits", "lists"};
constexpr std::uintmax_t kMostBytes = std::uintmax_t{1} << 30;
constexpr int kMostClasses = 1'000'000;

/// "a b.jpg", or "a b.jpg 7" as ImageNet's lists have it. Without an ending what stands behind a blank may
/// mean anything ("2008_000003 -1" of VOC, "Abyssinian_100 1 1 1" of the Oxford pets), so it is left out.
std::vector<ListRow> read_lines(std::string_view text) {
  std::vector<ListRow> rows;
  for (std::string_view line : lines_of(text)) {
    while (line.ends_with(' ') || line.ends_with('\t')) line.remove_suffix(1);
    if (line.empty() || line.starts_with('#')) continue;
    const std::size_t blank = line.find_last_of(" \t");
    if (blank != std::string_view::npos && is_whole_number(line.substr(blank + 1)) &&
        is_file_of(FileKind::images, line.substr(0, blank))) {
      rows.push_back({std::string(line.substr(0, blank)), std::string(line.substr(blank + 1))});
    } else if (!is_file_of(FileKind::images, line)) {
      rows.push_back({std::string(line.substr(0, line.find_first_of(" \t"))), ""});
    } else {
      rows.push_back({std::string(line), ""});
    }
  }
  return rows;
}

/// The names of the classes: numbers stand for themselves, names are sorted. None where a row has no label.
std::vector<std::string> class_names_of(const std::vector<ListRow>& rows, const std::string& where) {
  std::set<std::string_view> names;
  int highest = -1;
  bool numbers = true;
  for (const ListRow& row : rows) {
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

std::optional<int> label_of(const ListRow& row, const std::vector<std::string>& names, bool numbers) {
  if (names.empty()) return std::nullopt;
  if (numbers) return std::stoi(row.label);
  return static_cast<int>(std::lower_bound(names.begin(), names.end(), row.label) - names.begin());
}

/// Absolute folders in which the images of a list may lie: its own and the searched one, images/, those that
/// share its name or its split, and then any other beside them.
std::vector<fs::path> bases_of(Search& search, const fs::path& file) {
  const fs::path root = search.folder();
  std::vector<fs::path> bases = {root, root / "images"};
  if (file.parent_path() != root) bases.push_back(file.parent_path());
  const std::string stem = file.stem().string();
  const SplitKind split = split_of(stem);
  const auto is_likely = [&](const std::string& name) {
    return lower_case(name).ends_with("images") || lower_case(name).starts_with(lower_case(stem)) ||
           (split != SplitKind::none && split_of(name) == split);
  };
  std::vector<std::string> folders = search.here().subfolders;
  std::ranges::stable_sort(folders, {}, [&](const std::string& name) { return is_likely(name) ? 0 : 1; });
  constexpr std::size_t most_folders = 20;
  for (std::size_t i = 0; i < std::min(folders.size(), most_folders); ++i) bases.push_back(root / folders[i]);
  return bases;
}

std::vector<ListRow> read_rows(Search& search, const fs::path& file, const std::string& shown,
                               const std::vector<fs::path>& bases) {
  const std::string text = read_text_file(file, kMostBytes);
  const std::string ending = lower_case(file.extension().string());
  if (ending != ".csv" && ending != ".tsv") return read_lines(text);
  const auto names_image = [&](const std::string& cell) {
    return find_listed_image(search, bases, cell).folder != nullptr;
  };
  ListTable table = read_list_table(text, file.string(), names_image, search.class_column);
  if (!table.refusal.empty()) {
    search.tables_without_class_column.push_back(fmt::format("{}: {}", shown, escaped(table.refusal)));
    return {};
  }
  for (const std::string& note : table.notes) search.listing.notes.push_back(shown + ": " + note);
  return std::move(table.rows);
}

/// Paths of two parts, as "apple_pie/1005649": where nothing else says a class, the folder does.
void take_folders_as_labels(Search& search, const std::string& shown, std::vector<ListRow>& rows) {
  std::set<std::string_view> folders;
  for (const ListRow& row : rows) {
    const std::size_t slash = row.path.find('/');
    if (!row.label.empty() || slash == std::string::npos ||
        row.path.find('/', slash + 1) != std::string::npos)
      return;
    const std::string_view folder = std::string_view(row.path).substr(0, slash);
    if (folder == "." || split_of(folder) != SplitKind::none) return;
    folders.insert(folder);
  }
  if (folders.size() < 2 || folders.size() * 2 > rows.size()) return;
  for (ListRow& row : rows) row.label = row.path.substr(0, row.path.find('/'));
  search.listing.notes.push_back(
      fmt::format("{}: its images' folders are taken as their classes, {} of them", shown, folders.size()));
}

bool take_list(Search& search, const fs::path& file) {
  const std::string name = file.lexically_relative(search.reader.root()).string();
  const std::size_t notes = search.listing.notes.size();
  const std::vector<fs::path> bases = bases_of(search, file);
  std::vector<ListRow> rows = read_rows(search, file, name, bases);
  if (search.type != DatasetKind::images) take_folders_as_labels(search, name, rows);
  const std::vector<std::string> names = class_names_of(rows, file.string());
  if (names.empty() && search.type == DatasetKind::classification) return false;
  const bool numbers =
      std::all_of(rows.begin(), rows.end(), [](const ListRow& row) { return is_whole_number(row.label); });
  ListedFiles files;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i % 4096 == 0) throw_if_interrupted();
    take_listed(search, bases, rows[i].path, label_of(rows[i], names, numbers), files);
  }
  if (files.taken == 0) {
    // What a file says that isn't used helps where nothing else is found.
    if (search.named_file.empty()) search.listing.notes.resize(notes);
    note_listed(search, name, files);
    return false;
  }
  search.class_column.clear();  // it has served
  note_listed(search, name, files);
  const auto labelled =
      std::count_if(rows.begin(), rows.end(), [](const ListRow& row) { return !row.label.empty(); });
  if (names.empty() && labelled > 0) {
    search.listing.notes.push_back(fmt::format("{}: {} of {} rows have no label, so none is used", name,
                                               rows.size() - static_cast<std::size_t>(labelled),
                                               rows.size()));
  }
  search.listing.class_names = names;
  search.listing.layout = fmt::format("{}: list {}", names.empty() ? "images" : "classification", name);
  const bool training = split_of(file.stem().string()) == SplitKind::training ||
                        split_of(file.parent_path().filename().string()) == SplitKind::training;
  if (training) note_training_data(search, name);
  return true;
}

/// A folder by its path in small letters, relative to the searched one; nothing where there is none.
std::optional<std::string> folder_like(Search& search, std::string_view wanted) {
  std::string path;
  while (!wanted.empty()) {
    const std::size_t end = std::min(wanted.find('/'), wanted.size());
    const std::vector<std::string>& folders = search.find(path)->subfolders;
    const auto found = std::ranges::find_if(
        folders, [&](const std::string& name) { return lower_case(name) == wanted.substr(0, end); });
    if (found == folders.end()) return std::nullopt;
    path = join_path(path, *found);
    wanted.remove_prefix(std::min(end + 1, wanted.size()));
  }
  return path;
}

/// Files of a folder that may be lists of images, relative to the searched one.
std::vector<std::string> files_like_lists(Search& search, const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator entry(search.folder() / folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    const std::string lower = lower_case(name);
    const bool ends = lower.ends_with(".csv") || lower.ends_with(".txt") || lower.ends_with(".tsv");
    // What is to be handed in has made-up labels.
    const bool is_form = lower.find("submission") != std::string::npos;
    if (ends && !is_form && !name.starts_with('.')) files.push_back(join_path(folder, name));
  }
  return files;
}

enum class ListKind { held_out, training, other };

ListKind kind_of(const std::string& path) {
  const fs::path file(path);
  const SplitKind split = split_of(file.stem().string());
  if (split == SplitKind::training) return ListKind::training;
  if (split != SplitKind::none || is_one_of(lower_case(file.filename().string()), kKnownLists))
    return ListKind::held_out;
  return ListKind::other;
}

/// Folders to look for lists in, relative to the searched one: those of kListFolders, and the splits that
/// hold their own.
std::vector<std::string> list_folders(Search& search, ListKind kind) {
  std::vector<std::string> folders;
  for (const std::string_view wanted : kListFolders) {
    if (const auto folder = folder_like(search, wanted)) folders.push_back(*folder);
  }
  const std::vector<std::string>& own = search.here().subfolders;
  const std::vector<std::string> splits =
      kind == ListKind::training ? training_splits(own) : held_out_splits(own);
  if (kind != ListKind::other) folders.insert(folders.end(), splits.begin(), splits.end());
  return folders;
}

/// val before test before what has no split; then .txt before .csv, as it always was.
std::vector<std::string> lists_of(Search& search, ListKind kind) {
  std::vector<std::string> found;
  for (const std::string& folder : list_folders(search, kind)) {
    for (const std::string& file : files_like_lists(search, folder)) {
      const bool is_table = !file.ends_with(".txt");
      const bool in_split = split_of(folder) != SplitKind::none;
      const bool fits = in_split ? is_table && kind_of(file) == ListKind::held_out : kind_of(file) == kind;
      if (fits && (kind != ListKind::other || is_table)) found.push_back(file);
    }
  }
  std::ranges::sort(found, {}, [](const std::string& file) {
    const std::string stem = fs::path(file).stem().string();
    return std::tuple(split_of(stem), stem.size(), !file.ends_with(".txt"), file);
  });
  return found;
}

bool find_list(Search& search, ListKind kind) {
  for (const std::string& name : lists_of(search, kind)) {
    search.places.push_back(search.shown(name));
    try {
      if (take_list(search, search.folder() / name)) return true;
    } catch (const Error& error) {
      // A table of any name may be of something else.
      if (kind != ListKind::other || error.code() != ErrorCode::dataset) throw;
    }
  }
  return false;
}

}  // namespace

bool find_named_list(Search& search) {
  search.places.push_back(search.named_file.filename().string());
  return take_list(search, search.named_file);
}

bool find_held_out_list(Search& search) {
  for (const char* name : {"val.txt", "val.csv", "test.txt", "test.csv", "images.txt", "labels.csv"})
    search.places.push_back(search.shown(name));
  return find_list(search, ListKind::held_out);
}

bool find_labels_of_flat_images(Search& search) {
  if (search.here().images.empty()) return false;
  return find_list(search, ListKind::training) || find_list(search, ListKind::other);
}

bool find_other_list(Search& search) {
  return find_list(search, ListKind::other);
}

bool find_other_labels(Search& search) {
  const DatasetKind type = search.type;
  search.type = DatasetKind::classification;  // a list without labels says less than folders do
  const bool found = find_list(search, ListKind::other);
  search.type = type;
  return found;
}

bool find_train_list(Search& search) {
  search.places.push_back(search.shown("train.csv"));
  return find_list(search, ListKind::training);
}

std::string hint_of_list(Search& search) {
  for (const ListKind kind : {ListKind::held_out, ListKind::training}) {
    const std::vector<std::string> lists = lists_of(search, kind);
    const auto table =
        std::ranges::find_if(lists, [](const std::string& name) { return name.ends_with(".csv"); });
    if (table != lists.end()) return search.shown(*table);
    if (kind == ListKind::held_out && !lists.empty()) return search.shown(lists.front());
  }
  return {};
}

}  // namespace calib8
