// One output [1, boxes, 6]: left, top, right, bottom, score and class of the boxes that the model has chosen.

#include <algorithm>
#include <cmath>

#include "tasks/detection/heads/columns.h"

namespace calib8 {
namespace {

constexpr std::size_t score = 4, label = 5, numbers = 6;
constexpr std::int64_t most_chosen = 1000;

bool holds_labels(const HeadQuestion& question, const Columns& columns) {
  for (std::size_t box = 0; box < columns.boxes; ++box) {
    const float index = columns.at(question.example, box, label);
    const float sure = columns.at(question.example, box, score);
    if (index < 0 || index != std::floor(index) || sure < 0 || sure > 1) return false;
    if (columns.at(question.example, box, 2) < columns.at(question.example, box, 0)) return false;
  }
  return true;
}

}  // namespace

std::optional<DetectionHead> chosen_boxes(const HeadQuestion& question) {
  if (question.outputs.empty() || question.outputs.size() > 2) return std::nullopt;
  const Shape& shape = question.outputs[0];
  if (shape.size() != 3 || shape[0] != 1 || shape[2] < std::int64_t{numbers} || shape[1] > most_chosen)
    return std::nullopt;
  const Columns columns{0, static_cast<std::size_t>(shape[1]), static_cast<std::size_t>(shape[2]), false};
  const bool has_more = columns.columns > numbers;  // coefficients of masks, keypoints, an angle
  if (has_more && (question.task.empty() || question.task == "detect")) return std::nullopt;
  if (!holds_labels(question, columns)) return std::nullopt;
  BoxUnits units = units_of(question, columns);
  units.form = BoxForm::corners;
  DetectionHead head{describe(units), question.classes.value_or(0), false, {}};
  head.decode = [columns, units, height = question.height, width = question.width](
                    std::span<const float> outputs, float least_score, std::vector<FoundBox>& found) {
    for (std::size_t box = 0; box < columns.boxes; ++box) {
      const auto number = [&](std::size_t i) { return columns.at(outputs, box, i); };
      const float sure = number(score), index = std::round(number(label));
      if (!(sure > least_score) || !(index >= 0) || index > 1e6f) continue;
      const Corners at = to_corners({number(0), number(1), number(2), number(3)}, units, height, width);
      if (is_box(at)) found.push_back({at, sure, static_cast<int>(index)});
    }
  };
  return head;
}

}  // namespace calib8
