#include "simplify/signature.h"

#include "calib8/error.h"
#include "simplify/passes.h"

namespace calib8 {
namespace {

std::string describe(const std::vector<Dimension>& shape) {
  std::string text = "[";
  for (const Dimension& dimension : shape) {
    if (text.size() > 1) text += ", ";
    text += dimension.is_known()       ? std::to_string(dimension.size)
            : dimension.symbol.empty() ? "?"
                                       : dimension.symbol;
  }
  return text + "]";
}

std::string quoted(const OnnxValue& value) {
  return "input '" + value.name + "'";
}

/// The input's dimensions; fails where the file doesn't even tell how many there are.
std::vector<Dimension>& shape_of(OnnxValue& input) {
  if (!input.type || !input.type->shape) {
    throw Error(ErrorCode::model, "the file doesn't say how many dimensions it has; export it with shapes",
                quoted(input));
  }
  return *input.type->shape;
}

}  // namespace

void set_input_size(OnnxGraph& graph, std::int64_t height, std::int64_t width) {
  OnnxValue* image = nullptr;
  for (const OnnxValueId id : graph.inputs()) {
    if (shape_of(graph[id]).size() != 4) continue;
    if (image)
      throw Error(ErrorCode::model, "the model has two image inputs; an input size can't be set for both");
    image = &graph[id];
  }
  if (!image)
    throw Error(ErrorCode::model, "the model has no input of the shape [batch, channels, height, width]");
  std::vector<Dimension>& shape = shape_of(*image);
  const auto fits = [](const Dimension& dimension, std::int64_t size) {
    return !dimension.is_known() || dimension.size == size;
  };
  if (!fits(shape[2], height) || !fits(shape[3], width)) {
    throw Error(ErrorCode::model,
                "the file fixes its shape, " + describe(shape) + ", so that the size can't become " +
                    std::to_string(height) + "x" + std::to_string(width) +
                    "; leave out --input-size, or export the model with dynamic height and width",
                quoted(*image));
  }
  shape[2] = {height, {}};
  shape[3] = {width, {}};
}

void fix_batch(OnnxGraph& graph, std::int64_t batch) {
  for (const OnnxValueId id : graph.inputs()) {
    std::vector<Dimension>& shape = shape_of(graph[id]);
    if (!shape.empty() && !shape[0].is_known()) shape[0] = {batch, {}};
  }
}

void open_batch(OnnxGraph& graph, const std::string& symbol) {
  for (const OnnxValueId id : graph.inputs()) {
    std::vector<Dimension>& shape = shape_of(graph[id]);
    if (!shape.empty()) shape[0] = {-1, symbol};
  }
  infer_shapes(graph);
  for (const OnnxValueId id : graph.outputs()) {
    const auto& type = graph[id].type;
    if (type && type->shape && !type->shape->empty() && type->shape->front().is_known()) {
      throw Error(ErrorCode::model,
                  "has a fixed batch of " + std::to_string(type->shape->front().size) +
                      " whatever the input's is; export the model with a dynamic batch",
                  "output '" + graph[id].name + "'");
    }
  }
}

void require_static_inputs(const OnnxGraph& graph) {
  std::string open;
  for (const OnnxValueId id : graph.inputs()) {
    const OnnxValue& input = graph[id];
    if (input.type && input.type->is_static()) continue;
    if (!open.empty()) open += "; ";
    open += quoted(input) + " " +
            (input.type && input.type->shape ? describe(*input.type->shape) : "of unknown shape");
  }
  if (!open.empty())
    throw Error(ErrorCode::model,
                "the file leaves sizes open, give --input-size, or --input-shape NAME=SIZES: " + open);
}

}  // namespace calib8
