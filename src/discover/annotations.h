#pragma once

#include <vector>

#include "discover/image_list.h"
#include "image/box.h"

namespace calib8 {

/// What a detection data set says about its images. Files are read when they are asked for.
class Annotations {
 public:
  virtual ~Annotations() = default;
  /// Whether an object is marked in the image; cheap.
  virtual bool has_objects(const ImageEntry& image) const = 0;
  /// Whether anything says what is in the image, and be it nothing.
  virtual bool is_labelled(const ImageEntry& image) const = 0;
  /// Fails with ErrorCode::dataset where the label file is damaged; no boxes where there is none.
  virtual std::vector<Box> read_boxes(const ImageEntry& image) const = 0;
};

/// YOLO's label files: one line `class x y width height` an object (or `class x1 y1 x2 y2 ...`, a polygon,
/// whose bounding box is taken). The file of `a/images/b/c.jpg` is `a/labels/b/c.txt`: the last part named
/// `images` is replaced; without one the text file lies beside the image.
class YoloAnnotations : public Annotations {
 public:
  bool has_objects(const ImageEntry& image) const override;
  bool is_labelled(const ImageEntry& image) const override;
  std::vector<Box> read_boxes(const ImageEntry& image) const override;
};

/// Where the labels of an image lie, by the rule above.
std::filesystem::path yolo_label_path(const std::filesystem::path& image);

}  // namespace calib8
