// Offsets from anchors that the network's training had, as its publication and model card say them:
//
//   MediaPipe BlazeFace   [1, anchors, 16] and [1, anchors, 1] (V. Bazarevsky et al., 2019): center, size and
//   six
//                         points in pixels of the input, from anchors of the whole picture's size
//   RetinaNet             [1, anchors, 4] and [1, anchors, classes] (T.-Y. Lin et al., 2017): nine anchors a
//   cell,
//                         of three sizes and three proportions

#include <algorithm>
#include <array>
#include <cmath>

#include "tasks/detection/heads/columns.h"

namespace calib8 {
namespace {

/// In pixels of the input.
struct Anchor {
  float x, y, width, height;
};

struct Decoding {
  Columns boxes, scores;
  std::vector<Anchor> anchors;
  bool are_logarithms = false;  ///< Sizes are; and offsets are in units of the anchor.
  bool takes_sigmoid = true;

  Corners corners(std::span<const float> outputs, std::size_t box) const {
    const Anchor& anchor = anchors[box];
    const auto number = [&](std::size_t i) { return boxes.at(outputs, box, i); };
    const float largest = std::log(1000.0f / 16);  // as RetinaNet's implementations bound a size
    const float x = anchor.x + number(0) * (are_logarithms ? anchor.width : 1);
    const float y = anchor.y + number(1) * (are_logarithms ? anchor.height : 1);
    const float w = are_logarithms ? std::exp(std::min(number(2), largest)) * anchor.width : number(2);
    const float h = are_logarithms ? std::exp(std::min(number(3), largest)) * anchor.height : number(3);
    return {x - w / 2, y - h / 2, x + w / 2, y + h / 2};
  }

  void operator()(std::span<const float> outputs, float least_score, std::vector<FoundBox>& found) const {
    for (std::size_t box = 0; box < boxes.boxes; ++box) {
      for (std::size_t index = 0; index < scores.columns; ++index) {
        const float value = scores.at(outputs, box, index);
        const float score = takes_sigmoid ? sigmoid(value) : value;
        if (!(score > least_score)) continue;
        const Corners at = corners(outputs, box);
        if (is_box(at)) found.push_back({at, score, static_cast<int>(index)});
      }
    }
  }
};

/// The output that has so many numbers a box, as columns.
std::optional<Columns> find_columns(const HeadQuestion& question, std::int64_t numbers) {
  for (std::size_t i = 0; i < question.outputs.size(); ++i) {
    const Shape& shape = question.outputs[i];
    if (shape.size() == 3 && shape[0] == 1 && shape[2] == numbers)
      return Columns{question.begin(i), static_cast<std::size_t>(shape[1]), static_cast<std::size_t>(numbers),
                     false};
  }
  return std::nullopt;
}

/// Anchors of a map's cells, `repeated` in each, in the middle.
void add_cells(std::vector<Anchor>& anchors, int height, int width, int stride, int repeated) {
  const auto wide = static_cast<float>(width), high = static_cast<float>(height);
  for (const Cell& cell : cells_of(height, width, std::array{stride}, repeated))
    anchors.push_back({(cell.column + 0.5f) * cell.stride, (cell.row + 0.5f) * cell.stride, wide, high});
}

/// Of BlazeFace's versions: short range (128 pixels) and back (256) have maps of 16x16 and 8x8 cells, full
/// range (192) has one of 48x48.
std::vector<Anchor> face_cells(int height, int width, std::size_t boxes) {
  std::vector<Anchor> anchors;
  if (boxes == 896 && (height == 128 || height == 256)) {
    add_cells(anchors, height, width, height / 16, 2);
    add_cells(anchors, height, width, height / 8, 6);
  } else if (boxes == 2304 && height == 192) {
    add_cells(anchors, height, width, 4, 1);
  }
  return anchors;
}

/// torchvision's for RetinaNet: sizes 32 to 512 by stride, and their 2^(1/3) and 2^(2/3) fold; each rounded.
std::vector<Anchor> nine_a_cell(int height, int width) {
  std::vector<Anchor> anchors;
  for (const int stride : {8, 16, 32, 64, 128}) {
    const int rows = (height + stride - 1) / stride, columns = (width + stride - 1) / stride;
    const int down = height / rows, across = width / columns;  // as its anchor generator steps
    for (int row = 0; row < rows; ++row) {
      for (int column = 0; column < columns; ++column) {
        for (const float ratio : {0.5f, 1.0f, 2.0f}) {
          for (const double fold : {0.0, 1.0 / 3, 2.0 / 3}) {
            const auto size = static_cast<float>(static_cast<int>(4 * stride * std::pow(2, fold)));
            const float high = std::sqrt(ratio), wide = 1 / high;
            const float half_width = std::nearbyint(wide * size / 2),
                        half_height = std::nearbyint(high * size / 2);
            anchors.push_back({static_cast<float>(column * across), static_cast<float>(row * down),
                               2 * half_width, 2 * half_height});
          }
        }
      }
    }
  }
  return anchors;
}

}  // namespace

std::optional<DetectionHead> face_anchors(const HeadQuestion& question) {
  constexpr std::int64_t numbers = 16;  // a box and six points
  if (question.outputs.size() != 2) return std::nullopt;
  const auto boxes = find_columns(question, numbers), scores = find_columns(question, 1);
  if (!boxes || !scores || boxes->boxes != scores->boxes) return std::nullopt;
  std::vector<Anchor> anchors = face_cells(question.height, question.width, boxes->boxes);
  if (anchors.size() != boxes->boxes) return std::nullopt;
  return DetectionHead{
      "", 1, true, Decoding{*boxes, *scores, std::move(anchors), false, are_logits(question, *scores, 0, 1)}};
}

std::optional<DetectionHead> retina_anchors(const HeadQuestion& question) {
  constexpr std::size_t a_cell = 9;
  if (question.outputs.size() != 2) return std::nullopt;
  const auto boxes = find_columns(question, 4);
  if (!boxes || boxes->boxes % a_cell != 0) return std::nullopt;
  std::vector<Anchor> anchors = nine_a_cell(question.height, question.width);
  if (anchors.size() != boxes->boxes) return std::nullopt;
  const std::size_t other = boxes->begin == 0 ? 1 : 0;
  const Shape& shape = question.outputs[other];
  if (shape.size() != 3 || shape[1] != question.outputs[1 - other][1]) return std::nullopt;
  const Columns scores{question.begin(other), boxes->boxes, static_cast<std::size_t>(shape[2]), false};
  return DetectionHead{
      "", scores.columns, true,
      Decoding{*boxes, scores, std::move(anchors), true, are_logits(question, scores, 0, scores.columns)}};
}

}  // namespace calib8
