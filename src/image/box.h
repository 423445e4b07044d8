#pragma once

namespace calib8 {

/// An object in an image; its centre and size as shares of the image's width and height, 0 to 1.
struct Box {
  int class_index = 0;  ///< Of the object.
  float x = 0, y = 0;   ///< Centre.
  float width = 0, height = 0;
  bool is_crowd = false;    ///< Of several objects that nobody told apart.
  bool is_outline = false;  ///< The bounds of what was marked by a polygon.
};

}  // namespace calib8
