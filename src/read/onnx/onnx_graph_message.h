#pragma once

#include <protozero/data_view.hpp>
#include <string>
#include <vector>

namespace calib8 {

/// A GraphProto: the model's, or a branch of an If.
struct OnnxGraphMessage {
  std::string name = "model";
  std::vector<protozero::data_view> nodes, initializers, inputs, outputs;
  std::size_t sparse_initializers = 0;
};

/// Takes a GraphProto apart. Fails with ErrorCode::model where the message is damaged.
OnnxGraphMessage read_onnx_graph_message(protozero::data_view message);

}  // namespace calib8
