// GatherElements, GatherND, ScatterElements and ScatterND. Their TFLite half is gather_tflite.cpp.

#include <numeric>

#include "ops/all_ops.h"
#include "ops/emit.h"
#include "ops/formula.h"
#include "ops/infer.h"
#include "ops/strided.h"

namespace calib8 {
namespace {

std::size_t axis_of_node(const NodeView& view, std::size_t rank) {
  return static_cast<std::size_t>(normalized_axis(view, view.node.get_int("axis", 0), rank));
}

std::vector<OnnxType> infer_gather_elements(const NodeView& view) {
  return {{view.input_type(0).dtype, view.input_type(1).shape}};
}

std::vector<OnnxType> infer_like_data(const NodeView& view) {
  return {view.input_type(0)};
}

std::vector<OnnxType> infer_gather_nd(const NodeView& view) {
  const OnnxType &x = view.input_type(0), &indices = view.input_type(1);
  if (!x.has_rank() || !indices.has_rank() || indices.shape->empty() || !indices.shape->back().is_known())
    return {{x.dtype, std::nullopt}};
  const std::int64_t batch = view.node.get_int("batch_dims", 0), named = batch + indices.shape->back().size;
  const auto rank = static_cast<std::int64_t>(x.shape->size());
  if (batch < 0 || named > rank || batch >= static_cast<std::int64_t>(indices.shape->size()))
    view.fail("its indices don't fit its input");
  Dimensions sizes(indices.shape->begin(), indices.shape->end() - 1);
  sizes.insert(sizes.end(), x.shape->begin() + named, x.shape->end());
  return {{x.dtype, std::move(sizes)}};
}

/// An index that may count from the end.
std::int64_t from_start(const NodeView& view, std::int64_t index, std::int64_t size) {
  if (index < -size || index >= size)
    view.fail("index " + std::to_string(index) + " is outside a size of " + std::to_string(size));
  return index < 0 ? index + size : index;
}

/// For each element along `axis` the number that its place has in a tensor of `shape`, as far as the other
/// axes tell: element i of the list is that of the elements' i-th place.
std::vector<std::int64_t> places_without_axis(const Shape& elements, const Shape& shape, std::size_t axis) {
  Shape strides = row_major_strides(shape);
  strides[axis] = 0;
  std::vector<std::int64_t> places(static_cast<std::size_t>(element_count(elements).value()));
  for_each_pair(
      elements, strides, Shape(elements.size(), 0),
      [&](std::int64_t i, std::int64_t place, std::int64_t) { places[static_cast<std::size_t>(i)] = place; });
  return places;
}

/// The places, in row-major order, that constant indices along an axis name; nothing where they are computed.
std::optional<std::vector<std::int64_t>> constant_places(const NodeView& view, std::size_t axis) {
  const auto indices = constant_integers(view, 1);
  if (!indices) return std::nullopt;
  const Shape shape = view.input_shape(0);
  std::vector<std::int64_t> places = places_without_axis(view.input_shape(1), shape, axis);
  const std::int64_t stride = row_major_strides(shape)[axis];
  for (std::size_t i = 0; i < places.size(); ++i)
    places[i] += stride * from_start(view, (*indices)[i], shape[axis]);
  return places;
}

/// What a tensor holds at these places, counted in row-major order.
TensorId at_places(Formula& f, TensorId x, TensorId places) {
  const auto count = element_count(f.shape(x)).value();
  return f.gather(f.reshape(x, {count}), places, 0);
}

std::vector<Tensor> fold_gather_elements(const NodeView& view) {
  const Tensor* tensor = view.constant(0);
  if (!tensor) return {};
  const auto places = constant_places(view, axis_of_node(view, tensor->shape.size()));
  const Shape shape = view.input_shape(1);
  if (!places || !is_foldable_size(shape, tensor->dtype)) return {};
  const std::size_t size = size_of(tensor->dtype);
  std::vector<std::byte> bytes;
  for (const std::int64_t place : *places) {
    const ByteView element = tensor->data.bytes().subspan(static_cast<std::size_t>(place) * size, size);
    bytes.insert(bytes.end(), element.begin(), element.end());
  }
  return {{tensor->dtype, shape, Data::from_vector(std::move(bytes))}};
}

//   GatherElements   ->   RESHAPE to one axis, GATHER at index * stride + the rest of each place
Refusal lower_gather_elements(Lowering& lowering) {
  if (Refusal refusal = refuse_unmovable(lowering)) return refusal;
  Formula f(lowering);
  const TensorId x = f.input(0);
  const Shape shape = f.shape(x), elements = lowering.input_shape(1);
  const std::size_t axis = axis_of_node(lowering, shape.size());
  if (const auto places = constant_places(lowering, axis)) {
    f.result(at_places(f, x, f.integers(elements, *places)));
    return std::nullopt;
  }
  TensorId index = f.cast(f.input(1), DType::int32);
  const std::int64_t stride = row_major_strides(shape)[axis];
  if (stride != 1) index = f.mul(index, f.integers(Shape(elements.size(), 1), {stride}));
  const TensorId rest = f.integers(elements, places_without_axis(elements, shape, axis));
  f.result(at_places(f, x, f.add(index, rest)));
  return std::nullopt;
}

/// Constant indices [..., n] with each coordinate counted from the start.
std::optional<std::vector<std::int64_t>> constant_coordinates(const NodeView& view, std::size_t first) {
  auto indices = constant_integers(view, 1);
  if (!indices) return std::nullopt;
  const Shape shape = view.input_shape(0);
  const auto named = static_cast<std::size_t>(view.input_shape(1).back());
  for (std::size_t i = 0; i < indices->size(); ++i)
    (*indices)[i] = from_start(view, (*indices)[i], shape.at(first + i % named));
  return indices;
}

//   GatherND(x, indices)               ->   GATHER_ND, or GATHER where they name one axis
//   with batch_dims, constant indices  ->   the same, the batch's places written out
Refusal lower_gather_nd(Lowering& lowering) {
  if (Refusal refusal = refuse_unmovable(lowering)) return refusal;
  const auto batch = static_cast<std::size_t>(lowering.node.get_int("batch_dims", 0));
  Formula f(lowering);
  const TensorId x = f.input(0);
  Shape shape = lowering.input_shape(1);
  const std::int64_t named = shape.back();
  const auto coordinates = constant_coordinates(lowering, batch);
  if (batch == 0) {
    TensorId indices = coordinates ? f.integers(shape, *coordinates) : f.cast(f.input(1), DType::int32);
    if (named == 1) {
      f.result(f.gather(x, f.reshape(indices, Shape(shape.begin(), shape.end() - 1)), 0));
    } else {
      f.result(f.emit(tflite::GatherNd{}, {x, indices}, lowering.output_shape()));
    }
    return std::nullopt;
  }
  if (!coordinates) return "batch_dims with indices that are not constant";
  // Each row of indices behind the place in the batch that it belongs to.
  const Shape leading(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(batch));
  const std::int64_t batches = element_count(leading).value();
  const std::int64_t rows =
      batches == 0 || named == 0 ? 0 : static_cast<std::int64_t>(coordinates->size()) / named;
  std::vector<std::int64_t> whole;
  for (std::int64_t row = 0; row < rows; ++row) {
    std::int64_t rest = row / (rows / batches);
    const std::size_t at = whole.size();
    whole.resize(at + batch);
    for (std::size_t axis = batch; axis-- > 0;) {
      whole[at + axis] = rest % leading[axis];
      rest /= leading[axis];
    }
    for (std::int64_t i = 0; i < named; ++i)
      whole.push_back((*coordinates)[static_cast<std::size_t>(row * named + i)]);
  }
  shape.back() = named + static_cast<std::int64_t>(batch);
  f.result(f.emit(tflite::GatherNd{}, {x, f.integers(shape, whole)}, lowering.output_shape()));
  return std::nullopt;
}

/// A large table of indices costs more than what it moves.
constexpr std::int64_t most_places = std::int64_t{1} << 24;

/// The data with the updates in these places: the two lined up, and what to take for each element.
//   RESHAPE, RESHAPE, CONCATENATION, GATHER, RESHAPE
Refusal place_updates(Lowering& lowering, const std::vector<std::int64_t>& places) {
  const Shape shape = lowering.output_shape();
  const std::int64_t count = element_count(shape).value();
  if (count > most_places) return "an output of more than 2^24 elements";
  std::vector<std::int64_t> source(static_cast<std::size_t>(count));
  std::iota(source.begin(), source.end(), 0);
  for (std::size_t i = 0; i < places.size(); ++i)
    source[static_cast<std::size_t>(places[i])] = count + static_cast<std::int64_t>(i);
  Formula f(lowering);
  const TensorId data = f.reshape(f.input(0), {count});
  const TensorId updates = f.reshape(f.input(2), {static_cast<std::int64_t>(places.size())});
  f.result(f.gather(f.concatenate({data, updates}, 0), f.integers({count}, source), 0));
  return std::nullopt;
}

bool adds_up(const NodeView& view) {
  return view.node.get_string("reduction", "none") == "add";
}

/// Places of single elements [n] and what is added there.
Refusal add_updates(Lowering& lowering, TensorId places) {
  Formula f(lowering);
  const Shape shape = lowering.output_shape();
  const std::int64_t count = element_count(shape).value();
  const std::int64_t updated = f.shape(places)[0];
  const TensorId updates = f.input(2);
  const bool is_known = lowering.target.is_constant(places) && lowering.target.is_constant(updates) &&
                        lowering.target[updates].dtype == DType::float32;
  if (is_known) {  // no operator computes with constants alone
    const std::vector<float> values = to_float(lowering.target[updates].as_tensor());
    const std::vector<std::int64_t> at = lowering.target.constant_integers(places);
    std::vector<float> sums(static_cast<std::size_t>(count), 0.0f);
    for (std::size_t i = 0; i < at.size(); ++i) sums[static_cast<std::size_t>(at[i])] += values[i];
    f.result(f.add(f.input(0), f.constant(make_tensor(shape, std::move(sums)))));
    return std::nullopt;
  }
  const TensorId sums =
      f.emit(tflite::ScatterNd{},
             {f.reshape(places, {updated, 1}), f.reshape(updates, {updated}), f.integers({1}, {count})},
             {count}, lowering.target[updates].dtype);
  f.result(f.add(f.input(0), f.reshape(sums, shape)));
  return std::nullopt;
}

Refusal lower_scatter_elements(Lowering& lowering) {
  if (Refusal refusal = refuse_unmovable(lowering)) return refusal;
  const std::string reduction = lowering.node.get_string("reduction", "none");
  if (reduction != "none" && reduction != "add") return "reduction " + reduction;
  const auto places = constant_places(lowering, axis_of_node(lowering, lowering.input_shape(0).size()));
  if (!places) return "indices that are not constant";
  if (!adds_up(lowering)) return place_updates(lowering, *places);
  return add_updates(lowering,
                     Formula(lowering).integers({static_cast<std::int64_t>(places->size())}, *places));
}

/// The places of all elements that indices [..., n] name, each of which stands for a whole block.
std::vector<std::int64_t> places_of_blocks(const NodeView& view, const std::vector<std::int64_t>& indices) {
  const Shape shape = view.input_shape(0), strides = row_major_strides(shape);
  const auto named = static_cast<std::size_t>(view.input_shape(1).back());
  const std::int64_t block =
      element_count(Shape(shape.begin() + static_cast<std::ptrdiff_t>(named), shape.end())).value();
  std::vector<std::int64_t> places;
  for (std::size_t row = 0; row < indices.size(); row += named) {
    std::int64_t place = 0;
    for (std::size_t axis = 0; axis < named; ++axis) place += strides[axis] * indices[row + axis];
    for (std::int64_t i = 0; i < block; ++i) places.push_back(place + i);
  }
  return places;
}

//   ScatterND at places that are computed   ->   SELECT_V2(SCATTER_ND of ones > 0, SCATTER_ND, data)
Refusal lower_scatter_nd(Lowering& lowering) {
  if (Refusal refusal = refuse_unmovable(lowering)) return refusal;
  const std::string reduction = lowering.node.get_string("reduction", "none");
  if (reduction != "none" && reduction != "add") return "reduction " + reduction;
  if (lowering.input_shape(1).empty() || lowering.input_shape(1).back() < 1) return "indices of no dimension";
  if (const auto indices = constant_coordinates(lowering, 0)) {
    const std::vector<std::int64_t> places = places_of_blocks(lowering, *indices);
    if (!adds_up(lowering)) return place_updates(lowering, places);
    return add_updates(lowering,
                       Formula(lowering).integers({static_cast<std::int64_t>(places.size())}, places));
  }
  Formula f(lowering);
  const Shape shape = lowering.output_shape();
  const TensorId indices = f.cast(f.input(1), DType::int32), data = f.input(0), updates = f.input(2);
  const TensorId sizes = f.integers({static_cast<std::int64_t>(shape.size())}, shape);
  const TensorId placed =
      f.emit(tflite::ScatterNd{}, {indices, updates, sizes}, shape, lowering.target[updates].dtype);
  if (adds_up(lowering)) {
    f.result(f.add(data, placed));
    return std::nullopt;
  }
  const auto count = static_cast<std::size_t>(element_count(f.shape(updates)).value());
  const TensorId ones = f.constant(make_tensor(f.shape(updates), std::vector<std::int32_t>(count, 1)));
  const TensorId marks = f.emit(tflite::ScatterNd{}, {indices, ones, sizes}, shape, DType::int32);
  const TensorId is_placed = f.compare<tflite::Greater>(marks, f.integers(Shape(shape.size(), 1), {0}));
  f.result(f.select(is_placed, placed, data));
  return std::nullopt;
}

/// Data and updates that are constant: what exporters write for masks.
template <std::vector<std::int64_t> (*places_of)(const NodeView&)>
std::vector<Tensor> fold_scatter(const NodeView& view) {
  const Tensor *data = view.constant(0), *indices = view.constant(1), *updates = view.constant(2);
  if (!data || !indices || !updates || data->dtype != updates->dtype) return {};
  if (view.node.get_string("reduction", "none") != "none") return {};
  const std::vector<std::int64_t> places = places_of(view);
  const std::size_t size = size_of(data->dtype);
  if (static_cast<std::size_t>(updates->count()) != places.size()) view.fail("its updates don't fit");
  const ByteView old = data->data.bytes(), fresh = updates->data.bytes();
  std::vector<std::byte> bytes(old.begin(), old.end());
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto to = bytes.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(places[i]) * size);
    std::copy_n(fresh.begin() + static_cast<std::ptrdiff_t>(i * size), size, to);
  }
  return {{data->dtype, data->shape, Data::from_vector(std::move(bytes))}};
}

