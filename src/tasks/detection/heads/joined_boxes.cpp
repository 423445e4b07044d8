// One output of boxes by columns, [1, columns, boxes] or [1, boxes, columns]:
//
//   Ultralytics (v3 to 12, 26): x y w h, a score for each class, then masks' coefficients, keypoints or an
//   angle YOLOv5, v7:                 x y w h, how sure it is of an object, a score for each class; three
//   boxes a cell YOLOX:                      the same with one box a cell; where it isn't decoded, x and y
//   are offsets from
//                               the cell and w and h logarithms, all in strides

#include <algorithm>
#include <cmath>

#include "tasks/detection/heads/columns.h"

namespace calib8 {
namespace {

/// The columns behind the box.
struct Scores {
  std::size_t first = 4, classes = 0;
  std::optional<std::size_t> object = {};  ///< The column of how sure it is of an object.
  bool are_logits = false;
};

bool has_other_columns(const std::string& task) {
  return task == "segment" || task == "pose" || task == "obb";
}

/// Which columns are scores; nothing where they can't be.
std::optional<Scores> scores_of(const HeadQuestion& question, const Columns& columns,
                                const Pyramid& pyramid) {
  constexpr std::size_t box = 4;
  if (columns.columns <= box) return std::nullopt;
  const std::size_t behind = columns.columns - box;
  if (question.classes && *question.classes == behind) return Scores{box, behind};
  if (has_other_columns(question.task)) {
    if (!question.classes || *question.classes >= behind) return std::nullopt;
    return Scores{box, *question.classes};
  }
  if (question.classes && *question.classes + 1 == behind) return Scores{box + 1, behind - 1, box};
  const bool has_object = behind >= 2 && (pyramid.boxes_a_cell > 1 || !columns.columns_first);
  return has_object ? Scores{box + 1, behind - 1, box} : Scores{box, behind};
}

/// Offsets from cells and logarithms of sizes: nothing lies as far out as the picture's edge, and sizes below
/// a stride are negative.
bool are_offsets(const HeadQuestion& question, const Columns& columns) {
  float farthest = 0, least_size = 0;
  for (std::size_t box = 0; box < columns.boxes; ++box) {
    farthest = std::max(farthest, std::abs(columns.at(question.example, box, 0)));
    least_size = std::min(least_size, columns.at(question.example, box, 2));
  }
  return farthest < 0.5f * static_cast<float>(question.width) && least_size < 0;
}

struct Decoding {
  Columns columns;
  Scores scores;
  BoxUnits units;
  std::vector<Cell> cells;  ///< Of boxes that are offsets from them; else empty.
  int height, width;

  Corners corners(std::span<const float> outputs, std::size_t box) const {
    float numbers[4];
    for (std::size_t i = 0; i < 4; ++i) numbers[i] = columns.at(outputs, box, i);
    if (!cells.empty()) {
      const Cell& cell = cells[box];
      numbers[0] = (numbers[0] + cell.column) * cell.stride;
      numbers[1] = (numbers[1] + cell.row) * cell.stride;
      numbers[2] = std::exp(numbers[2]) * cell.stride;
      numbers[3] = std::exp(numbers[3]) * cell.stride;
    }
    return to_corners(numbers, units, height, width);
  }

  void operator()(std::span<const float> outputs, float least_score, std::vector<FoundBox>& found) const {
    const auto score = [&](std::size_t box, std::size_t column) {
      const float value = columns.at(outputs, box, column);
      return scores.are_logits ? sigmoid(value) : value;
    };
    for (std::size_t box = 0; box < columns.boxes; ++box) {
      const float object = scores.object ? score(box, *scores.object) : 1;
      if (!(object > least_score)) continue;
      for (std::size_t index = 0; index < scores.classes; ++index) {
        const float sure = object * score(box, scores.first + index);
        if (!(sure > least_score)) continue;
        const Corners at = corners(outputs, box);
        if (is_box(at)) found.push_back({at, sure, static_cast<int>(index)});
      }
    }
  }
};

}  // namespace

std::optional<DetectionHead> joined_boxes(const HeadQuestion& question) {
  std::optional<std::size_t> joined;
  for (std::size_t i = 0; i < question.outputs.size(); ++i) {
    const Shape& shape = question.outputs[i];
    if (shape.size() != 3) continue;
    if (joined) return std::nullopt;
    joined = i;
  }
  if (!joined || question.outputs.size() > 2) return std::nullopt;
  const Shape& shape = question.outputs[*joined];
  if (shape[0] != 1 || shape[1] < 5 || shape[2] < 5) return std::nullopt;
  const auto size = [&](std::size_t axis) { return static_cast<std::size_t>(shape[axis]); };
  Columns columns{question.begin(*joined), size(1), size(2), false};
  Pyramid pyramid = pyramid_of(question.height, question.width, columns.boxes);
  if (pyramid.strides.empty()) {
    columns = {question.begin(*joined), size(2), size(1), true};
    pyramid = pyramid_of(question.height, question.width, columns.boxes);
  }
  if (pyramid.strides.empty()) return std::nullopt;
  auto scores = scores_of(question, columns, pyramid);
  if (!scores) return std::nullopt;
  scores->are_logits =
      are_logits(question, columns, scores->object.value_or(scores->first), scores->first + scores->classes);
  Decoding decoding{columns, *scores, units_of(question, columns), {}, question.height, question.width};
  std::string name = describe(decoding.units);
  if (scores->object && pyramid.boxes_a_cell == 1 && are_offsets(question, columns)) {
    decoding.cells = cells_of(question.height, question.width, pyramid.strides);
    decoding.units = {BoxForm::center, false};
    name = "offsets from the cells";
  }
  return DetectionHead{std::move(name), scores->classes, true, std::move(decoding)};
}

}  // namespace calib8
