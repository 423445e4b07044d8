#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "discover/annotations.h"

namespace calib8 {

/// The parts of a COCO annotation file (cocodataset.org/#format-data) that matter here. Boxes are in pixels.
struct CocoFile {
  struct Picture {
    std::int64_t id = 0;
    double width = 0, height = 0;  ///< 0 where the file doesn't say.
    std::string file_name;
  };
  struct Object {
    std::int64_t image = 0;
    std::int64_t category = 0;
    float left = 0, top = 0, width = 0, height = 0;
    bool is_crowd = false;
  };
  struct Category {
    std::int64_t id = 0;
    std::string name;
  };

  std::vector<Picture> images;
  std::vector<Object> objects;       ///< Sorted by image.
  std::vector<Category> categories;  ///< Sorted by id.
};

/// Reads a file as a stream: what isn't used (outlines, captions) costs no memory. Fails with
/// ErrorCode::dataset where it isn't JSON, is larger than 2 GiB, or a member has another type.
CocoFile read_coco(const std::filesystem::path& file);

}  // namespace calib8
