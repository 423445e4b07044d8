#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/round.h"
#include "quantize/rounding/rounding.h"

namespace calib8 {
namespace {

using Eigen::Index;
using Matrix = Eigen::MatrixXf;

/// Weights that are rounded with regard to each other; time grows with the cube of their number.
constexpr std::size_t most_together = 1280;
/// Rows that are taken into the second moments at a time.
constexpr std::size_t rows_at_once = 256;

/// A share of the mean diagonal that is added to the diagonal, so that there is a Cholesky factor. Depthwise
/// filters have few weights, and so enough rows.
double damping_of(const LayerInputs& inputs) {
  return inputs.rows.empty() ? 0.001 : 0.01;
}

/// Fewer rows than this share of the weights say too little of how inputs go together.
constexpr double fewest_rows = 0.25;

bool says_enough(const LayerInputs& inputs) {
  return inputs.rows.empty() ||
         static_cast<double>(inputs.count) >= fewest_rows * static_cast<double>(inputs.length);
}

std::size_t channels_of(const WeightsToRound& task) {
  const bool is_dense = task.weights.shape.size() == 4 && task.quantization.axis != 3;
  return is_dense ? static_cast<std::size_t>(task.weights.shape[3]) : 1;
}

/// The elements of a filter, in parts of at most most_together: channel by channel, so that the taps of one
/// stay together.
std::vector<std::vector<std::size_t>> parts_of(std::size_t length, std::size_t channels) {
  std::vector<std::size_t> order;
  for (std::size_t channel = 0; channel < channels; ++channel) {
    for (std::size_t i = channel; i < length; i += channels) order.push_back(i);
  }
  const std::size_t taps = std::max<std::size_t>(length / std::max<std::size_t>(channels, 1), 1);
  const std::size_t most = taps > most_together ? most_together : most_together / taps * taps;
  const std::size_t count = (length + most - 1) / most;
  std::vector<std::vector<std::size_t>> parts;
  for (std::size_t first = 0; first < length;) {
    std::size_t size = (length - first + count - parts.size() - 1) / (count - parts.size());
    if (taps <= most_together) size = (size + taps - 1) / taps * taps;
    size = std::min(size, length - first);
    parts.emplace_back(order.begin() + static_cast<std::ptrdiff_t>(first),
                       order.begin() + static_cast<std::ptrdiff_t>(first + size));
    first += size;
  }
  return parts;
}

/// The elements' mean squares (less the squares of their means), of one group, in levels.
std::vector<double> spreads(const LayerInputs& inputs, std::size_t group, bool centred) {
  std::vector<double> squares(inputs.length, 0);
  const auto count = static_cast<double>(inputs.count);
  if (inputs.rows.empty()) {
    for (std::size_t i = 0; i < inputs.length; ++i)
      squares[i] = inputs.products[(group * inputs.length + i) * inputs.length + i];
  } else {
    for (std::size_t position = 0; position < inputs.count; ++position) {
      const std::int16_t* row = inputs.rows.data() + (position * inputs.groups + group) * inputs.length;
      for (std::size_t i = 0; i < inputs.length; ++i) squares[i] += static_cast<double>(row[i]) * row[i];
    }
  }
  const std::vector<double> mean = inputs.mean(group);
  for (std::size_t i = 0; i < inputs.length; ++i) {
    squares[i] /= count;
    if (centred) squares[i] = std::max(squares[i] - mean[i] * mean[i], 0.0);
  }
  return squares;
}

/// Second moments of elements (the lower triangle), from sums of products.
Matrix moments_of_sums(const LayerInputs& inputs, std::size_t group, const std::vector<std::size_t>& elements,
                       bool centred) {
  const auto size = static_cast<Index>(elements.size());
  const std::vector<double> mean = inputs.mean(group);
  const auto count = static_cast<double>(inputs.count);
  Matrix moments = Matrix::Zero(size, size);
  for (Index i = 0; i < size; ++i) {
    for (Index j = 0; j <= i; ++j) {
      const auto [first, second] =
          std::minmax(elements[static_cast<std::size_t>(i)], elements[static_cast<std::size_t>(j)]);
      double value = inputs.products[(group * inputs.length + first) * inputs.length + second] / count;
      if (centred) value -= mean[first] * mean[second];
      moments(i, j) = static_cast<float>(value);
    }
  }
  return moments;
}

/// The same from rows.
Matrix moments_of_rows(const LayerInputs& inputs, std::size_t group, const std::vector<std::size_t>& elements,
                       bool centred) {
  const auto size = static_cast<Index>(elements.size());
  const std::vector<double> mean = inputs.mean(group);
  const auto factor = static_cast<float>(1 / std::sqrt(static_cast<double>(inputs.count)));
  std::vector<float> centre(elements.size(), 0);
  for (std::size_t i = 0; centred && i < elements.size(); ++i)
    centre[i] = static_cast<float>(mean[elements[i]]);
  Matrix moments = Matrix::Zero(size, size);
  Matrix columns(size, static_cast<Index>(std::min(rows_at_once, inputs.count)));
  for (std::size_t first = 0; first < inputs.count; first += rows_at_once) {
    const std::size_t rows = std::min(rows_at_once, inputs.count - first);
    for (std::size_t row = 0; row < rows; ++row) {
      const std::int16_t* values =
          inputs.rows.data() + ((first + row) * inputs.groups + group) * inputs.length;
      float* column = columns.data() + row * elements.size();
      for (std::size_t i = 0; i < elements.size(); ++i)
        column[i] = (static_cast<float>(values[elements[i]]) - centre[i]) * factor;
    }
    moments.selfadjointView<Eigen::Lower>().rankUpdate(columns.leftCols(static_cast<Index>(rows)));
  }
  return moments;
}

Matrix moments_of(const LayerInputs& inputs, std::size_t group, const std::vector<std::size_t>& elements,
                  bool centred) {
  if (inputs.rows.empty()) return moments_of_sums(inputs, group, elements, centred);
  return moments_of_rows(inputs, group, elements, centred);
}

/// The errors that are left of filters (a row each, in levels), element by element, when `lower` is the
/// Cholesky factor of the elements' second moments; the last element is rounded first.
void round_in_turn(const Matrix& lower, Matrix& weights) {
  constexpr Index at_once = 64;
  const Index filters = weights.rows();
  Matrix& errors = weights;  // an element's error takes its place
  for (Index end = lower.rows(); end > 0; end -= std::min(end, at_once)) {
    const Index begin = std::max<Index>(end - at_once, 0), known = lower.rows() - end;
    Matrix pending = Matrix::Zero(filters, end - begin);
    if (known > 0) {
      pending.noalias() = errors.rightCols(known) * lower.block(end, begin, known, end - begin);
    }
    for (Index k = end - 1; k >= begin; --k) {
      auto due = pending.col(k - begin);
      if (k + 1 < end)
        due.noalias() += errors.middleCols(k + 1, end - k - 1) * lower.block(k + 1, k, end - k - 1, 1);
      const float pivot = lower(k, k);
      for (Index filter = 0; filter < filters; ++filter) {
        const float exact = weights(filter, k);
        const double target = static_cast<double>(exact) + static_cast<double>(due(filter)) / pivot;
        const double level = std::clamp(round_to_even(target), -127.0, 127.0);
        errors(filter, k) = static_cast<float>(static_cast<double>(exact) - level);
      }
    }
  }
}

/// Rounds a part of the filters of one group.
class Part {
 public:
  Part(const WeightsToRound& task, std::size_t group, std::vector<std::size_t> elements)
      : task_(task), group_(group), elements_(std::move(elements)) {}

