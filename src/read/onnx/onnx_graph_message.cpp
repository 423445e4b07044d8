#include "read/onnx/onnx_graph_message.h"

#include <protozero/pbf_message.hpp>

#include "container/protobuf_onnx.h"
#include "read/onnx/onnx_name.h"

namespace calib8 {

namespace proto = onnx_proto;
using protozero::tag_and_type;

OnnxGraphMessage read_onnx_graph_message(protozero::data_view view) {
  constexpr auto bytes = protozero::pbf_wire_type::length_delimited;
  OnnxGraphMessage graph;
  protozero::pbf_message<proto::Graph> message(view);
  while (message.next()) {
    switch (message.tag_and_type()) {
      case tag_and_type(proto::Graph::node, bytes):
        graph.nodes.push_back(message.get_view());
        break;
      case tag_and_type(proto::Graph::name, bytes):
        graph.name = read_onnx_name(message.get_view());
        break;
      case tag_and_type(proto::Graph::initializer, bytes):
        graph.initializers.push_back(message.get_view());
        break;
      case tag_and_type(proto::Graph::input, bytes):
        graph.inputs.push_back(message.get_view());
        break;
      case tag_and_type(proto::Graph::output, bytes):
        graph.outputs.push_back(message.get_view());
        break;
      case tag_and_type(proto::Graph::sparse_initializer, bytes):
        ++graph.sparse_initializers;
        message.skip();
        break;
      default:
        message.skip();
    }
  }
  return graph;
}

}  // namespace calib8
