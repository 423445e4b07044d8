#include <numeric>
#include <optional>
#include <stdexcept>

#include "functions.h"
#include "onnx_reference.h"

namespace calib8::property {
namespace {

bool given(const Operands& in, std::size_t position) {
  return position < in.size() && in[position] != nullptr;
}

Array integers(Ints values, bool is_scalar = false) {
  Array result{is_scalar ? Shape{} : Shape{static_cast<std::int64_t>(values.size())}, {}, DType::int64};
  for (const std::int64_t value : values) result.elements.push_back({static_cast<double>(value), 0});
  return result;
}

Array reshape(const OnnxNode& node, const Operands& in) {
  Shape shape = integers_of(*in.at(1));
  std::optional<std::size_t> open;
  std::int64_t count = 1;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0 && node.get_int("allowzero", 0) == 0) shape[i] = in[0]->shape.at(i);
    if (shape[i] == -1) open = i;
    if (shape[i] != -1) count *= shape[i];
  }
  if (open) shape[*open] = static_cast<std::int64_t>(in[0]->elements.size()) / count;
  return reshaped(*in[0], shape);
}

Array squeeze(const Operands& in) {
  const std::size_t rank = in[0]->shape.size();
  std::vector<bool> gone(rank, false);
  if (given(in, 1)) {
    for (const std::int64_t axis : integers_of(*in[1])) gone.at(axis_of(axis, rank)) = true;
  } else {
    for (std::size_t i = 0; i < rank; ++i) gone[i] = in[0]->shape[i] == 1;
  }
  Shape shape;
  for (std::size_t i = 0; i < rank; ++i)
    if (!gone[i]) shape.push_back(in[0]->shape[i]);
  return reshaped(*in[0], shape);
}

Array unsqueeze(const Operands& in) {
  const Ints axes = integers_of(*in.at(1));
  const std::size_t rank = in[0]->shape.size() + axes.size();
  std::vector<bool> fresh(rank, false);
  for (const std::int64_t axis : axes) fresh.at(axis_of(axis, rank)) = true;
  Shape shape;
  std::size_t next = 0;
  for (std::size_t i = 0; i < rank; ++i) shape.push_back(fresh[i] ? 1 : in[0]->shape.at(next++));
  return reshaped(*in[0], shape);
}

Array flatten(const OnnxNode& node, const Array& x) {
  const std::size_t axis = axis_of(node.get_int("axis", 1), x.shape.size());
  const auto outer = static_cast<std::int64_t>(
      count_of(Shape(x.shape.begin(), x.shape.begin() + static_cast<std::ptrdiff_t>(axis))));
  return reshaped(x, {outer, static_cast<std::int64_t>(x.elements.size()) / outer});
}

/// Slice, along one axis, by the specification's clamping.
struct AxisSlice {
  std::int64_t begin, step, count;
};
AxisSlice axis_slice(std::int64_t start, std::int64_t end, std::int64_t step, std::int64_t size) {
  if (start < 0) start += size;
  if (end < 0) end += size;
  if (step > 0) {
    start = std::clamp<std::int64_t>(start, 0, size);
    end = std::clamp<std::int64_t>(end, 0, size);
    return {start, step, std::max<std::int64_t>(0, (end - start + step - 1) / step)};
  }
  start = std::clamp<std::int64_t>(start, 0, size - 1);
  end = std::clamp<std::int64_t>(end, -1, size - 1);
  return {start, step, std::max<std::int64_t>(0, (start - end - step - 1) / -step)};
}

Array slice(const Operands& in) {
  const Array& x = *in[0];
  Ints begin(x.shape.size(), 0), step(x.shape.size(), 1), count = x.shape;
  const Ints starts = integers_of(*in.at(1)), ends = integers_of(*in.at(2));
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const std::size_t axis = given(in, 3) ? axis_of(integers_of(*in[3]).at(i), x.shape.size()) : i;
    const AxisSlice one =
        axis_slice(starts[i], ends.at(i), given(in, 4) ? integers_of(*in[4]).at(i) : 1, x.shape.at(axis));
    begin[axis] = one.begin;
    step[axis] = one.step;
    count[axis] = one.count;
  }
  return sliced(x, begin, step, count);
}

