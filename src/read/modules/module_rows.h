#pragma once

#include <span>
#include <string_view>

#include "read/modules/forward_builder.h"

namespace calib8 {

/// How forward() of a class runs when it isn't training: of one value, or of several (a list, and several
/// outputs).
struct ModuleRow {
  using One = OnnxValueId (*)(ForwardBuilder& build, const PickledModule& self, OnnxValueId x);
  using Several = Values (*)(ForwardBuilder& build, const PickledModule& self, const Values& x);

  constexpr ModuleRow(std::string_view module, std::string_view name, One forward)
      : class_module(module), class_name(name), one(forward) {}
  constexpr ModuleRow(std::string_view module, std::string_view name, Several forward)
      : class_module(module), class_name(name), several(forward) {}

  std::string_view class_module, class_name;  ///< "torch.nn.modules.conv", "Conv2d"
  One one = nullptr;
  Several several = nullptr;
};

/// The row of a module's class; null where its forward() isn't known.
const ModuleRow* find_row(const PickledModule& module);

// One list a family, each in a file of its own.
std::span<const ModuleRow> torch_activation_rows();
std::span<const ModuleRow> torch_convolution_rows();
std::span<const ModuleRow> torch_normalization_rows();
std::span<const ModuleRow> torch_pooling_rows();
std::span<const ModuleRow> torch_shape_rows();
std::span<const ModuleRow> torchvision_branched_rows();
std::span<const ModuleRow> torchvision_convolutional_rows();
std::span<const ModuleRow> transformer_rows();
std::span<const ModuleRow> ultralytics_attention_rows();
std::span<const ModuleRow> ultralytics_block_rows();
std::span<const ModuleRow> ultralytics_head_rows();
std::span<const ModuleRow> ultralytics_model_rows();

}  // namespace calib8