  void round(std::vector<std::int8_t>& levels) {
    order();
    Matrix moments;
    double damping = 0;
    for (const LayerInputs* inputs : task_.inputs) {
      Matrix own = moments_of(*inputs, group_, elements_, task_.bias_takes_mean);
      damping = std::max(damping, damping_of(*inputs));
      if (moments.size() == 0) {
        moments = std::move(own);
      } else {
        const double level = static_cast<double>(inputs->level) / task_.inputs.front()->level;
        moments += own * static_cast<float>(level * level);
      }
    }
    const double mean = moments.diagonal().cast<double>().mean();
    moments.diagonal().array() += static_cast<float>(mean > 0 ? mean * damping : 1.0);
    Eigen::LLT<Eigen::Ref<Matrix>> factorized(moments);
    if (factorized.info() != Eigen::Success) return;  // the nearest levels stay
    round_filters(moments, levels);
  }

 private:
  /// Rising by spread, as the last is rounded first.
  void order() {
    std::vector<double> spread(task_.inputs.front()->length, 0);
    for (const LayerInputs* inputs : task_.inputs) {
      const std::vector<double> more = spreads(*inputs, group_, task_.bias_takes_mean);
      const double level = static_cast<double>(inputs->level) / task_.inputs.front()->level;
      for (std::size_t i = 0; i < spread.size(); ++i) spread[i] += more[i] * level * level;
    }
    std::stable_sort(elements_.begin(), elements_.end(),
                     [&](std::size_t a, std::size_t b) { return spread[a] < spread[b]; });
  }

  void round_filters(const Matrix& lower, std::vector<std::int8_t>& levels) const {
    const std::size_t filters = filter_count(task_) / task_.inputs.front()->groups;
    const auto& scales = task_.quantization.scales;
    const auto values = task_.weights.as<float>();
    Matrix exact(static_cast<Index>(filters), static_cast<Index>(elements_.size()));
    const auto each = [&](auto&& use) {
      for (std::size_t i = 0; i < filters; ++i) {
        const std::size_t index = group_ * filters + i;
        const Filter filter = filter_of(task_, index);
        const double scale = scales[scales.size() == 1 ? 0 : index];
        for (std::size_t k = 0; k < elements_.size(); ++k) {
          const std::size_t place = filter.first + elements_[k] * filter.step;
          use(place, values[place] / scale, exact(static_cast<Index>(i), static_cast<Index>(k)));
        }
      }
    };
    each([](std::size_t, double value, float& element) { element = static_cast<float>(value); });
    round_in_turn(lower, exact);
    each([&](std::size_t place, double value, float error) {
      levels[place] =
          static_cast<std::int8_t>(std::nearbyint(static_cast<double>(static_cast<float>(value)) - error));
    });
  }

  const WeightsToRound& task_;
  std::size_t group_;
  std::vector<std::size_t> elements_;
};

}  // namespace

std::vector<std::int8_t> round_second_order(const WeightsToRound& task) {
  std::vector<std::int8_t> levels = round_correlated(task);
  if (task.inputs.empty() ||
      !std::ranges::all_of(task.inputs, [](const LayerInputs* inputs) { return says_enough(*inputs); }))
    return levels;
  const LayerInputs& inputs = *task.inputs.front();
  for (std::size_t group = 0; group < inputs.groups; ++group) {
    for (auto& part : parts_of(inputs.length, channels_of(task)))
      Part(task, group, std::move(part)).round(levels);
  }
  return levels;
}

}  // namespace calib8