std::vector<Array> split(const OnnxNode& node, const Operands& in) {
  const Array& x = *in[0];
  const std::size_t axis = axis_of(node.get_int("axis", 0), x.shape.size());
  const auto parts = static_cast<std::int64_t>(node.outputs.size());
  Ints sizes;
  if (given(in, 1)) {
    sizes = integers_of(*in[1]);
  } else {
    const std::int64_t chunk = (x.shape[axis] + parts - 1) / parts;
    for (std::int64_t left = x.shape[axis]; static_cast<std::int64_t>(sizes.size()) < parts; left -= chunk)
      sizes.push_back(std::min(chunk, left));
  }
  std::vector<Array> results;
  Ints begin(x.shape.size(), 0), count = x.shape;
  for (const std::int64_t size : sizes) {
    count[axis] = size;
    results.push_back(sliced(x, begin, Ints(x.shape.size(), 1), count));
    begin[axis] += size;
  }
  return results;
}

/// The element that stands beside an edge in the other modes.
std::int64_t beside(const std::string& mode, std::int64_t at, std::int64_t size) {
  if (mode == "edge") return std::clamp<std::int64_t>(at, 0, size - 1);
  if (mode == "wrap") return ((at % size) + size) % size;
  const std::int64_t period = std::max<std::int64_t>(2 * (size - 1), 1),
                     place = ((at % period) + period) % period;
  return std::min(place, period - place);
}

Array pad(const OnnxNode& node, const Operands& in) {
  const std::size_t rank = in[0]->shape.size();
  const Ints pads = integers_of(*in.at(1));
  Ints axes(rank);
  std::iota(axes.begin(), axes.end(), 0);
  if (given(in, 3)) axes = integers_of(*in[3]);
  Ints before(rank, 0), after(rank, 0);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    before[axis_of(axes[i], rank)] = pads.at(i);
    after[axis_of(axes[i], rank)] = pads.at(i + axes.size());
  }
  const std::string mode = node.get_string("mode", "constant");
  if (mode != "constant") {
    Shape shape = in[0]->shape;
    for (std::size_t axis = 0; axis < rank; ++axis) shape[axis] += before[axis] + after[axis];
    const Ints strides = strides_of(in[0]->shape);
    return build(shape, [&](Index index) {
      for (std::size_t axis = 0; axis < rank; ++axis)
        index[axis] = beside(mode, index[axis] - before[axis], in[0]->shape[axis]);
      return in[0]->elements[offset_at(strides, index)];
    });
  }
  return padded(*in[0], before, after, given(in, 2) ? in[2]->elements.at(0) : Real{});
}

Array reduce(const OnnxNode& node, const Operands& in, Reduction kind) {
  Ints axes = given(in, 1) ? integers_of(*in[1]) : Ints{};
  if (axes.empty()) {
    if (node.get_int("noop_with_empty_axes", 0) != 0) return *in[0];
    axes.resize(in[0]->shape.size());
    std::iota(axes.begin(), axes.end(), 0);
  }
  return reduced(*in[0], axes, node.get_int("keepdims", 1) != 0, kind);
}

/// [N, C b b, H, W] -> [N, C, H b, W b]; DCR has the blocks outermost in the channels, CRD innermost.
Array depth_to_space(const OnnxNode& node, const Array& x) {
  const std::int64_t b = node.get_int("blocksize", 1), n = x.shape[0], h = x.shape[2], w = x.shape[3];
  const std::int64_t c = x.shape[1] / (b * b);
  const bool is_crd = node.get_string("mode", "DCR") == "CRD";
  const Array parted = reshaped(x, is_crd ? Shape{n, c, b, b, h, w} : Shape{n, b, b, c, h, w});
  const Array moved = permuted(parted, is_crd ? Ints{0, 1, 4, 2, 5, 3} : Ints{0, 3, 4, 1, 5, 2});
  return reshaped(moved, {n, c, h * b, w * b});
}
Array space_to_depth(const OnnxNode& node, const Array& x) {
  const std::int64_t b = node.get_int("blocksize", 1), n = x.shape[0], c = x.shape[1];
  const std::int64_t h = x.shape[2] / b, w = x.shape[3] / b;
  return reshaped(permuted(reshaped(x, {n, c, h, b, w, b}), {0, 3, 5, 1, 2, 4}), {n, c * b * b, h, w});
}

Array constant(const OnnxNode& node) {
  if (const auto value = node.attributes.find("value"); value != node.attributes.end())
    return array_of(std::get<Tensor>(value->second));
  if (node.has("value_float")) return filled({}, {static_cast<double>(node.get_float("value_float", 0)), 0});
  if (node.has("value_int")) return integers({node.get_int("value_int", 0)}, true);
  if (node.has("value_ints")) return integers(node.get_ints("value_ints", {}));
  const std::vector<float> values = node.get_floats("value_floats", {});
  return array_of({static_cast<std::int64_t>(values.size())}, values);
}

