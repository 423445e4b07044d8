#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "base/text.h"
#include "calib8/error.h"
#include "discover/layouts/layouts.h"
#include "discover/text_file.h"

/// YOLO's data.yaml: path, train, val, test and names. Nothing else in it is looked at; `download`, which
/// others run as a script, is never.
namespace calib8 {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 4> kFiles = {"data.yaml", "dataset.yaml", "data.yml", "dataset.yml"};
/// The members of each split, in the order in which they are taken; in any case.
constexpr std::array<std::string_view, 7> kKeys = {"val",  "valid",   "validation", "dev",
                                                   "test", "testing", "train"};
constexpr std::uintmax_t kMostYamlBytes = std::uintmax_t{4} << 20;
constexpr std::uintmax_t kMostListBytes = std::uintmax_t{1} << 30;
constexpr std::size_t kMostNames = 1'000'000;
constexpr std::size_t kMostPlaces = 1000;

fs::path file_in(const Search& search) {
  if (!search.named_file.empty()) return search.named_file;
  std::error_code error;
  const fs::path root = search.folder();
  for (const std::string_view name : kFiles) {
    if (fs::is_regular_file(root / name, error)) return root / name;
  }
  return {};
}

YAML::Node load(const fs::path& file) {
  const std::string text = read_text_file(file, kMostYamlBytes);
  try {
    YAML::Node root = YAML::Load(text);
    if (!root.IsMap())
      throw Error(ErrorCode::dataset, "is not a map of val, train, names ...", file.string());
    return root;
  } catch (const YAML::Exception& error) {
    throw Error(ErrorCode::dataset,
                fmt::format("is not valid YAML: {} (line {})", error.msg, error.mark.line + 1),
                file.string());
  }
}

/// The strings of one member: one, a list, or none. Fails where it is something else.
std::vector<std::string> strings_of(const YAML::Node& node, const std::string& key, const fs::path& file) {
  std::vector<std::string> strings;
  if (!node || node.IsNull()) return strings;
  if (node.IsScalar()) return {node.Scalar()};
  if (!node.IsSequence() || node.size() > kMostPlaces)
    throw Error(ErrorCode::dataset, fmt::format("'{}' is neither a path nor a list of paths", key),
                file.string());
  for (const YAML::Node& item : node) {
    if (!item.IsScalar())
      throw Error(ErrorCode::dataset, fmt::format("'{}' is neither a path nor a list of paths", key),
                  file.string());
    strings.push_back(item.Scalar());
  }
  return strings;
}

/// names: [a, b] or {0: a, 1: b}
std::vector<std::string> names_of(const YAML::Node& node, const fs::path& file) {
  std::vector<std::string> names;
  if (!node || node.IsNull()) return names;
  const auto refuse = [&] {
    throw Error(ErrorCode::dataset, "'names' is neither a list of names nor a map from number to name",
                file.string());
  };
  if ((!node.IsSequence() && !node.IsMap()) || node.size() > kMostNames) refuse();
  if (node.IsSequence()) {
    for (const YAML::Node& item : node) {
      if (!item.IsScalar()) refuse();
      names.push_back(item.Scalar());
    }
    return names;
  }
  for (const auto& item : node) {
    std::size_t number = 0;
    if (!item.first.IsScalar() || !item.second.IsScalar() ||
        !YAML::convert<std::size_t>::decode(item.first, number) || number >= kMostNames) {
      refuse();
    }
    if (names.size() <= number) names.resize(number + 1);
    names[number] = item.second.Scalar();
  }
  return names;
}

/// The member of that name, in any case.
YAML::Node member(const YAML::Node& yaml, std::string_view name) {
  for (const auto& item : yaml) {
    if (item.first.IsScalar() && lower_case(item.first.Scalar()) == name) return item.second;
  }
  return {};
}

/// Where relative paths start: the member `path`, itself relative to the file. Data that were made elsewhere
/// name a folder that isn't here; then the file's own folder is meant.
std::vector<fs::path> bases_of(Search& search, const YAML::Node& path, const fs::path& file) {
  const fs::path own = file.parent_path();
  const std::vector<std::string> named = strings_of(path, "path", file);
  if (named.empty() || named[0].empty()) return {own};
  std::error_code error;
  const fs::path base = fs::weakly_canonical(own / named[0], error);
  if (!error && fs::is_directory(base, error)) return base == own ? std::vector{own} : std::vector{base, own};
  if (fs::path(named[0]).filename() != own.filename()) {
    search.listing.notes.push_back(fmt::format("{}: its path {} isn't there; the folder of the file is used",
                                               file.filename().string(), named[0]));
  }
  return {own};
}

/// The lines of a list of images.
void take_list(Search& search, const fs::path& list, std::vector<fs::path> bases, ListedFiles& files) {
  bases.insert(bases.begin(), list.parent_path());
  const std::string text = read_text_file(list, kMostListBytes);
  for (const std::string_view line : lines_of(text)) {
    if (!line.empty()) take_listed(search, bases, line, std::nullopt, files);
  }
}

/// A folder or list that `place` may mean: as it stands, or (as Roboflow writes it) without its leading
/// "../".
fs::path existing(const std::vector<fs::path>& bases, const std::string& place) {
  std::error_code error;
  for (const std::string& spelling : {place, place.starts_with("../") ? place.substr(3) : place}) {
    for (const fs::path& base : bases) {
      const fs::path path = fs::canonical(base / spelling, error);
      if (!error) return path;
    }
  }
  return {};
}

bool take_place(Search& search, const std::vector<fs::path>& bases, const std::string& place,
                const std::string& key, ListedFiles& files) {
  const fs::path path = existing(bases, place);
  if (path.empty()) return false;
  const std::size_t before = search.listing.images.size();
  std::error_code error;
  if (!is_within(path, search.reader.root()) && !search.reader.options().follow_links) {
    search.listing.notes.push_back(
        fmt::format("data.yaml: {} ({}) leads out of the folder and is left out: name a folder that holds "
                    "both, or use --follow-links",
                    key, place));
  } else if (fs::is_directory(path, error)) {
    if (const Folder* folder = search.reader.find_anywhere(path))
      collect(search, *folder, true, std::nullopt);
  } else {
    take_list(search, path, bases, files);
  }
  return search.listing.images.size() > before;
}

}  // namespace

