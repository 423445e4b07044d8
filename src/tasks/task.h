#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "tasks/resample.h"

namespace calib8 {

/// Something that a task measures of both models, from 0 to 1.
struct TaskMeasure {
  std::string name;  ///< "mAP50-95"
  double of_float = 0, of_quantized = 0;
};

/// What the outputs of both models are worth to their task, on the same samples.
struct TaskScore {
  std::string task;     ///< "detection"
  std::string outputs;  ///< What the outputs were taken for.
  std::string against;  ///< What answers were held against: "labels", "the float model's boxes".
  std::size_t pictures = 0, objects = 0;  ///< That counted.
  std::vector<TaskMeasure> measures;      ///< The first one is judged; empty where nothing could be measured.
  double loss = 0;        ///< The float model's less the quantized one's, of the first measure,
  Bounds bounds;          ///< with the bootstrap's 95 % over pictures,
  double most_loss = 0;   ///< and what may be lost.
  std::string undecided;  ///< Why the measure decides nothing, half a sentence; empty where it does.
  /// By class or another part, of the first measure.
  struct Part {
    std::string name;
    std::size_t objects = 0;
    double of_float = 0, of_quantized = 0;
  };
  std::vector<Part> parts;
};

/// How outputs become answers, and how these are scored. Of one set of samples.
class Task {
 public:
  using Rows = std::span<const std::vector<float>>;

  virtual ~Task() = default;
  /// Of the first samples of the set, as many as there are rows: [sample][all outputs, one behind the other].
  virtual TaskScore score(Rows of_float, Rows of_quantized) const = 0;
};

/// Whether a score decides, and no more was lost than may be.
inline bool keeps_answers(const TaskScore& score) {
  return score.undecided.empty() && score.loss <= score.most_loss;
}

}  // namespace calib8