Array constant_of_shape(const OnnxNode& node, const Operands& in) {
  const auto value = node.attributes.find("value");
  if (value == node.attributes.end()) return filled(integers_of(*in[0]), {});
  const Array filling = array_of(std::get<Tensor>(value->second));
  Array result = filled(integers_of(*in[0]), filling.elements.at(0));
  result.dtype = filling.dtype;
  return result;
}

Array range(const Operands& in) {
  const double start = in[0]->elements.at(0).value, limit = in.at(1)->elements.at(0).value;
  const double delta = in.at(2)->elements.at(0).value;
  Array result{{0}, {}, in[0]->dtype};
  for (double i = 0; i < std::ceil((limit - start) / delta); ++i)
    result.elements.push_back({start + i * delta, 0});
  result.shape[0] = static_cast<std::int64_t>(result.elements.size());
  return result;
}

Array shape_of(const OnnxNode& node, const Array& x) {
  const auto rank = static_cast<std::int64_t>(x.shape.size());
  const auto place = [&](std::int64_t at) {
    return std::clamp<std::int64_t>(at < 0 ? at + rank : at, 0, rank);
  };
  const std::int64_t start = place(node.get_int("start", 0)), end = place(node.get_int("end", rank));
  if (start >= end) return integers({});
  return integers({x.shape.begin() + start, x.shape.begin() + end});
}

std::vector<Array> moved(const OnnxNode& node, const Operands& in) {
  const std::string& op = node.op_type;
  if (op == "Reshape") return {reshape(node, in)};
  if (op == "Flatten") return {flatten(node, *in[0])};
  if (op == "Squeeze") return {squeeze(in)};
  if (op == "Unsqueeze") return {unsqueeze(in)};
  if (op == "Identity" || op == "Dropout") return {*in[0]};
  if (op == "Transpose") {
    Ints reversed(in[0]->shape.size());
    std::iota(reversed.rbegin(), reversed.rend(), 0);
    return {permuted(*in[0], node.get_ints("perm", reversed))};
  }
  if (op == "Concat") return {joined(in, axis_of(node.get_int("axis", 0), in[0]->shape.size()))};
  if (op == "Split") return split(node, in);
  if (op == "Slice") return {slice(in)};
  if (op == "Gather")
    return {gathered(*in[0], axis_of(node.get_int("axis", 0), in[0]->shape.size()), *in[1])};
  if (op == "Pad") return {pad(node, in)};
  if (op == "Expand") return {expanded(*in[0], broadcast_shape(in[0]->shape, integers_of(*in[1])))};
  if (op == "Tile") return {tiled(*in[0], integers_of(*in[1]))};
  if (op == "DepthToSpace") return {depth_to_space(node, *in[0])};
  if (op == "SpaceToDepth") return {space_to_depth(node, *in[0])};
  const Array sizes = map(*in[0], absolute), squares = map(*in[0], [](Real x) { return x * x; });
  const Array exponentials = op == "ReduceLogSumExp" ? map(*in[0], exponential) : Array{};
  const Array* axes = in.size() > 1 ? in[1] : nullptr;
  if (op == "ReduceSum") return {reduce(node, in, Reduction::sum)};
  if (op == "ReduceMean") return {reduce(node, in, Reduction::mean)};
  if (op == "ReduceMax") return {reduce(node, in, Reduction::max)};
  if (op == "ReduceMin") return {reduce(node, in, Reduction::min)};
  if (op == "ReduceL1") return {reduce(node, {&sizes, axes}, Reduction::sum)};
  if (op == "ReduceSumSquare") return {reduce(node, {&squares, axes}, Reduction::sum)};
  if (op == "ReduceL2") return {map(reduce(node, {&squares, axes}, Reduction::sum), square_root)};
  if (op == "ReduceLogSum") return {map(reduce(node, in, Reduction::sum), logarithm)};
  if (op == "ReduceLogSumExp") {
    // Taken out of the exponentials in the kernel, so that none overflows.
    return {map(reduce(node, {&exponentials, axes}, Reduction::sum), logarithm)};
  }
  if (op == "ReduceProd") return {reduce(node, in, Reduction::product)};
  return {};
}

}  // namespace

std::vector<Array> evaluate_shapes(const OnnxNode& node, const Operands& in) {
  const std::string& op = node.op_type;
  if (op == "Shape") return {shape_of(node, *in[0])};
  if (op == "Size") return {integers({static_cast<std::int64_t>(in[0]->elements.size())}, true)};
  if (op == "Constant") return {constant(node)};
  if (op == "ConstantOfShape") return {constant_of_shape(node, in)};
  if (op == "Range") return {range(in)};
  std::vector<Array> results = moved(node, in);
  for (Array& result : results) result.dtype = in[0]->dtype;
  return results;
}

}  // namespace calib8::property