std::filesystem::path root_of_data_yaml(const fs::path& file) {
  const fs::path own = file.parent_path();
  const YAML::Node yaml = load(file);
  const std::vector<std::string> named = strings_of(member(yaml, "path"), "path", file);
  if (named.empty() || named[0].empty()) return own;
  std::error_code error;
  const fs::path base = fs::canonical(own / named[0], error);
  return !error && fs::is_directory(base, error) ? base : own;
}

bool find_data_yaml(Search& search) {
  search.places.push_back(search.shown("data.yaml"));
  const fs::path file = file_in(search);
  if (file.empty()) return false;
  const YAML::Node yaml = load(file);
  const std::string name = search.shown(file.filename().string());
  search.places.back() = name;
  const std::vector<fs::path> bases = bases_of(search, member(yaml, "path"), file);
  for (const std::string_view word : kKeys) {
    const std::string key(word);
    ListedFiles files;
    std::vector<std::string> taken;
    for (const std::string& place : strings_of(member(yaml, key), key, file)) {
      search.places.push_back(fmt::format("{} {}: {}", name, key, place));
      if (take_place(search, bases, place, key, files)) taken.push_back(place);
    }
    note_listed(search, fmt::format("{} {}", name, key), files);
    if (taken.empty()) continue;
    search.listing.layout = fmt::format("detection: {} {} ({})", name, key, fmt::join(taken, ", "));
    search.listing.object_names = names_of(member(yaml, "names"), file);
    search.listing.annotations = std::make_shared<YoloAnnotations>();
    if (key == "train") note_training_data(search, fmt::format("{} {}", name, key));
    return true;
  }
  return false;
}

std::string hint_of_data_yaml(Search& search) {
  const fs::path file = file_in(search);
  return file.empty() ? "" : search.shown(file.filename().string());
}

}  // namespace calib8
