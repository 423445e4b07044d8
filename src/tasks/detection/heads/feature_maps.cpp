// Ultralytics' heads before they are decoded, a map a level or two: distances of a box's sides from the cell
// in strides (as they are, or a distribution over 16 steps each, of which the mean is meant), and a score for
// each class as a logit.

#include <algorithm>
#include <cmath>

#include "tasks/detection/heads/columns.h"

namespace calib8 {
namespace {

constexpr std::size_t sides = 4, steps = 16;

/// Maps are [1, height, width, channels]: rows of channels, a cell each.
struct Level {
  Columns boxes, scores;
  std::size_t first_score = 0;
  std::vector<Cell> cells;
};

struct Decoding {
  std::vector<Level> levels;
  std::size_t steps_a_side = 1, classes = 0;
  bool are_logits = true;

  float distance(std::span<const float> outputs, const Level& level, std::size_t cell,
                 std::size_t side) const {
    if (steps_a_side == 1) return level.boxes.at(outputs, cell, side);
    const auto value = [&](std::size_t step) {
      return level.boxes.at(outputs, cell, side * steps_a_side + step);
    };
    float largest = value(0), sum = 0, mean = 0;
    for (std::size_t step = 1; step < steps_a_side; ++step) largest = std::max(largest, value(step));
    for (std::size_t step = 0; step < steps_a_side; ++step) {
      const float share = std::exp(value(step) - largest);
      sum += share;
      mean += share * static_cast<float>(step);
    }
    return mean / sum;
  }

  void operator()(std::span<const float> outputs, float least_score, std::vector<FoundBox>& found) const {
    for (const Level& level : levels) {
      for (std::size_t cell = 0; cell < level.cells.size(); ++cell) {
        for (std::size_t index = 0; index < classes; ++index) {
          float score = level.scores.at(outputs, cell, level.first_score + index);
          if (are_logits) score = sigmoid(score);
          if (!(score > least_score)) continue;
          const auto& [column, row, stride] = level.cells[cell];
          const auto side = [&](std::size_t i) { return distance(outputs, level, cell, i); };
          const float x = column + 0.5f, y = row + 0.5f;
          const Corners at{(x - side(0)) * stride, (y - side(1)) * stride, (x + side(2)) * stride,
                           (y + side(3)) * stride};
          if (is_box(at)) found.push_back({at, score, static_cast<int>(index)});
        }
      }
    }
  }
};

struct Map {
  std::size_t output;
  int stride;
  std::size_t channels;
};

/// The outputs as maps, the finest first; empty where one is none.
std::vector<Map> maps_of(const HeadQuestion& question) {
  std::vector<Map> maps;
  for (std::size_t i = 0; i < question.outputs.size(); ++i) {
    const Shape& shape = question.outputs[i];
    if (shape.size() != 4 || shape[0] != 1 || shape[1] < 1 || shape[2] < 1) return {};
    const auto stride = static_cast<int>(question.height / shape[1]);
    if (stride < 2 || shape[1] * stride != question.height || shape[2] * stride != question.width) return {};
    maps.push_back({i, stride, static_cast<std::size_t>(shape[3])});
  }
  std::ranges::stable_sort(maps, {}, &Map::stride);
  return maps;
}

Columns columns_of(const HeadQuestion& question, const Map& map) {
  const Shape& shape = question.outputs[map.output];
  return {question.begin(map.output), static_cast<std::size_t>(shape[1] * shape[2]), map.channels, false};
}

/// How many steps a side has, where a map's channels are those of boxes with or without scores.
std::size_t steps_of(std::size_t channels, std::optional<std::size_t> classes, bool are_boxes_alone) {
  if (are_boxes_alone) return channels == sides * steps ? steps : channels == sides ? 1 : 0;
  if (classes) return channels == sides * steps + *classes ? steps : channels == sides + *classes ? 1 : 0;
  return channels > sides * steps ? steps : 0;
}

std::optional<Decoding> decoding_of(const HeadQuestion& question, const std::vector<Map>& maps) {
  const bool are_pairs = maps.size() % 2 == 0 && maps.size() >= 4 && maps[0].stride == maps[1].stride;
  Decoding decoding;
  for (std::size_t i = 0; i < maps.size(); i += are_pairs ? 2 : 1) {
    const Map* boxes = &maps[i];
    const Map* scores = are_pairs ? &maps[i + 1] : boxes;
    if (boxes->stride != scores->stride) return std::nullopt;
    if (are_pairs && steps_of(boxes->channels, question.classes, true) == 0) std::swap(boxes, scores);
    const std::size_t found = steps_of(boxes->channels, question.classes, are_pairs);
    const std::size_t first = are_pairs ? 0 : sides * found;
    const std::size_t classes = scores->channels - std::min(scores->channels, first);
    if (found == 0 || classes == 0 ||
        (i > 0 && (found != decoding.steps_a_side || classes != decoding.classes)))
      return std::nullopt;
    decoding.steps_a_side = found;
    decoding.classes = classes;
    decoding.levels.push_back({columns_of(question, *boxes), columns_of(question, *scores), first,
                               cells_of(question.height, question.width, std::span(&boxes->stride, 1))});
  }
  return decoding;
}

}  // namespace

std::optional<DetectionHead> feature_maps(const HeadQuestion& question) {
  const std::vector<Map> maps = maps_of(question);
  if (maps.size() < 2 || maps.size() > 8) return std::nullopt;
  const bool is_pyramid = std::ranges::adjacent_find(maps, {}, &Map::stride) == maps.end() ||
                          (maps.size() % 2 == 0 && maps[0].stride == maps[1].stride);
  if (!is_pyramid) return std::nullopt;
  auto decoding = decoding_of(question, maps);
  if (!decoding) return std::nullopt;
  const auto holds_logits = [&](const Level& level) {
    return are_logits(question, level.scores, level.first_score, level.first_score + decoding->classes);
  };
  decoding->are_logits = std::ranges::any_of(decoding->levels, holds_logits);
  const std::size_t classes = decoding->classes;
  std::string name = decoding->steps_a_side > 1 ? "distributions of distances" : "distances";
  return DetectionHead{std::move(name), classes, true, std::move(*decoding)};
}

}  // namespace calib8
