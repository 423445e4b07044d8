#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>

#include "quantize/rounding/rounding.h"

namespace calib8 {
namespace {

using Matrix = std::vector<std::vector<double>>;

Tensor random_weights(Shape shape, std::mt19937& generator) {
  std::normal_distribution<float> distribution;
  std::vector<float> values(static_cast<std::size_t>(*element_count(shape)));
  for (float& value : values) value = distribution(generator);
  return make_tensor(std::move(shape), std::move(values));
}

/// Rows whose elements go together: a common part and a noise.
LayerInputs correlated_rows(std::size_t count, std::size_t groups, std::size_t length,
                            std::mt19937& generator) {
  std::normal_distribution<double> distribution;
  LayerInputs inputs{.length = length, .groups = groups, .count = count, .level = 0.25f};
  for (std::size_t i = 0; i < count * groups; ++i) {
    const double common = 60 * distribution(generator) + 40;
    for (std::size_t j = 0; j < length; ++j)
      inputs.rows.push_back(static_cast<std::int16_t>(
          std::lround(common + (5 + 3 * static_cast<double>(j % 4)) * distribution(generator))));
  }
  return inputs;
}

Matrix second_moments(const LayerInputs& inputs, std::size_t group, bool centred) {
  Matrix moments(inputs.length, std::vector<double>(inputs.length, 0));
  const std::vector<double> mean = inputs.mean(group);
  const auto count = static_cast<double>(inputs.count);
  for (std::size_t position = 0; position < inputs.count; ++position) {
    const std::int16_t* row = inputs.rows.data() + (position * inputs.groups + group) * inputs.length;
    for (std::size_t i = 0; i < inputs.length; ++i) {
      for (std::size_t j = 0; j < inputs.length; ++j) {
        const double a = row[i] - (centred ? mean[i] : 0), b = row[j] - (centred ? mean[j] : 0);
        moments[i][j] += a * b / count;
      }
    }
  }
  return moments;
}

Matrix damped(Matrix moments, double share) {
  double mean = 0;
  for (std::size_t i = 0; i < moments.size(); ++i)
    mean += moments[i][i] / static_cast<double>(moments.size());
  for (std::size_t i = 0; i < moments.size(); ++i) moments[i][i] += share * mean;
  return moments;
}

Matrix inverse(Matrix a) {
  const std::size_t n = a.size();
  Matrix b(n, std::vector<double>(n, 0));
  for (std::size_t i = 0; i < n; ++i) b[i][i] = 1;
  for (std::size_t i = 0; i < n; ++i) {
    const double pivot = a[i][i];
    for (std::size_t j = 0; j < n; ++j) a[i][j] /= pivot, b[i][j] /= pivot;
    for (std::size_t k = 0; k < n; ++k) {
      if (k == i) continue;
      const double factor = a[k][i];
      for (std::size_t j = 0; j < n; ++j) a[k][j] -= factor * a[i][j], b[k][j] -= factor * b[i][j];
    }
  }
  return b;
}

/// Frantar and Alistarh's optimal brain quantization with a fixed order, as the papers write it: quantize an
/// element, spread its error over those that are left, take it out of the inverse.
std::vector<int> round_as_in_the_papers(std::vector<double> weights, const Matrix& moments) {
  const std::size_t n = weights.size();
  Matrix left = inverse(moments);
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return moments[a][a] > moments[b][b]; });
  std::vector<int> levels(n);
  std::vector<bool> done(n, false);
  for (const std::size_t j : order) {
    levels[j] = static_cast<int>(std::nearbyint(std::clamp(weights[j], -127.0, 127.0)));
    const double error = (weights[j] - levels[j]) / left[j][j];
    done[j] = true;
    for (std::size_t k = 0; k < n; ++k) {
      if (!done[k]) weights[k] -= error * left[j][k];
    }
    const Matrix before = left;
    for (std::size_t a = 0; a < n; ++a) {
      for (std::size_t b = 0; b < n; ++b) left[a][b] -= before[a][j] * before[j][b] / before[j][j];
    }
  }
  return levels;
}

double form(const std::vector<double>& errors, const Matrix& moments) {
  double sum = 0;
  for (std::size_t i = 0; i < errors.size(); ++i) {
    for (std::size_t j = 0; j < errors.size(); ++j) sum += errors[i] * moments[i][j] * errors[j];
  }
  return sum;
}

std::vector<double> exact_levels(const WeightsToRound& task, std::size_t index) {
  const Filter filter = filter_of(task, index);
  std::vector<double> values;
  for (std::size_t i = 0; i < filter.count; ++i)
    values.push_back(task.weights.as<float>()[filter.first + i * filter.step] /
                     static_cast<double>(task.quantization.scales[index]));
  return values;
}

