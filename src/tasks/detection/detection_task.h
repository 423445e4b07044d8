#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tasks/detection/heads/head.h"
#include "tasks/detection/picture_frame.h"
#include "tasks/task.h"

namespace calib8 {

/// Of a sample: where its picture lies in the model's input, and what is marked in it, in the picture's
/// pixels.
struct DetectionSample {
  PictureFrame frame;
  std::optional<std::vector<TrueBox>> objects;  ///< Nothing where no label says it.
};

struct DetectionOptions {
  double most_loss =
      0.01;  ///< Of mAP50-95 against labels; five times as much of mAP50 against float's boxes.
  std::vector<std::string> class_names;  ///< By class; may be fewer than there are.
};

/// Detection is scored by mean average precision: against the labels where the float model's boxes are those
/// of the labels at all, else against the boxes of which the float model is at least a quarter sure. As
/// Ultralytics' validation does, boxes of a score over 0.001 are taken, 300 a picture behind suppression with
/// an overlap of 0.7; as COCO does, the best hundred of a class count.
class DetectionTask : public Task {
 public:
  DetectionTask(DetectionHead head, std::vector<DetectionSample> samples, DetectionOptions options)
      : head_(std::move(head)), samples_(std::move(samples)), options_(std::move(options)) {}

  TaskScore score(Rows of_float, Rows of_quantized) const override;

  /// The boxes that a sample's outputs tell, in the picture's pixels, the best first.
  std::vector<FoundBox> find(std::size_t sample, const std::vector<float>& outputs) const;
  const DetectionHead& head() const { return head_; }

 private:
  using Found = std::vector<std::vector<FoundBox>>;
  using Objects = std::vector<std::vector<TrueBox>>;

  Found find_all(Rows outputs) const;
  bool score_by_labels(const Found& of_float, const Found& of_quantized, TaskScore& score) const;
  void score_by_float(const Found& of_float, const Found& of_quantized, TaskScore& score) const;
  void compare(const Found& of_float, const Found& of_quantized, const Objects& objects,
               TaskScore& score) const;
  std::string name_of(int class_index) const;

  DetectionHead head_;
  std::vector<DetectionSample> samples_;
  DetectionOptions options_;
};

}  // namespace calib8
