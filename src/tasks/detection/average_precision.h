#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tasks/detection/box.h"

namespace calib8 {

/// Mean average precision as COCO defines it (cocodataset.org/#detection-eval): precision at 101 recalls, the
/// mean over classes that have objects. 0 to 1; 0 where there is no object at all.
struct MeanPrecision {
  double at_50 = 0;     ///< At an intersection over union of 0.5,
  double at_50_95 = 0;  ///< and the mean over 0.5, 0.55 to 0.95.
};

/// Which boxes that were found are true, at each of the ten overlaps: computed once, so that the precision of
/// any selection of pictures follows quickly. The numbers are those of pycocotools (area "all", 100 boxes of
/// a class in a picture).
class BoxMatches {
 public:
  static constexpr std::size_t overlaps = 10;
  static constexpr std::size_t most_of_class = 100;

  /// [picture][box]; both have the same pictures.
  BoxMatches(std::span<const std::vector<FoundBox>> found, std::span<const std::vector<TrueBox>> objects);

  MeanPrecision precision() const;
  /// Of a data set that has picture i times[i] times.
  MeanPrecision precision(std::span<const int> times) const;

  struct OfClass {
    int class_index = 0;
    std::size_t objects = 0;
    MeanPrecision precision;
  };
  /// Of the classes that have objects, by index.
  std::vector<OfClass> by_class() const;
  std::size_t objects() const;  ///< Crowds apart.

 private:
  struct Match {
    float score;
    std::uint32_t picture;
    std::uint16_t is_true = 0, is_ignored = 0;  ///< A bit for each overlap.
  };
  struct Class {
    int index = 0;
    std::vector<Match> matches;          ///< Best score first.
    std::vector<std::uint32_t> objects;  ///< The pictures of the objects that count.
  };
  using Precisions = std::array<double, overlaps>;

  static bool compute(const Class& of, std::span<const int> times, Precisions& precisions);
  void match_picture(std::uint32_t picture, const std::vector<FoundBox>& found,
                     const std::vector<TrueBox>& objects, Class& of);

  std::size_t pictures_;
  std::vector<Class> classes_;  ///< By index.
};

}  // namespace calib8
