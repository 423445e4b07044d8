// Ultralytics' models: a list of modules, each of which says where its inputs come from.

#include "calib8/error.h"
#include "read/modules/module_rows.h"

namespace calib8 {
namespace {

/// What the module before gave out (-1), or an earlier one by its number or from the end.
const Values& output_of(const PickledModule& layer, const std::vector<Values>& outputs, std::int64_t from,
                        const Values& input) {
  if (outputs.empty() && from == -1) return input;
  if (from < 0) from += static_cast<std::int64_t>(outputs.size());
  if (from < 0 || from >= static_cast<std::int64_t>(outputs.size()))
    layer.fail("takes the output of a module that doesn't run before it");
  return outputs[static_cast<std::size_t>(from)];
}

Values inputs_of(const PickledModule& layer, const std::vector<Values>& outputs, const Values& input) {
  const std::vector<std::int64_t> from =
      layer.has("f") ? layer.all_integers("f") : std::vector<std::int64_t>{-1};
  const std::vector<std::int64_t> chosen =
      layer.has("idx") ? layer.all_integers("idx") : std::vector<std::int64_t>();
  Values inputs;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const Values& output = output_of(layer, outputs, from[i], input);
    // CBFuse takes one output of each of CBLinear's.
    const std::int64_t index = i < chosen.size() && i + 1 < from.size() ? chosen[i] : 0;
    if (index < 0 || index >= static_cast<std::int64_t>(output.size()) ||
        (chosen.empty() && output.size() != 1))
      layer.fail("takes an output that isn't there");
    inputs.push_back(output[static_cast<std::size_t>(index)]);
  }
  return inputs;
}

Values model(ForwardBuilder& build, const PickledModule& self, const Values& x) {
  std::vector<Values> outputs;
  for (const auto& [name, layer] : self.child("model").children())
    outputs.push_back(build.run_all(*layer, inputs_of(*layer, outputs, x)));
  if (outputs.empty()) self.fail("has no modules");
  return outputs.back();
}

Values cb_linear(ForwardBuilder& build, const PickledModule& self, const Values& x) {
  if (x.size() != 1) self.fail("takes one value");
  return build.split(self, build.run(self, "conv", x.front()), self.all_integers("c2s"), 1);
}

/// The sum of all, each resized to the last one's size.
Values cb_fuse(ForwardBuilder& build, const PickledModule& self, const Values& x) {
  if (x.empty()) self.fail("is given no value");
  const Shape target = build.shape(self, x.back(), 4);
  OnnxValueId sum = x.back();
  for (std::size_t i = 0; i + 1 < x.size(); ++i)
    sum = build.add(self, build.resize_nearest(self, x[i], target[2], target[3]), sum);
  return {sum};
}

constexpr std::string_view tasks = "ultralytics.nn.tasks", blocks = "ultralytics.nn.modules.block";

constexpr ModuleRow rows[] = {
    {tasks, "DetectionModel", model}, {tasks, "SegmentationModel", model},   {tasks, "PoseModel", model},
    {tasks, "OBBModel", model},       {tasks, "ClassificationModel", model}, {blocks, "CBLinear", cb_linear},
    {blocks, "CBFuse", cb_fuse},
};

}  // namespace

std::span<const ModuleRow> ultralytics_model_rows() {
  return rows;
}

}  // namespace calib8
