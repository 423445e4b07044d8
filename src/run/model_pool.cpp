#include "run/model_pool.h"

#include <map>
#include <utility>

#include "run/feed.h"
#include "run/instances.h"

namespace calib8 {

std::int64_t output_elements(const TfliteGraph& graph) {
  std::int64_t elements = 0;
  for (const TensorId output : graph.outputs()) elements += element_count(graph[output].shape).value_or(0);
  return elements;
}

RunnableModel runnable(const TfliteGraph& graph, SharedFile file, const std::vector<TensorId>& outputs) {
  RunnableModel model;
  for (const TensorId input : graph.inputs()) model.inputs.push_back(edge_type(graph[input]));
  for (const auto& [position, scaling] : graph.pixel_inputs) model.inputs.at(position).pixels = scaling;
  for (const TensorId output : outputs) model.outputs.push_back(edge_type(graph[output]));
  model.weight_bytes = file.size();
  model.file = std::move(file);
  return model;
}

RunnableModel runnable(const TfliteGraph& graph, SharedFile file) {
  return runnable(graph, std::move(file), graph.outputs());
}

ModelInstance::ModelInstance(std::shared_ptr<const LiteRt> litert, const RunnableModel& model,
                             InterpreterOptions options)
    : interpreter_(std::move(litert), model.file, std::move(options)),
      input_types_(model.inputs),
      output_types_(model.outputs) {}

std::chrono::nanoseconds ModelInstance::run(const Sample& sample, std::size_t number) {
  std::map<std::string, Tensor> arrays;
  for (std::size_t i = 0; i < input_types_.size(); ++i) {
    const std::string& name = interpreter_.inputs()[i].name;
    auto found = sample.inputs.find(name);
    if (found == sample.inputs.end()) found = sample.inputs.find("");
    if (found != sample.inputs.end()) arrays.emplace(name, from_float(found->second, input_types_[i]));
  }
  feed(interpreter_, arrays);
  return interpreter_.run(number);
}

std::vector<float> ModelInstance::output(std::size_t index) const {
  return to_float(interpreter_.output(index), output_types_[index]);
}

std::vector<float> ModelInstance::all_outputs() const {
  std::vector<float> values;
  for (std::size_t i = 0; i < output_count(); ++i) {
    const std::vector<float> one = output(i);
    values.insert(values.end(), one.begin(), one.end());
  }
  return values;
}

ModelPool::ModelPool(const std::shared_ptr<const LiteRt>& litert, const std::vector<RunnableModel>& models,
                     const Options& options)
    : threads_(options.threads) {
  std::size_t largest = 0;
  for (const RunnableModel& model : models) largest = std::max(largest, model.weight_bytes);
  const std::vector<int> shares = share_threads(largest, options.threads, options.samples);
  std::vector<std::optional<ModelInstance>> made(shares.size() * models.size());
  parallel_for(made.size(), options.threads, [&](int, std::size_t i) {
    const InterpreterOptions settings{.threads = shares[i / models.size()], .purpose = options.purpose};
    made[i].emplace(litert, models[i % models.size()], settings);
  });
  for (std::size_t worker = 0; worker < shares.size(); ++worker) {
    workers_.push_back({worker, {}});
    for (std::size_t i = 0; i < models.size(); ++i)
      workers_.back().models.push_back(std::move(*made[worker * models.size() + i]));
  }
}

}  // namespace calib8
