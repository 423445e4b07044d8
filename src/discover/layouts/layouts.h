#pragma once

#include "discover/layouts/search.h"

/// One function a layout. Each adds the places where it looks to search.places, and takes images into
/// search.listing and returns true, or returns false and has taken none. Fails with ErrorCode::dataset where
/// a file that describes the data is damaged.
namespace calib8 {

bool find_data_yaml(Search& search);
bool find_coco(Search& search);
bool find_yolo_folders(Search& search);
bool find_classes_of_held_out_split(Search& search);  ///< val/<class> and so on, test/<class>
bool find_classes_of_train(Search& search);
bool find_classes_alone(Search& search);
bool find_named_list(Search& search);  ///< The list that the user names.
bool find_held_out_list(Search& search);
bool find_train_list(Search& search);
bool find_flat_images(Search& search);
bool find_any_images(Search& search);

/// Whether a layout seems to fit, from names alone that are known already or take one look: what a note may
/// say. Empty, or the place.
std::string hint_of_data_yaml(const Search& search);
std::string hint_of_coco(const Search& search);
std::string hint_of_yolo_folders(const Search& search);
std::string hint_of_classes(const Search& search);
std::string hint_of_list(const Search& search);

}  // namespace calib8
