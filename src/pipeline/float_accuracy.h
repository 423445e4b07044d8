#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/litert_library.h"
#include "samples/sample.h"
#include "verify/verify_model.h"

namespace calib8 {

/// What the float model answers for labelled samples.
struct LabelledAnswers {
  struct Answer {
    int label = 0;
    int predicted = 0;
  };
  std::vector<Answer> answers;
  std::vector<std::string> class_names;  ///< By label.
};

/// Runs a classifier on the first labelled samples, before it is quantized: a few where nearly all are right,
/// else up to 64. Empty where it isn't one, or has another number of outputs than there are classes.
LabelledAnswers ask_float_model(const FloatModel& model, const SampleSource& samples,
                                const std::vector<std::string>& class_names,
                                const std::shared_ptr<const LiteRt>& litert, int threads);

/// What is wrong with them, one sentence each; none where most are right. Accuracy that chance explains, or
/// below a half, is said. Then other readings of the labels are held against the answers: class names with
/// numbers sorted by value (1, 2, 10), and any other order in which most answers would be right.
std::vector<std::string> judge_answers(const LabelledAnswers& answers);

}  // namespace calib8
