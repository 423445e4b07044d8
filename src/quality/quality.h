#pragma once

#include <cstddef>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "discover/discover.h"
#include "image/decode.h"
#include "image/image.h"

namespace calib8 {

/// What decoding one image told.
struct ImageFacts {
  int width = 0, height = 0;  ///< In pixels.
  ImageFormat format = ImageFormat::unknown;
  bool near_constant = false;  ///< No channel varies by more than kConstantLevels.
  bool clipped = false;        ///< 16 bit gray of which values over 255 became white.
  bool gray = false;           ///< Red, green and blue are equal in every pixel.
};

/// Levels of 255 by which a picture of nothing (a black frame, a placeholder) may vary.
inline constexpr int kConstantLevels = 8;

ImageFacts examine(ByteView file, const Image& image);

/// Smallest, middle and largest value.
struct Spread {
  int least = 0, median = 0, most = 0;
};

/// What was found in a data set, over the images that were opened: those drawn, or all.
struct QualityReport {
  bool all = false;        ///< Every image was opened.
  std::size_t images = 0;  ///< Opened and readable, repeated ones too.
  std::size_t unreadable = 0, repeated = 0, near_constant = 0, other_ending = 0, gray = 0, clipped = 0;
  std::string first_unreadable, first_repeated, first_near_constant, first_other_ending, first_clipped;
  std::map<std::string, std::size_t> formats;  ///< "JPEG": 80
  Spread width, height;                        ///< In pixels.
  std::vector<std::size_t> class_counts;       ///< By label, over the whole listing; empty without classes.
  std::vector<std::string> warnings;           ///< What, how many and what to do: one sentence each.
};

/// Puts a report together, image by image, in the order in which they were drawn.
class QualityCounter {
 public:
  void add(const std::string& relative_path, const ImageFacts& facts);
  void add_unreadable(const std::string& relative_path, const std::string& reason);
  void add_repeated(const std::string& relative_path, const std::string& same_as);

  /// `calibration` is the number of images that calibrate.
  QualityReport finish(const DatasetListing& listing, std::size_t calibration, bool all);

 private:
  QualityReport report_;
  std::vector<int> widths_, heights_;
};

nlohmann::json to_json(const QualityReport& report);

/// For a person: counts, sizes, formats, and the warnings, a line each.
std::vector<std::string> to_lines(const QualityReport& report);

}  // namespace calib8
