#include "read/modules/module_rows.h"

#include <algorithm>
#include <array>

namespace calib8 {
namespace {

// Ultralytics' first versions had all of their modules in one file.
constexpr std::string_view ultralytics = "ultralytics.nn.modules";

bool is_of(const PickledModule& module, const ModuleRow& row) {
  return module.is_of(row.class_module, row.class_name) ||
         (row.class_module.starts_with(ultralytics) && module.is_of(ultralytics, row.class_name));
}

}  // namespace

const ModuleRow* find_row(const PickledModule& module) {
  static const std::array families = {torch_activation_rows(),      torch_convolution_rows(),
                                      torch_normalization_rows(),   torch_pooling_rows(),
                                      torch_shape_rows(),           ultralytics_block_rows(),
                                      ultralytics_attention_rows(), ultralytics_head_rows(),
                                      ultralytics_model_rows(),     torchvision_convolutional_rows(),
                                      torchvision_branched_rows(),  transformer_rows()};
  for (const std::span<const ModuleRow> rows : families) {
    const auto row = std::ranges::find_if(rows, [&](const ModuleRow& each) { return is_of(module, each); });
    if (row != rows.end()) return &*row;
  }
  return nullptr;
}

}  // namespace calib8
