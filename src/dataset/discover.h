#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace calib8 {

/// What the user says the folder holds; `automatic` takes the first layout that fits.
enum class DatasetType { automatic, classification, detection, images };

/// One image file, not opened yet.
struct ImageEntry {
  std::filesystem::path path;  ///< The listing's root and relative_path.
  std::string relative_path;   ///< To the listing's root, with '/'; bytes as the file system has them.
  std::optional<int> label;    ///< Index into DatasetListing::class_names, where folders are classes.
};

/// What was found in a folder.
struct DatasetListing {
  std::string layout;  ///< For a person: "classification: val/<class>, 10 classes, 800 images".
  std::filesystem::path root;
  std::vector<std::string>
      class_names;                 ///< Sorted bytewise, as torchvision's ImageFolder; empty without classes.
  std::vector<ImageEntry> images;  ///< Sorted bytewise by relative_path; at least one.
  std::vector<std::string> notes;  ///< What a person should know: "train/ is used: ...", one sentence each.
};

/// Finds the images of a folder. The first of these that holds an image is taken, and said in `layout`:
///
/// 1. detection (YOLO): images/val, output/images/val, images/test, and val/images beside val/labels (also
/// with
///    valid, validation and test), then the same under train;
/// 2. classification: val/<class>/, valid/, validation/, then test/, then train/ (noted, as it measures
/// nothing new);
/// 3. classification: <class>/ alone, where folders directly below hold images and the folder itself holds
/// none;
/// 4. images directly in the folder, in val/ (valid/, validation/), test/ or train/;
/// 5. a search through all folders below.
///
/// DatasetType::classification allows 2 and 3, detection 1, and images 4 and 5. Every folder of a split is a
/// class, even an empty one, so that indices are those of training; images are found at any depth below it.
///
/// Images are told by their names' ending (jpg, jpeg, png, in any case). Names that begin with a dot,
/// `__MACOSX` and symbolic links that lead out of the folder or back into their own path are left out. The
/// result doesn't depend on the order in which the file system lists. Each folder is read once and no file is
/// looked at.
///
/// Fails with ErrorCode::dataset where `folder` isn't a folder, or where no image is found: the error lists
/// every place looked in.
DatasetListing discover_dataset(const std::filesystem::path& folder,
                                DatasetType type = DatasetType::automatic);

}  // namespace calib8
