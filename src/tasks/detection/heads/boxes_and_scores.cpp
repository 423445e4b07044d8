// Boxes [1, boxes, 4] and scores [1, boxes, classes], or both with the boxes innermost: decoded as SSD models
// give them, or one output that joined both and was parted. Behind a softmax, scores may begin or end with
// how sure the model is that there is nothing.

#include <algorithm>
#include <cmath>

#include "tasks/detection/heads/columns.h"

namespace calib8 {
namespace {

struct Decoding {
  Columns boxes, scores;
  BoxUnits units;
  std::size_t first_class = 0, classes = 0;
  bool takes_sigmoid = false, takes_softmax = false;
  int height = 0, width = 0;

  /// What the numbers of a box are divided by to be shares of 1: the sum of their exponentials.
  float sum(std::span<const float> outputs, std::size_t box, float largest) const {
    float sum = 0;
    for (std::size_t i = 0; i < scores.columns; ++i) sum += std::exp(scores.at(outputs, box, i) - largest);
    return sum;
  }

  void operator()(std::span<const float> outputs, float least_score, std::vector<FoundBox>& found) const {
    for (std::size_t box = 0; box < boxes.boxes; ++box) {
      float largest = 0, whole = 1;
      if (takes_softmax) {
        for (std::size_t i = 0; i < scores.columns; ++i)
          largest = i == 0 ? scores.at(outputs, box, i) : std::max(largest, scores.at(outputs, box, i));
        whole = sum(outputs, box, largest);
      }
      for (std::size_t index = 0; index < classes; ++index) {
        float score = scores.at(outputs, box, first_class + index);
        if (takes_sigmoid) score = sigmoid(score);
        if (takes_softmax) score = std::exp(score - largest) / whole;
        if (!(score > least_score)) continue;
        const Corners at = to_corners({boxes.at(outputs, box, 0), boxes.at(outputs, box, 1),
                                       boxes.at(outputs, box, 2), boxes.at(outputs, box, 3)},
                                      units, height, width);
        if (is_box(at)) found.push_back({at, score, static_cast<int>(index)});
      }
    }
  }
};

/// Both as columns: `boxes` is the output that has four.
std::optional<std::pair<Columns, Columns>> columns_of(const HeadQuestion& question, std::size_t boxes,
                                                      std::size_t scores) {
  const Shape &four = question.outputs[boxes], &other = question.outputs[scores];
  if (four.size() != 3 || other.size() != 3 || four[0] != 1 || other[0] != 1) return std::nullopt;
  for (const bool first : {false, true}) {
    const std::size_t inner = first ? 1 : 2, outer = first ? 2 : 1;
    if (four[inner] != 4 || four[outer] != other[outer]) continue;
    const auto of = [&](std::size_t output) {
      const Shape& shape = question.outputs[output];
      return Columns{question.begin(output), static_cast<std::size_t>(shape[outer]),
                     static_cast<std::size_t>(shape[inner]), first};
    };
    return std::pair(of(boxes), of(scores));
  }
  return std::nullopt;
}

/// Whether each box's numbers sum to 1.
bool sum_to_one(const HeadQuestion& question, const Columns& scores) {
  constexpr float tolerance = 1e-2f;
  for (std::size_t box = 0; box < scores.boxes; ++box) {
    float sum = 0;
    for (std::size_t i = 0; i < scores.columns; ++i) sum += scores.at(question.example, box, i);
    if (std::abs(sum - 1) > tolerance) return false;
  }
  return true;
}

/// The column of nothing is the one that is largest nearly everywhere: the first or the last.
bool is_first_nothing(const HeadQuestion& question, const Columns& scores) {
  double first = 0, last = 0;
  for (std::size_t box = 0; box < scores.boxes; ++box) {
    first += scores.at(question.example, box, 0);
    last += scores.at(question.example, box, scores.columns - 1);
  }
  return first >= last;
}

}  // namespace

std::optional<DetectionHead> boxes_and_scores(const HeadQuestion& question) {
  if (question.outputs.size() < 2 || question.outputs.size() > 4) return std::nullopt;
  for (std::size_t a = 0; a < question.outputs.size(); ++a) {
    for (std::size_t b = 0; b < question.outputs.size(); ++b) {
      const auto found = a == b ? std::nullopt : columns_of(question, a, b);
      if (!found) continue;
      const auto& [boxes, scores] = *found;
      Decoding decoding{boxes, scores, units_of(question, boxes)};
      decoding.height = question.height, decoding.width = question.width;
      const bool has_logits = are_logits(question, scores, 0, scores.columns);
      const bool has_nothing = question.classes ? *question.classes + 1 == scores.columns
                                                : scores.columns > 1 && sum_to_one(question, scores);
      decoding.takes_softmax = has_logits && has_nothing;
      decoding.takes_sigmoid = has_logits && !has_nothing;
      decoding.classes = scores.columns - (has_nothing ? 1 : 0);
      decoding.first_class = has_nothing && is_first_nothing(question, scores) ? 1 : 0;
      std::string name = describe(decoding.units);
      const std::size_t classes = decoding.classes;
      return DetectionHead{std::move(name), classes, true, std::move(decoding)};
    }
  }
  return std::nullopt;
}

}  // namespace calib8
