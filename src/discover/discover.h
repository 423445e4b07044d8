#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "calib8/choices.h"
#include "discover/annotations.h"
#include "discover/image_list.h"

namespace calib8 {

struct DiscoverOptions {
  /// What the user says the folder holds; `automatic` takes the first layout that fits.
  DatasetKind type = DatasetKind::automatic;
  bool follow_links = false;  ///< Also symbolic links, and paths in lists, that lead out of the folder.
  std::string class_column;   ///< Of a table that names images: its classes. Empty: the likeliest.
};

/// What was found in a folder.
struct DatasetListing {
  std::string layout;  ///< For a person: "classification: val/<class>, 10 classes, 800 images".
  std::filesystem::path root;
  std::vector<std::string> class_names;   ///< By label. Sorted bytewise where folders are classes, as
                                          ///< torchvision's ImageFolder; empty without classes.
  std::vector<std::string> object_names;  ///< Detection: the names that data.yaml or COCO give, by class.
  ImageList images;                       ///< Sorted bytewise by relative_path; at least one.
  bool arrays = false;                    ///< `images` are .npy and .npz files.
  std::shared_ptr<const Annotations> annotations;  ///< Detection alone; else null.
  std::vector<std::string> notes;  ///< What a person should know: "train/ is used: ...", one sentence each.
};

/// Finds the images of a folder, or of a description of them: `folder` may be a .txt, .csv, .tsv, .yaml or
/// .json (COCO) file. The first of these layouts that holds an image is taken and said in `layout`; where
/// another one of the list seems to fit too, a note names it. Splits have any spelling of split_names.h.
///
///  1. detection: data.yaml or dataset.yaml (YOLO): val, then test, then train
///  2. detection: annotations/*.json (COCO), or _annotations.coco.json in valid/, val/, test/, train/; the
///     first of instances_val*, *val*, instances_test*, *test*, others, *train*; result.json
///  3. detection: images/val, output/images/val, images/test, and val/images beside val/labels (also with
///     valid, validation and test), images/ beside labels/, then the same under train
///  4. classification: val/<class>/, valid/, validation/, dev/, eval/, then test/; numbered as train/<class>/
///     beside it where the two differ
///  5. images: a list of paths: val.txt, val.csv and so on (valid, validation, test), then images, labels
///  6. classification: train/<class>/
///  7. classification: a table of any name that names images and labels
///  8. classification: <class>/ alone, where folders directly below hold images and the folder itself none
///  9. images directly in the folder (with the labels of a list of training data), then in val/, test/
/// 10. images: train.txt, train.csv; train/, images/; a table of any name without labels
/// 11. images: a search through all folders below; before it 1 to 8 and splits in a folder further down,
/// which
///     alone holds images or holds splits
/// 12. arrays (.npy, .npz), where there is no image: 4, 6, 8, 9 and 11 with these
///
/// DatasetKind::classification allows 4 and 6 to 8 and lists with labels, detection 1 to 3, images 5 and 9 to
/// 11, numpy 12. Every folder of a split is a class, even an empty one, so that indices are those of
/// training; images are found at any depth below it. Data that training has seen (train) is noted.
///
/// Images are told by their names' ending. Names that begin with a dot, `__MACOSX` and symbolic links that
/// lead out of the folder (see DiscoverOptions) or back into their own path are left out. The result doesn't
/// depend on the order in which the file system lists. Each folder is read once and no image is looked at.
///
/// Fails with ErrorCode::usage where a class column is named and the data are no table, with
/// ErrorCode::dataset where the table has no such column, where `folder` is neither, where a list or
/// annotation file is damaged, or where no image is found: the error lists every place looked in.
DatasetListing discover_dataset(const std::filesystem::path& folder, const DiscoverOptions& options = {});

}  // namespace calib8
