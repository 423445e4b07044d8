#include "pipeline/preprocessing/check_preprocessing.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/shape.h"
#include "calib8/error.h"
#include "image_samples/image_source.h"
#include "pipeline/preprocessing/preprocessing_mistakes.h"
#include "run/model_pool.h"
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
      : images_(images),
        progress_(progress),
        pool_(litert, {runnable(model.graph, model.file())},
              {threads, images.size(), "checking the preprocessing"}) {}

  /// [preprocessing][image]
  std::vector<Answers> run(const std::vector<Preprocessing>& preprocessings) {
    std::vector<Answers> answers(preprocessings.size(), Answers(images_.size()));
    StepCounter progress(progress_, images_.size());
    pool_.for_each<std::vector<Sample>>(
        images_.size(), [&](std::size_t index) { return load(preprocessings, index); },
        [&](ModelPool::Worker& worker, std::size_t index, const std::vector<Sample>& samples) {
          ModelInstance& model = worker.models.front();
          for (std::size_t i = 0; i < samples.size(); ++i) {
            model.run(samples[i], index);
            answers[i][index] = argmax(model.output(0)) == static_cast<std::size_t>(*samples[i].label);
          }
          progress.step();
        });
    return answers;
  }

 private:
  /// The image under each preprocessing; nothing where it can't be read or has no label.
  std::vector<Sample> load(const std::vector<Preprocessing>& preprocessings, std::size_t index) const {
    const ImageEntry entry = images_[index];
    std::vector<Sample> samples;
    if (!entry.label) return samples;
    try {
      const Image image = read_image(entry.path, {preprocessings.front().exif_orientation});
      for (Tensor& tensor : all_tensors(image, preprocessings)) {
        samples.push_back({{}, entry.label});
        samples.back().inputs.emplace("", std::move(tensor));
      }
    } catch (const Error& error) {
      if (error.code() != ErrorCode::dataset) throw;
    }
    return samples;
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
  ModelPool pool_;
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

std::string size_text(int height, int width) {
  return height == width ? std::to_string(width) : fmt::format("{}x{}", height, width);
}

/// The declared steps at other sizes, where the model can be had at them. A size that the network or the
/// machine can't take says nothing.
void score_sizes(const OtherSizes& other, const Preprocessing& declared, const ImageList& images,
                 const Answers& declared_answers, const std::shared_ptr<const LiteRt>& litert, int threads,
                 std::vector<ScoredMistake>& mistakes) {
  for (const auto& [height, width] : other.sizes) {
    std::optional<LoweredModel> model;
    try {
      model = other.model_at(height, width);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::model) throw;
    }
    if (!model) continue;
    const std::function<void(std::size_t, std::size_t)> silent;
    const FloatModel view = model->view();
    PreprocessingRunner runner(view, images, litert, threads, silent);
    const std::vector<Answers> answers = runner.run({for_input_size(declared, height, width)});
    const std::string size = size_text(height, width);
    mistakes.push_back(
        score(declared_answers, answers.front(), fmt::format("input size {}", size), "--input-size " + size));
  }
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

std::vector<std::pair<int, int>> usual_sizes(int height, int width, int picture) {
  std::vector<std::pair<int, int>> sizes;
  const int most = std::max(std::min(picture, 256), std::max(height, width) * 3 / 2);
  for (const int side : {32, 64, 96, 128, 160, 192, 224, 256, 299, 384}) {
    if (side <= most && (side != height || side != width)) sizes.emplace_back(side, side);
  }
  return sizes;
}

PreprocessingCheck check_preprocessing(const FloatModel& model, const Preprocessing& declared,
                                       const ImageList& images, std::size_t classes,
                                       const OtherSizes& other_sizes,
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
    score_sizes(other_sizes, declared, images, first.answers[0], litert, threads, check.mistakes);
    const auto best = find_better(check.mistakes);
    if (best) check.better = check.mistakes[*best];
    if (best && *best < first.mistakes.size()) {
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
