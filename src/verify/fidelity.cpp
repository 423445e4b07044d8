#include "verify/fidelity.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "verify/joined_parts.h"

namespace calib8 {
namespace {

using Rows = std::span<const std::vector<float>>;

/// The elements of an output, and the group that each belongs to.
struct GroupedElements {
  std::size_t first = 0;
  std::span<const std::uint16_t> group_of;
  std::size_t groups = 0;
};

/// The groups of which an element differs between samples by more than `tolerance` times the group's largest
/// value.
std::vector<bool> groups_that_vary(Rows rows, const GroupedElements& elements, float tolerance) {
  std::vector<float> largest(elements.groups, 0.0f), spread(elements.groups, 0.0f);
  for (std::size_t i = 0; i < elements.group_of.size(); ++i) {
    const std::uint16_t group = elements.group_of[i];
    const float first = rows[0][elements.first + i];
    for (const std::vector<float>& row : rows) {
      const float value = row[elements.first + i];
      largest[group] = std::max(largest[group], std::abs(value));
      spread[group] = std::max(spread[group], std::abs(value - first));
    }
  }
  std::vector<bool> varies;
  for (std::size_t group = 0; group < elements.groups; ++group)
    varies.push_back(!(spread[group] <= tolerance * largest[group]));  // NaN varies
  return varies;
}

/// What is compared with the float model's values: their means over the samples, of the groups that vary.
std::vector<double> offsets(Rows of_float, const GroupedElements& elements, const std::vector<bool>& varies) {
  std::vector<double> means(elements.group_of.size(), 0.0);
  for (std::size_t i = 0; i < means.size(); ++i) {
    if (!varies[elements.group_of[i]]) continue;
    for (const std::vector<float>& row : of_float) means[i] += row[elements.first + i];
    means[i] /= static_cast<double>(of_float.size());
  }
  return means;
}

std::vector<Fidelity> compare_groups(Rows of_float, Rows of_quantized, const GroupedElements& elements) {
  // No int8 tensor could show a smaller difference beside such values.
  constexpr float smallest_difference = 1e-3f;
  const std::vector<bool> float_varies = groups_that_vary(of_float, elements, smallest_difference);
  const std::vector<bool> quantized_varies = groups_that_vary(of_quantized, elements, 0);
  const std::vector<double> offset = offsets(of_float, elements, float_varies);
  std::vector<std::vector<Powers>> powers(elements.groups, std::vector<Powers>(of_float.size()));
  for (std::size_t sample = 0; sample < of_float.size(); ++sample) {
    for (std::size_t i = 0; i < offset.size(); ++i) {
      const double value = of_float[sample][elements.first + i];
      const double difference = of_quantized[sample][elements.first + i] - value;
      powers[elements.group_of[i]][sample].add(value - offset[i], difference);
    }
  }
  std::vector<Fidelity> fidelities;
  for (std::size_t group = 0; group < elements.groups; ++group) {
    fidelities.push_back({estimate_decibels(powers[group]), float_varies[group] && !quantized_varies[group]});
  }
  return fidelities;
}

/// Nothing where the float model's outputs are no embedding.
std::optional<double> mean_cosine(Rows of_float, Rows of_quantized, std::size_t first, std::size_t size) {
  constexpr double tolerance = 1e-3;
  double sum = 0;
  bool has_negative = false;
  for (std::size_t sample = 0; sample < of_float.size(); ++sample) {
    double product = 0, float_square = 0, quantized_square = 0;
    for (std::size_t i = first; i < first + size; ++i) {
      const double expected = of_float[sample][i], measured = of_quantized[sample][i];
      product += expected * measured;
      float_square += expected * expected;
      quantized_square += measured * measured;
      has_negative = has_negative || expected < 0;
    }
    if (std::abs(float_square - 1) > tolerance) return std::nullopt;
    sum += quantized_square > 0 ? product / std::sqrt(float_square * quantized_square) : 0;
  }
  if (!has_negative) return std::nullopt;  // one-hot, or probabilities
  return sum / static_cast<double>(of_float.size());
}

PartFidelity describe(const TfliteGraph& graph, TensorId part, const Fidelity& fidelity) {
  const OperatorId producer = graph.producer(part);
  return {graph[part].name, producer.exists() ? std::string(name_of(graph[producer].options)) : "", fidelity};
}

}  // namespace

std::vector<OutputFidelity> measure_fidelity(const TfliteGraph& graph, Rows of_float, Rows of_quantized) {
  assert(!of_float.empty() && of_float.size() == of_quantized.size());
  std::vector<OutputFidelity> outputs;
  std::size_t first = 0;
  for (std::size_t index = 0; index < graph.outputs().size(); ++index) {
    const TensorId tensor = graph.outputs()[index];
    const auto size = static_cast<std::size_t>(element_count(graph[tensor].shape).value());
    const std::vector<std::uint16_t> whole(size, 0);
    OutputFidelity output{
        graph.output_names[index], compare_groups(of_float, of_quantized, {first, whole, 1}).front(), {}, {}};
    const Shape& shape = graph[tensor].shape;
    if (shape.size() == 2 && shape[0] == 1) output.cosine = mean_cosine(of_float, of_quantized, first, size);
    const JoinedParts joined = joined_parts(graph, tensor);
    if (joined.parts.size() > 1) {
      const auto parts = compare_groups(of_float, of_quantized, {first, joined.part_of, joined.parts.size()});
      for (std::size_t i = 0; i < parts.size(); ++i)
        output.parts.push_back(describe(graph, joined.parts[i], parts[i]));
    }
    outputs.push_back(std::move(output));
    first += size;
  }
  return outputs;
}

}  // namespace calib8
