#include "pipeline/check_preprocessing.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "base/parallel.h"
#include "base/shape.h"
#include "calib8/error.h"
#include "image_samples/image_source.h"
#include "pipeline/preprocessing_mistakes.h"
#include "runtime/instances.h"
#include "verify/real_values.h"
#include "verify/statistics.h"

namespace calib8 {
namespace {

/// Of McNemar's test: a mistake scores clearly better below it.
constexpr double kSignificance = 0.01;

/// Which images a preprocessing gets right; nothing for those that can't be read.
using Answers = std::vector<std::optional<bool>>;

/// Runs one model under several preprocessings.
class PreprocessingRunner {
 public:
  PreprocessingRunner(const FloatModel& model, const ImageList& images,
                      const std::shared_ptr<const LiteRt>& litert, int threads,
                      const std::function<void(std::size_t, std::size_t)>& progress)
      : images_(images), progress_(progress) {
    const SharedFile file = model.file();
    const Instances instances = share_threads(model.constants.file_size(), threads, images.size());
    for (int i = 0; i < instances.count; ++i) {
      models_.emplace_back(
          litert, file, model.graph, model.graph.outputs(),
          InterpreterOptions{.threads = instances.threads, .purpose = "checking the preprocessing"});
    }
  }

  /// [preprocessing][image]
  std::vector<Answers> run(const std::vector<Preprocessing>& preprocessings) {
    std::vector<Answers> answers(preprocessings.size(), Answers(images_.size()));
    std::mutex mutex;
    std::size_t done = 0;
    parallel_for(images_.size(), static_cast<int>(models_.size()), [&](int worker, std::size_t index) {
      run_image(models_[static_cast<std::size_t>(worker)], preprocessings, index, answers);
      const std::lock_guard lock(mutex);
      if (progress_) progress_(++done, images_.size());
    });
    return answers;
  }

 private:
  void run_image(RealModel& model, const std::vector<Preprocessing>& preprocessings, std::size_t index,
                 std::vector<Answers>& answers) const {
    const ImageEntry entry = images_[index];
    if (!entry.label) return;
    std::vector<Tensor> tensors;
    try {
      tensors =
          all_tensors(read_image(entry.path, {preprocessings.front().exif_orientation}), preprocessings);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::dataset) throw;
      return;
    }
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      Sample sample;
      sample.inputs.emplace("", std::move(tensors[i]));
      model.load(sample);
      model.run(index);
      answers[i][index] = argmax(model.output(0)) == static_cast<std::size_t>(*entry.label);
    }
  }

  static std::vector<Tensor> all_tensors(const Image& image,
                                         const std::vector<Preprocessing>& preprocessings) {
    const Preprocessing& first = preprocessings.front();
    const Image fitted = fit_image(image, first);
    std::vector<Tensor> tensors;
    for (const Preprocessing& p : preprocessings)
      tensors.push_back(same_geometry(p, first) ? normalize(fitted, p) : preprocess(image, p));
    return tensors;
  }

  const ImageList& images_;
  const std::function<void(std::size_t, std::size_t)>& progress_;
  std::vector<RealModel> models_;
};

int count_right(const Answers& answers) {
  return static_cast<int>(std::ranges::count(answers, std::optional(true)));
}

ScoredMistake score(const Answers& declared, const Answers& other, std::string name, std::string flags) {
  ScoredMistake scored{std::move(name), std::move(flags), count_right(other)};
  for (std::size_t i = 0; i < declared.size(); ++i) {
    if (!declared[i] || !other[i] || *declared[i] == *other[i]) continue;  // a file may vanish meanwhile
    ++(*other[i] ? scored.only_this : scored.only_declared);
  }
  scored.p = mcnemar(scored.only_declared, scored.only_this);
  return scored;
}