std::vector<double> errors_of(const WeightsToRound& task, const std::vector<std::int8_t>& levels,
                              std::size_t index) {
  std::vector<double> errors = exact_levels(task, index);
  const Filter filter = filter_of(task, index);
  for (std::size_t i = 0; i < filter.count; ++i) errors[i] -= levels[filter.first + i * filter.step];
  return errors;
}

Quantization scales(std::size_t filters, std::int32_t axis) {
  Quantization quantization{{}, std::vector<std::int64_t>(filters, 0), axis};
  for (std::size_t i = 0; i < filters; ++i)
    quantization.scales.push_back(0.05f + 0.01f * static_cast<float>(i));
  return quantization;
}

void expect_the_papers_levels(const WeightsToRound& task, double damping) {
  const std::vector<std::int8_t> levels = round_second_order(task);
  const LayerInputs& inputs = *task.inputs.front();
  double lost = 0, lost_by_nearest = 0;
  for (std::size_t index = 0; index < filter_count(task); ++index) {
    const std::size_t group = index / (filter_count(task) / inputs.groups);
    const Matrix moments = second_moments(inputs, group, task.bias_takes_mean);
    const std::vector<int> expected =
        round_as_in_the_papers(exact_levels(task, index), damped(moments, damping));
    const Filter filter = filter_of(task, index);
    for (std::size_t i = 0; i < filter.count; ++i)
      EXPECT_EQ(levels[filter.first + i * filter.step], expected[i]) << "filter " << index << ", " << i;
    lost += form(errors_of(task, levels, index), moments);
    lost_by_nearest += form(errors_of(task, round_to_nearest(task), index), moments);
  }
  EXPECT_LT(lost, 0.5 * lost_by_nearest);
}

TEST(SecondOrder, IsWhatThePapersDoWithAnInverse) {
  std::mt19937 generator(1);
  for (const bool centred : {false, true}) {
    SCOPED_TRACE(centred);
    const LayerInputs of_matrix = correlated_rows(500, 1, 70, generator);
    const Tensor matrix = random_weights({6, 70}, generator);
    expect_the_papers_levels({matrix, scales(6, 0), Correlation::none, {&of_matrix}, centred}, 0.01);
    const LayerInputs of_groups = correlated_rows(500, 2, 18, generator);
    const Tensor grouped = random_weights({24, 3, 3, 2}, generator);
    expect_the_papers_levels({grouped, scales(24, 0), Correlation::none, {&of_groups}, centred}, 0.01);
  }
}

TEST(SecondOrder, TakesSumsOfDepthwiseLayersForTheirRows) {
  std::mt19937 generator(2);
  const LayerInputs rows = correlated_rows(300, 5, 9, generator);
  LayerInputs sums{.length = 9, .groups = 5, .count = 300, .level = rows.level};
  sums.sums.assign(45, 0);
  sums.products.assign(5 * 81, 0);
  for (std::size_t i = 0; i < 300 * 5; ++i) {
    for (std::size_t a = 0; a < 9; ++a) {
      sums.sums[i % 5 * 9 + a] += rows.rows[i * 9 + a];
      for (std::size_t b = a; b < 9; ++b)
        sums.products[(i % 5 * 9 + a) * 9 + b] += rows.rows[i * 9 + a] * rows.rows[i * 9 + b];
    }
  }
  const Tensor weights = random_weights({1, 3, 3, 10}, generator);  // two filters a channel
  for (const bool centred : {false, true}) {
    const WeightsToRound task{weights, scales(10, 3), Correlation::taps_of_channel, {&sums}, centred};
    const std::vector<std::int8_t> levels = round_second_order(task);
    for (std::size_t index = 0; index < 10; ++index) {
      const Matrix moments = damped(second_moments(rows, index / 2, centred), 0.001);
      const std::vector<int> expected = round_as_in_the_papers(exact_levels(task, index), moments);
      for (std::size_t i = 0; i < 9; ++i) EXPECT_EQ(levels[i * 10 + index], expected[i]);
    }
    EXPECT_EQ(sums.mean(3), rows.mean(3));
  }
}

