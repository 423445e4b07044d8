#include <set>

#include "optimize/passes.h"
#include "optimize/rewrite.h"

//   x: input, output                =>      x: input -> RESHAPE -> output
//   x -> RELU -> y: output, output  =>      x -> RELU -> y: output -> RESHAPE -> output
//
// LiteRT leaves an output that no operator writes as it was, and a signature gives a tensor one name.

namespace calib8 {

bool separate_outputs(TfliteGraph& graph) {
  bool changed = false;
  std::set<TensorId> given;
  std::vector<TensorId> outputs = graph.outputs();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const TensorId output = outputs[i];
    if (graph.producer(output).exists() && given.insert(output).second) continue;
    const std::vector<std::int32_t> shape = to_int32(graph[output].shape);
    const std::string name = i < graph.output_names.size() ? graph.output_names[i] : graph[output].name;
    const TensorId wanted = graph.add_constant(name + "/shape", shape);
    outputs[i] =
        graph.emit(tflite::Reshape{shape}, {output, wanted}, name, graph[output].shape, graph[output].dtype);
    graph[outputs[i]].quantization = graph[output].quantization;
    given.insert(outputs[i]);
    changed = true;
  }
  if (changed) graph.set_outputs(std::move(outputs));
  return changed;
}

}  // namespace calib8