std::vector<std::int64_t> element_places(const NodeView& view) {
  return constant_places(view, axis_of_node(view, view.input_shape(0).size())).value();
}
std::vector<std::int64_t> block_places(const NodeView& view) {
  if (view.input_shape(1).empty() || view.input_shape(1).back() < 1) view.fail("its indices name nothing");
  return places_of_blocks(view, constant_coordinates(view, 0).value());
}

const OnnxOp onnx_rows[] = {
    {.type = "GatherElements",
     .inputs = {2, 2},
     .infer = infer_gather_elements,
     .fold = fold_gather_elements,
     .lower = lower_gather_elements,
     .traits = {.sign = Sign::keeps}},
    {.type = "GatherND",
     .inputs = {2, 2},
     .infer = infer_gather_nd,
     .lower = lower_gather_nd,
     .traits = {.sign = Sign::keeps}},
    {.type = "ScatterElements",
     .inputs = {3, 3},
     .infer = infer_like_data,
     .fold = fold_scatter<element_places>,
     .lower = lower_scatter_elements},
    {.type = "ScatterND",
     .inputs = {3, 3},
     .infer = infer_like_data,
     .fold = fold_scatter<block_places>,
     .lower = lower_scatter_nd},
};

}  // namespace

const OpFamily& scatter_family() {
  static const OpFamily family{onnx_rows, {}};
  return family;
}

}  // namespace calib8
