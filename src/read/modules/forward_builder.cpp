#include "read/modules/forward_builder.h"

#include <algorithm>

#include "calib8/error.h"
#include "ops/infer_node.h"
#include "read/modules/module_rows.h"

namespace calib8 {
namespace {

// Attributes decide how often a module runs: a file may say any number.
constexpr std::size_t most_nodes = 100'000;

Tensor as_float32(const Tensor& tensor) {
  if (tensor.dtype == DType::float32) return tensor;
  return make_tensor(tensor.shape, to_float(tensor));
}

}  // namespace

std::string ForwardBuilder::name_of(const PickledModule& self, std::string_view part) {
  std::string name = self.place().empty() ? "model" : self.place();
  if (!part.empty()) name += "." + std::string(part);
  return name;
}

Values ForwardBuilder::run_all(const PickledModule& module, const Values& x) {
  const ModuleRow* row = find_row(module);
  if (!row)
    module.fail(
        "is of a class whose forward() calib8 doesn't know: export the model to ONNX with torch.onnx.export "
        "and convert that, or save its weights alone, torch.save(model.state_dict(), path), where it is one "
        "of torchvision's architectures");
  if (row->several) return row->several(*this, module, x);
  if (x.size() != 1) module.fail("takes one value, and is given " + std::to_string(x.size()));
  return {row->one(*this, module, x.front())};
}

OnnxValueId ForwardBuilder::run(const PickledModule& module, const Values& x) {
  const Values y = run_all(module, x);
  if (y.size() != 1) module.fail("gives out " + std::to_string(y.size()) + " values where one is used");
  return y.front();
}

OnnxValueId ForwardBuilder::run(const PickledModule& module, OnnxValueId x) {
  return run(module, Values{x});
}

OnnxValueId ForwardBuilder::run_named(const PickledModule& self, OnnxValueId x,
                                      std::initializer_list<const char*> children) {
  for (const char* child : children) x = run(self, child, x);
  return x;
}

OnnxValueId ForwardBuilder::run_in_turn(const PickledModule& self, OnnxValueId x) {
  for (const auto& [name, module] : self.children()) x = run(*module, x);
  return x;
}

Values ForwardBuilder::run_dense(const PickledModule& list, Values y) {
  for (const auto& [name, module] : list.children()) y.push_back(run(*module, y.back()));
  return y;
}

OnnxValueId ForwardBuilder::emit(const PickledModule& self, std::string op_type, Values inputs,
                                 Attributes attributes, std::string_view part) {
  if (++nodes_ > most_nodes) self.fail("makes the network larger than any: export the model to ONNX");
  return typed(
      emitter_.emit(std::move(op_type), name_of(self, part), std::move(inputs), std::move(attributes)));
}

OnnxValueId ForwardBuilder::typed(OnnxValueId value) {
  OnnxGraph& graph = emitter_.graph();
  infer_types(graph, graph.producer(value));
  return value;
}

OnnxValueId ForwardBuilder::weight_or_none(const PickledModule& self, std::string_view name) {
  const auto tensor = self.tensor(name);
  return tensor ? constant(self, name, as_float32(*tensor)) : OnnxValueId{};
}

OnnxValueId ForwardBuilder::weight(const PickledModule& self, std::string_view name) {
  const OnnxValueId value = weight_or_none(self, name);
  if (!value.exists()) self.fail("has no tensor '" + std::string(name) + "'");
  return value;
}

OnnxValueId ForwardBuilder::constant(const PickledModule& self, std::string_view part, Tensor tensor) {
  if (++nodes_ > most_nodes) self.fail("makes the network larger than any: export the model to ONNX");
  return emitter_.constant(name_of(self, part), std::move(tensor));
}

OnnxValueId ForwardBuilder::integers(const PickledModule& self, std::string_view part,
                                     std::vector<std::int64_t> values) {
  const Shape sizes{static_cast<std::int64_t>(values.size())};
  return constant(self, part, make_tensor(sizes, std::move(values)));
}

OnnxValueId ForwardBuilder::number(const PickledModule& self, std::string_view part, double value) {
  return constant(self, part, make_tensor<float>({}, {static_cast<float>(value)}));
}

OnnxValueId ForwardBuilder::add(const PickledModule& self, OnnxValueId a, OnnxValueId b) {
  return emit(self, "Add", {a, b}, {}, "add");
}

OnnxValueId ForwardBuilder::multiply(const PickledModule& self, OnnxValueId a, OnnxValueId b) {
  return emit(self, "Mul", {a, b}, {}, "mul");
}

OnnxValueId ForwardBuilder::matmul(const PickledModule& self, OnnxValueId a, OnnxValueId b) {
  return emit(self, "MatMul", {a, b}, {}, "matmul");
}

OnnxValueId ForwardBuilder::concat(const PickledModule& self, Values values, std::int64_t axis) {
  return emit(self, "Concat", std::move(values), {{"axis", axis}}, "cat");
}

OnnxValueId ForwardBuilder::slice(const PickledModule& self, OnnxValueId x, std::int64_t axis,
                                  std::int64_t begin, std::int64_t end) {
  return emit(self, "Slice",
              {x, integers(self, "slice.begin", {begin}), integers(self, "slice.end", {end}),
               integers(self, "slice.axis", {axis})},
              {}, "slice");
}

Values ForwardBuilder::split(const PickledModule& self, OnnxValueId x, const std::vector<std::int64_t>& sizes,
                             std::int64_t axis) {
  Values parts;
  std::int64_t begin = 0;
  const Shape whole = shape(self, x);
  if (axis >= static_cast<std::int64_t>(whole.size()))
    self.fail("splits a value that has too few dimensions");
  for (const std::int64_t size : sizes) {
    if (size < 1 || size > whole[static_cast<std::size_t>(axis)] - begin)
      self.fail("splits " + std::to_string(whole[static_cast<std::size_t>(axis)]) +
                " channels in other parts");
    parts.push_back(slice(self, x, axis, begin, begin + size));
    begin += size;
  }
  return parts;
}

Values ForwardBuilder::halves(const PickledModule& self, OnnxValueId x) {
  const Shape sizes = shape(self, x);
  if (sizes.size() < 2 || sizes[1] % 2 != 0) self.fail("halves an odd number of channels");
  return split(self, x, {sizes[1] / 2, sizes[1] / 2}, 1);
}

OnnxValueId ForwardBuilder::reshape(const PickledModule& self, OnnxValueId x,
                                    std::vector<std::int64_t> sizes) {
  return emit(self, "Reshape", {x, integers(self, "reshape.sizes", std::move(sizes))}, {}, "reshape");
}

OnnxValueId ForwardBuilder::transpose(const PickledModule& self, OnnxValueId x,
                                      std::vector<std::int64_t> order) {
  return emit(self, "Transpose", {x}, {{"perm", std::move(order)}}, "transpose");
}

OnnxValueId ForwardBuilder::softmax(const PickledModule& self, OnnxValueId x, std::int64_t axis) {
  return emit(self, "Softmax", {x}, {{"axis", axis}}, "softmax");
}

OnnxValueId ForwardBuilder::sigmoid(const PickledModule& self, OnnxValueId x) {
  return emit(self, "Sigmoid", {x}, {}, "sigmoid");
}

OnnxValueId ForwardBuilder::silu(const PickledModule& self, OnnxValueId x) {
  return emit(self, "Mul", {x, sigmoid(self, x)});
}

OnnxValueId ForwardBuilder::relu(const PickledModule& self, OnnxValueId x) {
  return emit(self, "Relu", {x}, {}, "relu");
}

OnnxValueId ForwardBuilder::global_average(const PickledModule& self, OnnxValueId x) {
  return emit(self, "GlobalAveragePool", {x}, {}, "avgpool");
}

OnnxValueId ForwardBuilder::flatten(const PickledModule& self, OnnxValueId x) {
  return emit(self, "Flatten", {x}, {{"axis", std::int64_t{1}}}, "flatten");
}

OnnxValueId ForwardBuilder::max_pool(const PickledModule& self, OnnxValueId x, std::int64_t kernel,
                                     std::int64_t stride, std::int64_t padding) {
  const OnnxWindow window = OnnxWindow::square(kernel, stride, padding);
  return emit(self, "MaxPool", {x},
              {{"kernel_shape", window.kernel}, {"strides", window.strides}, {"pads", window.pads}},
              "maxpool");
}

OnnxValueId ForwardBuilder::average_pool(const PickledModule& self, OnnxValueId x, std::int64_t kernel,
                                         std::int64_t stride, std::int64_t padding) {
  const OnnxWindow window = OnnxWindow::square(kernel, stride, padding);
  return emit(self, "AveragePool", {x},
              {{"kernel_shape", window.kernel},
               {"strides", window.strides},
               {"pads", window.pads},
               {"count_include_pad", std::int64_t{1}}},
              "avgpool");
}

OnnxValueId ForwardBuilder::resize_nearest(const PickledModule& self, OnnxValueId x, std::int64_t height,
                                           std::int64_t width) {
  const Shape sizes = shape(self, x, 4);
  if (sizes[2] == height && sizes[3] == width) return x;
  return emit(self, "Resize", {x, OnnxValueId{}, OnnxValueId{}, integers(self, "sizes", {height, width})},
              {{"mode", std::string("nearest")},
               {"axes", std::vector<std::int64_t>{2, 3}},
               {"coordinate_transformation_mode", std::string("asymmetric")},
               {"nearest_mode", std::string("floor")}},
              "resize");
}

OnnxValueId ForwardBuilder::enlarge(const PickledModule& self, OnnxValueId x, std::int64_t factor) {
  const Shape sizes = shape(self, x, 4);
  constexpr std::int64_t largest = 1 << 20;
  if (factor < 1 || factor > largest / std::max<std::int64_t>({1, sizes[2], sizes[3]}))
    self.fail("enlarges a value to more than any image has");
  return resize_nearest(self, x, sizes[2] * factor, sizes[3] * factor);
}

Shape ForwardBuilder::shape(const PickledModule& self, OnnxValueId x) const {
  const auto& type = emitter_.graph()[x].type;
  if (!type || !type->is_static()) self.fail("works on a value of unknown size: export the model to ONNX");
  return type->static_shape();
}

Shape ForwardBuilder::shape(const PickledModule& self, OnnxValueId x, std::size_t rank) const {
  Shape sizes = shape(self, x);
  if (sizes.size() != rank)
    self.fail("takes " + std::to_string(rank) + " dimensions, and is given " + to_string(sizes));
  return sizes;
}

}  // namespace calib8
