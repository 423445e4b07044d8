#include "pipeline/float_accuracy.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "pipeline/class_numbers.h"
#include "run/model_pool.h"
#include "verify/statistics.h"

namespace calib8 {
namespace {

constexpr std::size_t kFewSamples = 24, kMostSamples = 64;

int count_right(const std::vector<LabelledAnswers::Answer>& answers) {
  return static_cast<int>(
      std::ranges::count_if(answers, [](const auto& answer) { return answer.label == answer.predicted; }));
}

void run(ModelPool& pool, const SampleSource& samples, std::size_t first, std::size_t end,
         std::vector<LabelledAnswers::Answer>& answers) {
  std::vector<std::optional<LabelledAnswers::Answer>> found(end - first);
  pool.for_each<Sample>(
      end - first, [&](std::size_t index) { return samples.load(first + index); },
      [&](ModelPool::Worker& worker, std::size_t index, const Sample& sample) {
        if (!sample.label) return;
        ModelInstance& model = worker.models.front();
        model.run(sample, first + index);
        found[index] = {*sample.label, static_cast<int>(argmax(model.output(0)))};
      });
  for (const auto& answer : found) {
    if (answer) answers.push_back(*answer);
  }
}

std::string percent(int part, int whole) {
  return fmt::format("{:.0f} %", 100.0 * part / whole);
}

/// Right answers where label i stands for the class at places[i].
int count_right(const LabelledAnswers& answers, const std::vector<std::size_t>& places) {
  return static_cast<int>(std::ranges::count_if(answers.answers, [&](const auto& answer) {
    return places[static_cast<std::size_t>(answer.label)] == static_cast<std::size_t>(answer.predicted);
  }));
}

/// Whether so many more are right that it is no accident.
bool is_clearly_better(int other, int declared, int all) {
  return other > declared && other - declared >= std::max(3, all / 5);
}

/// "1", "2", "10" in place of "1", "10", "2".
std::string judge_natural_order(const LabelledAnswers& answers, int right) {
  const std::vector<std::size_t> order = natural_order(answers.class_names);
  std::vector<std::size_t> places(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) places[order[i]] = i;
  const int all = static_cast<int>(answers.answers.size());
  const int other = count_right(answers, places);
  if (!is_clearly_better(other, right, all)) return {};
  return fmt::format(
      "with the classes in the order of their numbers (1, 2, 10; now 1, 10, 2) the float model gets {} of {} "
      "right "
      "instead of {}: the labels are numbered so, add --class-order natural",
      other, all, right);
}

/// Most images of a class get one answer, another for each class: the classes are told apart and only
/// numbered otherwise.
std::string judge_any_order(const LabelledAnswers& answers, int right) {
  std::map<int, std::map<int, int>> predicted;
  for (const auto& answer : answers.answers) ++predicted[answer.label][answer.predicted];
  std::map<int, int> taken;  // by what is predicted, the label
  int consistent = 0;
  std::optional<std::pair<int, int>> first;
  for (const auto& [label, counts] : predicted) {
    const auto most = std::ranges::max_element(counts, {}, [](const auto& entry) { return entry.second; });
    if (!taken.emplace(most->first, label).second) continue;
    consistent += most->second;
    if (most->first != label && !first) first = {label, most->first};
  }
  const int all = static_cast<int>(answers.answers.size());
  const bool enough = predicted.size() >= 2 && answers.answers.size() >= 3 * predicted.size();
  if (!enough || !first || consistent < 0.8 * all || !is_clearly_better(consistent, right, all)) return {};
  const auto name = [&](int index) {
    const auto place = static_cast<std::size_t>(index);
    return place < answers.class_names.size() ? answers.class_names[place] : std::to_string(index);
  };
  return fmt::format(
      "the float model tells the classes apart ({} of {} images as most of their class), but numbers them "
      "otherwise: "
      "images of {} get output {}, that of {}; name the folders so that their order is that of training",
      consistent, all, name(first->first), first->second, name(first->second));
}

}  // namespace

LabelledAnswers ask_float_model(const FloatModel& model, const SampleSource& samples,
                                const std::vector<std::string>& class_names,
                                const std::shared_ptr<const LiteRt>& litert, int threads) {
  LabelledAnswers found{{}, class_names};
  if (class_names.size() < 2 || classifier_outputs(model.graph) != class_names.size()) return found;
  const std::size_t most = std::min(samples.size(), kMostSamples);
  ModelPool pool(litert, {runnable(model.graph, model.file())},
                 {threads, most, "looking at the float model"});
  const std::size_t few = std::min(most, kFewSamples);
  run(pool, samples, 0, few, found.answers);
  if (10 * count_right(found.answers) < 8 * static_cast<int>(found.answers.size()))
    run(pool, samples, few, most, found.answers);
  return found;
}

std::vector<std::string> judge_answers(const LabelledAnswers& answers) {
  constexpr int fewest = 8;  // of which nothing can be told
  constexpr double significance = 0.01;
  const int all = static_cast<int>(answers.answers.size());
  if (all < fewest) return {};
  const int right = count_right(answers.answers);
  const bool by_chance =
      probability_of_at_least(right, all, 1 / static_cast<double>(answers.class_names.size())) > significance;
  std::vector<std::string> said;
  if (by_chance || 2 * right < all) {
    said.push_back(fmt::format(
        "the float model gets {} of {} labelled images right ({}{}): fix this before quantizing, "
        "int8 can be no better",
        right, all, percent(right, all),
        by_chance ? fmt::format(", no more than chance among {} classes", answers.class_names.size()) : ""));
  }
  std::string order = judge_natural_order(answers, right);
  if (order.empty()) order = judge_any_order(answers, right);
  if (!order.empty()) said.push_back(std::move(order));
  if (!said.empty() && order.empty())
    said.back() += "; --check-preprocessing tries the usual mistakes (size, values, channels, crop)";
  return said;
}

}  // namespace calib8