/// One preprocessing and its usual mistakes, on all images; the mistakes' answers are those of their places.
struct Round {
  Preprocessing base;
  std::vector<Mistake> mistakes;
  std::vector<Answers> answers;  ///< The base's first.
};

Round run_round(PreprocessingRunner& runner, const Preprocessing& base) {
  Round round{base, usual_mistakes(base), {}};
  std::vector<Preprocessing> all = {base};
  for (const Mistake& mistake : round.mistakes) all.push_back(mistake.preprocessing);
  round.answers = runner.run(all);
  return round;
}

/// Index of the best of the clearly better ones, the first of equal ones.
std::optional<std::size_t> find_better(const std::vector<ScoredMistake>& mistakes) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < mistakes.size(); ++i) {
    if (mistakes[i].only_this <= mistakes[i].only_declared || mistakes[i].p >= kSignificance) continue;
    if (!best || mistakes[i].correct > mistakes[*best].correct) best = i;
  }
  return best;
}

std::vector<ScoredMistake> score_all(const Round& round, const Preprocessing& declared) {
  std::vector<ScoredMistake> scored;
  for (std::size_t i = 0; i < round.mistakes.size(); ++i) {
    const Mistake& mistake = round.mistakes[i];
    scored.push_back(score(round.answers[0], round.answers[i + 1], mistake.name,
                           flags_for(declared, mistake.preprocessing)));
  }
  return scored;
}

std::string reason_not_to_check(const TfliteGraph& graph, std::size_t classes, std::size_t images) {
  if (classes == 0) return "the folder has no classes, so there is no telling right from wrong";
  const Shape* output = graph.outputs().size() == 1 ? &graph[graph.outputs()[0]].shape : nullptr;
  if (!output || output->size() != 2 || (*output)[0] != 1) return "the model isn't a classifier";
  if ((*output)[1] != static_cast<std::int64_t>(classes))
    return fmt::format("the model has {} classes and the folder {}", (*output)[1], classes);
  if (images == 0) return "none of the images can be read";
  return {};
}

std::string describe_result(const PreprocessingCheck& check) {
  if (!check.better) {
    return fmt::format(
        "none of {} usual mistakes scores clearly better than the declared preprocessing ({} of {} right)",
        check.mistakes.size(), check.correct, check.images);
  }
  return fmt::format(
      "the preprocessing looks wrong: with {}, {} of {} images are right, as declared {}; try {}",
      check.better->name, check.better->correct, check.images, check.correct, check.better->flags);
}

}  // namespace

PreprocessingCheck check_preprocessing(const FloatModel& model, const Preprocessing& declared,
                                       const ImageList& images, std::size_t classes,
                                       const std::shared_ptr<const LiteRt>& litert, int threads,
                                       const std::function<void(std::size_t, std::size_t)>& progress) {
  PreprocessingCheck check;
  std::string reason = reason_not_to_check(model.graph, classes, images.size());
  if (reason.empty()) {
    PreprocessingRunner runner(model, images, litert, threads, progress);
    const Round first = run_round(runner, declared);
    check.images =
        static_cast<int>(std::ranges::count_if(first.answers[0], [](auto a) { return a.has_value(); }));
    check.correct = count_right(first.answers[0]);
    check.mistakes = score_all(first, declared);
    if (const auto best = find_better(check.mistakes)) {
      check.better = check.mistakes[*best];
      const Round second = run_round(runner, first.mistakes[*best].preprocessing);
      if (const auto further = find_better(score_all(second, declared))) {
        const Mistake& mistake = second.mistakes[*further];
        check.better =
            score(first.answers[0], second.answers[*further + 1], check.better->name + " and " + mistake.name,
                  flags_for(declared, mistake.preprocessing));
      }
    }
    reason = reason_not_to_check(model.graph, classes, static_cast<std::size_t>(check.images));
  }
  check.verdict = reason.empty() ? describe_result(check) : "the preprocessing was not checked: " + reason;
  return check;
}

}  // namespace calib8
