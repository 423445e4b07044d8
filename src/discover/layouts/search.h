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

namespace calib8 {

/// Where a data set's parts lie, best for calibration first: data that training has not seen.
inline constexpr std::array<std::string_view, 5> kSplits = {"val", "valid", "validation", "test", "train"};

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
  std::filesystem::path list_file;  ///< Where the user names a list in place of a folder.
  std::vector<std::string> places;
  DatasetListing listing;
  /// Images that are reached by a link: index in listing.images to the real path.
  std::unordered_map<std::size_t, std::string> linked;
};

/// Takes a folder's images, and those below it where `deep`, sorted bytewise by path.
void collect(Search& search, const Folder& folder, bool deep, std::optional<int> label);

/// Takes classes as labels, in their order. False, and nothing taken, where they hold no image.
bool collect_classes(Search& search, const Folder& folder, std::vector<std::string> names);

/// Says so where `place` is training data.
void note_training_data(Search& search, std::string_view place);

/// What became of the files that a list names.
struct ListedFiles {
  std::size_t taken = 0;
  std::size_t missing = 0;  ///< No such file, or no image by its name.
  std::size_t outside = 0;  ///< Out of the data set's folder.
  std::string first_missing, first_outside;
};

/// Takes the file at `path` where it is an image in the data set's folder. A relative path is tried in each
/// of `bases` (absolute folders) in turn.
bool take_listed(Search& search, const std::vector<std::filesystem::path>& bases, std::string_view path,
                 std::optional<int> label, ListedFiles& files);

/// Says what a list named in vain.
void note_listed(Search& search, const std::string& list, const ListedFiles& files);

}  // namespace calib8