TEST(SecondOrder, ComesCloseToTheBestOfAllLevels) {
  std::mt19937 generator(3);
  double of_nearest = 0, of_rounded = 0, of_best = 0;
  for (int round = 0; round < 40; ++round) {
    const LayerInputs inputs = correlated_rows(200, 1, 6, generator);
    const Tensor weights = random_weights({1, 6}, generator);
    const WeightsToRound task{weights, scales(1, 0), Correlation::none, {&inputs}, true};
    const Matrix moments = damped(second_moments(inputs, 0, true), 0.01);
    const std::vector<double> nearest = errors_of(task, round_to_nearest(task), 0);
    double best = form(nearest, moments);
    for (int code = 0; code < 729; ++code) {
      std::vector<double> errors = nearest;
      for (int i = 0, rest = code; i < 6; ++i, rest /= 3) errors[static_cast<std::size_t>(i)] += rest % 3 - 1;
      best = std::min(best, form(errors, moments));
    }
    of_nearest += form(nearest, moments);
    of_rounded += form(errors_of(task, round_second_order(task), 0), moments);
    of_best += best;
  }
  EXPECT_LT(of_rounded, 1.5 * of_best);
  EXPECT_GT(of_nearest, 5 * of_best);
}

TEST(SecondOrder, RoundsWhatSeveralLayersReadByTheInputsOfAll) {
  std::mt19937 generator(4);
  LayerInputs first = correlated_rows(200, 1, 8, generator);
  const LayerInputs second = correlated_rows(200, 1, 8, generator);
  const Tensor weights = random_weights({3, 8}, generator);
  const auto rounded = [&](std::vector<const LayerInputs*> inputs) {
    return round_second_order({weights, scales(3, 0), Correlation::none, std::move(inputs), false});
  };
  EXPECT_EQ(rounded({&first, &first}), rounded({&first}));
  first.level = 1e-4f;  // next to nothing beside the other
  EXPECT_EQ(rounded({&first, &second}), rounded({&second}));
}

TEST(SecondOrder, RoundsLongFiltersInPartsOfWholeChannels) {
  std::mt19937 generator(5);
  const LayerInputs inputs = correlated_rows(500, 1, 9 * 150, generator);
  const Tensor weights = random_weights({2, 3, 3, 150}, generator);
  const WeightsToRound task{weights, scales(2, 0), Correlation::none, {&inputs}, true};
  const std::vector<double> mean = inputs.mean(0);
  const auto lost_by = [&](const std::vector<std::int8_t>& levels) {
    double lost = 0;
    for (const std::size_t index : {0, 1}) {
      const std::vector<double> errors = errors_of(task, levels, index);
      for (std::size_t position = 0; position < inputs.count; ++position) {
        double output = 0;
        for (std::size_t i = 0; i < errors.size(); ++i)
          output += errors[i] * (inputs.rows[position * inputs.length + i] - mean[i]);
        lost += output * output;
      }
    }
    return lost;
  };
  const auto levels = round_second_order(task);
  for (const double error : errors_of(task, levels, 0)) EXPECT_LT(std::abs(error), 3);
  EXPECT_LT(lost_by(levels), 0.2 * lost_by(round_to_nearest(task)));
}

TEST(SecondOrder, TakesWhatItCannotKnowForUncorrelated) {
  std::mt19937 generator(6);
  const Tensor weights = random_weights({3, 8}, generator);
  WeightsToRound task{weights, scales(3, 0), Correlation::none, {}, true};
  EXPECT_EQ(round_second_order(task), round_to_nearest(task));
  const LayerInputs few = correlated_rows(1, 1, 8, generator);
  task.inputs = {&few};
  EXPECT_EQ(round_second_order(task), round_to_nearest(task));
  LayerInputs dead{
      .length = 8, .groups = 1, .count = 10, .level = 1, .rows = std::vector<std::int16_t>(80, 7)};
  task.inputs = {&dead};
  EXPECT_EQ(round_second_order(task), round_to_nearest(task)) << "inputs that never vary";
}

TEST(MeanLost, IsTheErrorOfTheMeanOfTheOutputs) {
  std::mt19937 generator(7);
  const LayerInputs inputs = correlated_rows(100, 2, 5, generator);
  const Tensor weights = random_weights({4, 5}, generator);
  const WeightsToRound task{weights, scales(4, 0), Correlation::none, {&inputs}, true};
  const auto levels = round_to_nearest(task);
  const std::vector<double> lost = mean_lost(task, levels, inputs);
  for (std::size_t filter = 0; filter < 4; ++filter) {
    double sum = 0;
    for (std::size_t n = 0; n < 100; ++n) {
      for (std::size_t i = 0; i < 5; ++i) {
        const double x = 0.25 * inputs.rows[(n * 2 + filter / 2) * 5 + i];
        const double scale = task.quantization.scales[filter];
        sum += (weights.as<float>()[filter * 5 + i] - scale * levels[filter * 5 + i]) * x;
      }
    }
    EXPECT_NEAR(lost[filter], sum / 100, 1e-9);
  }
}

}  // namespace
}  // namespace calib8
