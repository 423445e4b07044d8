#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/shape.h"
#include "tasks/detection/box.h"

namespace calib8 {

/// What is known of a model whose outputs may be a detector's.
struct HeadQuestion {
  std::vector<Shape> outputs;           ///< Of the TFLite graph; images are channels last.
  int height = 0, width = 0;            ///< Of the input, pixels.
  std::optional<std::size_t> classes;   ///< Where something names them.
  std::string task;                     ///< The file's own word: "detect", "segment", ...; may be empty.
  std::span<const float> example = {};  ///< What the float model gives for one sample, all outputs.

  std::size_t elements(std::size_t output) const;
  /// Where an output begins among all.
  std::size_t begin(std::size_t output) const;
  std::span<const float> values(std::size_t output) const {
    return example.subspan(begin(output), elements(output));
  }
};

/// How outputs become boxes.
struct DetectionHead {
  std::string name;  ///< Of its row; for people: "boxes and scores side by side (xywh in pixels)".
  std::size_t classes = 0;
  bool suppresses = true;  ///< Boxes overlap, and the best are to be chosen. False: the model has done so.
  /// Adds the boxes, in pixels of the input, of each class that has more than `least_score` in them.
  /// `outputs` are all of the model, one behind the other. Values that are no numbers make no box.
  std::function<void(std::span<const float> outputs, float least_score, std::vector<FoundBox>& found)> decode;
};

/// A layout of outputs: nothing where they aren't of it.
struct HeadRow {
  std::string_view name;
  std::optional<DetectionHead> (*recognize)(const HeadQuestion& question);
};

/// All that are known; the first that fits is meant.
std::span<const HeadRow> head_rows();

/// The layout of the outputs. Nothing where they are no detector's that is known, or the example isn't of
/// their size.
std::optional<DetectionHead> recognize_head(const HeadQuestion& question);

// The rows, by family.
std::optional<DetectionHead> chosen_boxes(const HeadQuestion& question);
std::optional<DetectionHead> joined_boxes(const HeadQuestion& question);
std::optional<DetectionHead> face_anchors(const HeadQuestion& question);
std::optional<DetectionHead> retina_anchors(const HeadQuestion& question);
std::optional<DetectionHead> boxes_and_scores(const HeadQuestion& question);
std::optional<DetectionHead> feature_maps(const HeadQuestion& question);

}  // namespace calib8
