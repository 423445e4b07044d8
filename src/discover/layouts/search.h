#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "discover/discover.h"
#include "discover/folder_reader.h"
#include "discover/split_names.h"

namespace calib8 {

template <std::size_t count>
bool is_one_of(std::string_view word, const std::array<std::string_view, count>& words) {
  for (const std::string_view candidate : words) {
    if (candidate == word) return true;
  }
  return false;
}

/// "1 image", "2 images"
std::string plural(std::size_t count, std::string_view one, std::string_view many);

/// The places tried so far, and what is being put together; `listing.layout` without its numbers.
struct Search {
  FolderReader reader;
  DatasetKind type = DatasetKind::automatic;
  std::filesystem::path named_file;  ///< The list or description that the user names in place of a folder.
  std::vector<std::string> places;
  DatasetListing listing;
  /// Images that are reached by a link: index in listing.images to the real path.
  std::unordered_map<std::size_t, std::string> linked;
  /// The folder that layouts are looked for in, relative to the reader's root: data sets come unpacked into
  /// folders of their own. Paths of images stay relative to the root.
  std::string base = {};
  std::string class_column = {};  ///< As DiscoverOptions has it, until a table is taken by it.
  std::vector<std::string> tables_without_class_column = {};  ///< "labels.csv: its columns are a, b"
  std::size_t classes_without_images_said = 0;  ///< Of the class names: a note has told of them.

  const Folder& here() { return *reader.find(base); }
  /// A folder in it, or null.
  const Folder* find(const std::string& path) { return reader.find(join_path(base, path)); }
  std::filesystem::path folder() const { return reader.root() / base; }
  /// A place in it, as a person should read it.
  std::string shown(std::string_view path) const { return join_path(base, std::string(path)); }
};

/// Takes a folder's images, and those below it where `deep`, sorted bytewise by path.
void collect(Search& search, const Folder& folder, bool deep, std::optional<int> label);

/// Takes classes as labels, in their order; those that the folder lacks have no image. False, and nothing
/// taken, where they hold no image.
bool collect_classes(Search& search, const Folder& folder, std::vector<std::string> names);

/// Says that `place` is training data.
void note_training_data(Search& search, std::string_view place);

/// Whether images lie in a folder or below it. Reads all that is there.
bool holds_images(Search& search, const Folder& folder);

/// What became of the files that a list names.
struct ListedFiles {
  std::size_t taken = 0;
  std::size_t missing = 0;  ///< No such file, or no image by its name.
  std::size_t outside = 0;  ///< Out of the data set's folder.
  std::size_t moved = 0;    ///< Taken by the last parts of a path that was another machine's.
  std::string first_missing, first_outside, first_moved;
};

/// An image that a list names.
struct ListedImage {
  const Folder* folder = nullptr;
  std::string name;
  bool outside = false;  ///< The path leads out of the data set's folder; there is no folder then.
  bool moved = false;    ///< Only the last parts of the path are found.
};

/// Finds the image at `path`, with or without its ending. A relative path is tried in each of `bases`
/// (absolute folders) in turn; a path that isn't there is tried without its first parts, as lists made on
/// another machine hold theirs.
ListedImage find_listed_image(Search& search, const std::vector<std::filesystem::path>& bases,
                              std::string_view path);

/// Takes that image.
bool take_listed(Search& search, const std::vector<std::filesystem::path>& bases, std::string_view path,
                 std::optional<int> label, ListedFiles& files);

/// Says what a list named in vain.
void note_listed(Search& search, const std::string& list, const ListedFiles& files);

}  // namespace calib8
