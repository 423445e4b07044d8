#include <cassert>

#include "tasks/detection/heads/head.h"

namespace calib8 {
namespace {

constexpr HeadRow rows[] = {
    {"boxes that the model has chosen", chosen_boxes},               // YOLOv10 and 26, end to end
    {"boxes and scores side by side", joined_boxes},                 // Ultralytics, YOLOv5 and v7, YOLOX
    {"offsets from face anchors", face_anchors},                     // MediaPipe BlazeFace
    {"offsets from anchors of nine a cell", retina_anchors},         // RetinaNet
    {"boxes and scores as outputs of their own", boxes_and_scores},  // SSD, parts of the others
    {"feature maps", feature_maps},                                  // Ultralytics' heads, undecoded
};

}  // namespace

std::size_t HeadQuestion::elements(std::size_t output) const {
  return static_cast<std::size_t>(element_count(outputs[output]).value_or(0));
}

std::size_t HeadQuestion::begin(std::size_t output) const {
  std::size_t first = 0;
  for (std::size_t i = 0; i < output; ++i) first += elements(i);
  return first;
}

std::span<const HeadRow> head_rows() {
  return rows;
}

std::optional<DetectionHead> recognize_head(const HeadQuestion& question) {
  if (question.height < 1 || question.width < 1) return std::nullopt;
  if (question.example.size() != question.begin(question.outputs.size())) return std::nullopt;
  for (const HeadRow& row : rows) {
    auto head = row.recognize(question);
    if (!head) continue;
    head->name = std::string(row.name) + (head->name.empty() ? "" : ": " + head->name);
    return head;
  }
  return std::nullopt;
}

}  // namespace calib8
