#pragma once

#include "discover/layouts/search.h"

/// One function a layout. Each adds the places where it looks to search.places, and takes images into
/// search.listing and returns true, or returns false and has taken none. Fails with ErrorCode::dataset where
/// a file that describes the data is damaged.
namespace calib8 {

bool find_data_yaml(Search& search);  ///< Also any .yaml file that the user names.
bool find_coco(Search& search);
bool find_yolo_folders(Search& search);
bool find_classes_of_held_out_split(Search& search);  ///< val/<class> and so on, test/<class>
bool find_classes_of_train(Search& search);
bool find_classes_alone(Search& search);
/// A description that the user names in place of a folder: search.named_file.
bool find_named_list(Search& search);
bool find_named_coco(Search& search);
bool find_held_out_list(Search& search);
bool find_train_list(Search& search);
bool find_other_labels(Search& search);  ///< The same, with labels.
bool find_other_list(Search& search);    ///< A table of any name whose rows name images.
/// Images in the folder itself, and a list of training data beside them that says their classes.
bool find_labels_of_flat_images(Search& search);
bool find_flat_images(Search& search);  ///< In the folder itself, or in a split that is held out.
bool find_flat_held_out(Search& search);
bool find_flat_training(Search& search);  ///< In train/, or in images/ and its like.
bool find_any_images(Search& search);

/// The folder that the paths of a YOLO description start in: its member `path` where that is there, else the
/// file's own. Fails with ErrorCode::dataset where the file can't be read.
std::filesystem::path root_of_data_yaml(const std::filesystem::path& file);

/// Whether a layout seems to fit, from names alone that are known already or take one look: what a note may
/// say. Empty, or the place.
std::string hint_of_data_yaml(Search& search);
std::string hint_of_coco(Search& search);
std::string hint_of_yolo_folders(Search& search);
std::string hint_of_classes(Search& search);
std::string hint_of_list(Search& search);

}  // namespace calib8
