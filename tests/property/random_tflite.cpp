#include "random_tflite.h"

#include "tflite_growth.h"

namespace calib8::property {

RandomTfliteGraph random_tflite_graph(std::uint64_t seed, std::size_t most_operators) {
  constexpr std::size_t samples = TfliteGrowth::samples;
  const std::vector<TfliteStep>& steps = tflite_steps();
  TfliteGrowth growth(seed);
  const auto wanted = static_cast<std::size_t>(growth.random.between(1, 10));
  for (std::size_t step = 0, tries = 0; step < std::min(wanted, most_operators) && tries < 200; ++tries)
    step += growth.random.pick(steps)(growth) ? 1 : 0;
  RandomTfliteGraph result{
      {}, std::vector<std::vector<Array>>(samples), std::vector<std::vector<Array>>(samples)};
  std::vector<TensorId> outputs;
  for (const TensorId id : growth.activations) {
    if (!growth.graph.producer(id).exists() ||
        (!growth.graph.users(id).empty() && !growth.random.chance(0.05)))
      continue;
    outputs.push_back(id);
    growth.graph.output_names.push_back(growth.graph[id].name);
  }
  for (std::size_t sample = 0; sample < samples; ++sample) {
    for (const TensorId id : growth.graph.inputs())
      result.inputs[sample].push_back(growth.values_of(id, sample));
    for (const TensorId id : outputs) result.outputs[sample].push_back(growth.values_of(id, sample));
  }
  growth.graph.set_outputs(std::move(outputs));
  result.graph = std::move(growth.graph);
  return result;
}

}  // namespace calib8::property
