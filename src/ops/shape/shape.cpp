#include <fmt/format.h>

#include <algorithm>

#include "calib8/error.h"
#include "ops/all_ops.h"
#include "ops/emit.h"
#include "ops/file_options.h"
#include "ops/infer.h"
#include "ops/infer_tflite.h"
#include "ops/strided.h"
#include "ops/xnnpack.h"

namespace calib8 {
namespace {

// --- ONNX: Reshape, Flatten, Squeeze, Unsqueeze: the same elements under another shape ---

/// Takes from `sizes` the first one that holds(size); false where there is none.
template <class Holds>
bool take(Dimensions& sizes, Holds holds) {
  const auto found = std::find_if(sizes.begin(), sizes.end(), holds);
  if (found == sizes.end()) return false;
  sizes.erase(found);
  return true;
}

/// The one size that Reshape leaves open: what remains of the input's elements. `rest` holds the input's
/// unknown sizes that the output doesn't repeat.
Dimension open_size(const NodeView& view, std::int64_t input, std::int64_t output, const Dimensions& rest) {
  if (output == 0) return {};
  if (rest.empty()) {
    if (input % output != 0) view.fail("its elements can't be shared out among the sizes it asks for");
    return known(input / output);
  }
  return rest.size() == 1 && input == output ? rest[0] : Dimension{};
}

std::int64_t known_product(const NodeView& view, const Dimensions& sizes) {
  Shape known_sizes;
  for (const Dimension& size : sizes) {
    if (size.is_known()) known_sizes.push_back(size.size);
  }
  const auto count = element_count(known_sizes);
  if (!count) view.fail("a tensor with sizes " + to_string(known_sizes) + " is too large");
  return *count;
}

std::vector<OnnxType> infer_reshape(const NodeView& view) {
  const OnnxType& x = view.input_type(0);
  const auto wanted = known_elements(view, 1);
  if (!wanted) return {{x.dtype, std::nullopt}};
  Dimensions result = *wanted;
  if (!x.has_rank()) {
    for (Dimension& size : result) size = size.size == 0 ? Dimension{} : size;
    return {{x.dtype, result}};
  }
  const Dimensions& from = *x.shape;
  Dimensions rest;  // the unknown sizes of the input, less those that the output repeats
  std::copy_if(from.begin(), from.end(), std::back_inserter(rest),
               [](const Dimension& d) { return !d.is_known(); });
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (result[i].size == 0 && view.node.get_int("allowzero", 0) == 0) {
      if (i >= from.size()) view.fail("copies size " + std::to_string(i) + ", which its input doesn't have");
      result[i] = from[i];
      if (!result[i].is_known()) take(rest, [&](const Dimension& d) { return d == result[i]; });
    } else if (!result[i].is_known()) {
      const auto is_it = [&](const Dimension& d) {
        return !d.symbol.empty() && d.symbol == result[i].symbol;
      };
      if (!take(rest, is_it)) open.push_back(i);
    }
  }
  const std::int64_t input = known_product(view, from), output = known_product(view, result);
  if (open.size() == 1) result[open[0]] = open_size(view, input, output, rest);
  if (open.empty() && rest.empty() && input != output) {
    view.fail("its input of " + std::to_string(input) + " elements can't have the shape it asks for");
  }
  return {{x.dtype, result}};
}

std::vector<OnnxType> infer_flatten(const NodeView& view) {
  const OnnxType& x = view.input_type(0);
  if (!x.has_rank()) return {{x.dtype, Dimensions(2)}};
  std::int64_t axis = view.node.get_int("axis", 1);
  const auto rank = static_cast<std::int64_t>(x.shape->size());
  if (axis < -rank || axis > rank) view.fail("axis " + std::to_string(axis) + " is outside its input");
  if (axis < 0) axis += rank;
  const Dimensions outer(x.shape->begin(), x.shape->begin() + axis),
      inner(x.shape->begin() + axis, x.shape->end());
  return {{x.dtype, Dimensions{product(view, outer), product(view, inner)}}};
}

std::vector<OnnxType> infer_squeeze(const NodeView& view) {
  const OnnxType& x = view.input_type(0);
  const OnnxType unknown{x.dtype, std::nullopt};
  if (!x.has_rank()) return {unknown};
  std::vector<std::int64_t> axes;
  if (view.has_input(1)) {
    const auto constant = constant_integers(view, 1);
    if (!constant) return {unknown};
    axes = normalized_axes(view, *constant, x.shape->size());
  }
  if (axes.empty()) {  // none named: all of size 1
    if (!x.is_static()) return {unknown};
    for (std::size_t i = 0; i < x.shape->size(); ++i) {
      if ((*x.shape)[i].size == 1) axes.push_back(static_cast<std::int64_t>(i));
    }
  }
  OnnxType result{x.dtype, Dimensions{}};
  for (std::size_t i = 0; i < x.shape->size(); ++i) {
    const Dimension& size = (*x.shape)[i];
    if (!std::binary_search(axes.begin(), axes.end(), static_cast<std::int64_t>(i))) {
      result.shape->push_back(size);
    } else if (size.is_known() && size.size != 1) {
      view.fail("squeezes axis " + std::to_string(i) + " of size " + std::to_string(size.size));
    }
  }
  return {result};
}

std::vector<OnnxType> infer_unsqueeze(const NodeView& view) {
  const OnnxType& x = view.input_type(0);
  const auto constant = view.has_input(1) ? constant_integers(view, 1) : std::nullopt;
  if (!x.has_rank() || !constant) return {{x.dtype, std::nullopt}};
  const std::size_t rank = x.shape->size() + constant->size();
  OnnxType result{x.dtype, Dimensions{}};
  auto next = x.shape->begin();
  const auto axes = normalized_axes(view, *constant, rank);
  for (std::size_t i = 0; i < rank; ++i) {
    const bool is_new = std::binary_search(axes.begin(), axes.end(), static_cast<std::int64_t>(i));
    result.shape->push_back(is_new ? known(1) : *next++);
  }
  return {result};
}

std::vector<OnnxType> infer_same(const NodeView& view) {
  return {view.input_type(0)};
}

/// The same bytes under the inferred shape.
template <std::vector<OnnxType> (*infer)(const NodeView&)>
std::vector<Tensor> fold_reshape(const NodeView& view) {
  const Tensor* tensor = view.constant(0);
  const std::vector<OnnxType> types = infer(view);
  if (!tensor || !types[0].is_static()) return {};
  const Shape shape = types[0].static_shape();
  if (element_count(shape) != tensor->count()) {
    view.fail("its input of " + std::to_string(tensor->count()) + " elements can't have shape " +
              to_string(shape));
  }
  return {{tensor->dtype, shape, tensor->data}};
}

Refusal lower_reshape(Lowering& lowering) {
  if (Refusal refusal = refuse_unmovable(lowering)) return refusal;
  lowering.set_output(0, emit_reshape(lowering, lowering.input(0), lowering.output_shape()));
  return std::nullopt;
}

Refusal lower_identity(Lowering& lowering) {
  lowering.set_output(0, lowering.input(0));
  return std::nullopt;
}

// --- ONNX: Dropout, which at inference is the identity ---

std::vector<OnnxType> infer_dropout(const NodeView& view) {
  const OnnxType& x = view.input_type(0);
  if (const Tensor* training = view.constant(2)) {
    if (training->dtype == DType::boolean && training->count() == 1 && training->as<bool>()[0]) {
      view.fail("is in training mode; export the model in eval mode");
    }
  }
  std::vector<OnnxType> types{x};
  if (view.node.outputs.size() > 1) types.push_back({DType::boolean, x.shape});
  return types;
}

std::vector<Tensor> fold_dropout(const NodeView& view) {
  if (view.node.outputs.size() > 1 && view.node.outputs[1].exists()) return {};
  return fold_reshape<infer_dropout>(view);
}

Refusal lower_dropout(Lowering& lowering) {
  if (lowering.node.outputs.size() > 1 && lowering.node.outputs[1].exists()) return "a mask as second output";
  return lower_identity(lowering);
}

// --- ONNX: Shape, Size ---

/// The sizes that Shape's start and end leave.
std::optional<Dimensions> chosen_sizes(const NodeView& view) {
  const OnnxType& x = view.input_type(0);
  if (!x.has_rank()) return std::nullopt;
  const auto rank = static_cast<std::int64_t>(x.shape->size());
  const auto clamp = [rank](std::int64_t at) {
    return std::clamp<std::int64_t>(at < 0 ? at + rank : at, 0, rank);
  };
  const std::int64_t start = clamp(view.node.get_int("start", 0)),
                     end = clamp(view.node.get_int("end", rank));
  return start < end ? Dimensions(x.shape->begin() + start, x.shape->begin() + end) : Dimensions{};
}

std::vector<OnnxType> infer_shape(const NodeView& view) {
  const auto sizes = chosen_sizes(view);
  if (!sizes) return {{DType::int64, Dimensions(1)}};
  return {static_type(DType::int64, {static_cast<std::int64_t>(sizes->size())})};
}

std::vector<Tensor> fold_shape(const NodeView& view) {
  const auto sizes = chosen_sizes(view);
  if (!sizes) return {};
  const OnnxType chosen{DType::int64, *sizes};
  if (!chosen.is_static()) return {};
  return {make_tensor({static_cast<std::int64_t>(sizes->size())}, chosen.static_shape())};
}

std::vector<OnnxType> infer_size(const NodeView&) {
  return {static_type(DType::int64, {})};
}

std::vector<Tensor> fold_size(const NodeView& view) {
  const OnnxType& x = view.input_type(0);
  const auto count = x.is_static() ? element_count(x.static_shape()) : std::nullopt;
  if (!count) return {};
  return {make_tensor<std::int64_t>({}, {*count})};
}

std::optional<Dimensions> elements_of_shape(const NodeView& view, const ElementsOfInput&) {
  return view.has_input(0) && view.graph[view.node.inputs[0]].type ? chosen_sizes(view) : std::nullopt;
}

constexpr AttributeDefault flatten_defaults[] = {{"axis", std::int64_t{1}}};
constexpr AttributeDefault reshape_defaults[] = {{"allowzero", std::int64_t{0}}};

const OnnxOp onnx_rows[] = {
    {.type = "Reshape",
     .inputs = {2, 2},
     .infer = infer_reshape,
     .fold = fold_reshape<infer_reshape>,
     .lower = lower_reshape,
     .traits = {.sign = Sign::keeps, .defaults = reshape_defaults, .elements = elements_of_first_input}},
    {.type = "Flatten",
     .inputs = {1, 1},
     .infer = infer_flatten,
     .fold = fold_reshape<infer_flatten>,
     .lower = lower_reshape,
     .traits = {.sign = Sign::keeps, .defaults = flatten_defaults}},
    {.type = "Squeeze",
     .inputs = {1, 2},
     .infer = infer_squeeze,
     .fold = fold_reshape<infer_squeeze>,
     .lower = lower_reshape,
     .traits = {.sign = Sign::keeps, .elements = elements_of_first_input}},
    {.type = "Unsqueeze",
     .inputs = {2, 2},
     .infer = infer_unsqueeze,
     .fold = fold_reshape<infer_unsqueeze>,
     .lower = lower_reshape,
     .traits = {.sign = Sign::keeps, .elements = elements_of_first_input}},
    {.type = "Identity",
     .inputs = {1, 1},
     .infer = infer_same,
     .fold = fold_reshape<infer_same>,
     .lower = lower_identity,
     .traits = {.sign = Sign::keeps, .elements = elements_of_first_input}},
    {.type = "Dropout",
     .inputs = {1, 3},
     .infer = infer_dropout,
     .fold = fold_dropout,
     .lower = lower_dropout,
     .traits = {.sign = Sign::keeps, .has_optional_outputs = true}},
    {.type = "Shape",
     .inputs = {1, 1},
     .infer = infer_shape,
     .fold = fold_shape,
     .traits = {.elements = elements_of_shape}},
    {.type = "Size", .inputs = {1, 1}, .infer = infer_size, .fold = fold_size},
};

// --- TFLite ---

constexpr std::size_t most_sizes = 8;  // of a tensor

/// The sizes that a RESHAPE asks for: those of its second input, else of its option, where [0] says "a
/// scalar".
Shape wanted_sizes(const OperatorView& view) {
  if (view.has_input(1)) {
    const Shape sizes = view.integers(1, "its sizes");
    if (view.input(1).shape.size() == 1) return sizes;
  }
  const auto& option = view.options<tflite::Reshape>().new_shape;
  if (option.size() == 1 && option[0] == 0) return {};
  return {option.begin(), option.end()};
}

std::vector<TensorType> infer_reshape_tflite(const OperatorView& view) {
  view.require_type(0, moved_types);
  const TfliteTensor& x = view.input(0);
  if (view.op.inputs.size() == 2 && !view.has_input(1)) {
    view.fail("omits its sizes, which LiteRT reads where there is a place for them");
  }
  Shape shape = wanted_sizes(view);
  const std::int64_t count = element_count(x.shape).value_or(0);
  if (const auto rest = std::ranges::find(shape, -1); rest != shape.end()) {
    *rest = 1;
    const std::int64_t others = element_count(shape).value_or(0);
    *rest = others > 0 ? count / others : 0;
  }
  if (element_count(shape) != count) {
    view.fail(
        fmt::format("{} doesn't have the elements of {}", to_string(wanted_sizes(view)), to_string(x.shape)));
  }
  return {{x.dtype, std::move(shape)}};
}

TfliteOp::WrittenOptions write_reshape(flatbuffers::FlatBufferBuilder& builder,
                                       const tflite::Options& options) {
  const auto shape = builder.CreateVector(std::get<tflite::Reshape>(options).new_shape);
  return written(schema::BuiltinOptions::ReshapeOptions, schema::CreateReshapeOptions(builder, shape));
}

tflite::Options read_reshape(const schema::Operator& op) {
  tflite::Reshape options;
  const auto* table = options_table<schema::ReshapeOptions>(op);
  if (!table || !table->new_shape()) return options;
  if (table->new_shape()->size() > most_sizes)
    throw Error(ErrorCode::model, "it asks for more dimensions than LiteRT has");
  options.new_shape.assign(table->new_shape()->begin(), table->new_shape()->end());
  return options;
}

constexpr OpFamily::TfliteRow tflite_rows[] = {
    {alternative_of<tflite::Reshape>,
     {.name = tflite::Reshape::name,
      .inputs = {1, 2},
      .infer = infer_reshape_tflite,
      .sign = SignEffect::keeps,
      .builtin_code = 22,
      .rule = {OutputRange::same_as_input},
      .write = write_reshape,
      .read = read_reshape,
      .runs_on_xnnpack = xnnpack_moves_bytes,
      .minimum_runtime = [](int) -> std::string_view { return "1.5.0"; }}},
};

}  // namespace

const OpFamily& shape_family() {
  static const OpFamily family{onnx_rows, tflite_rows};
  return family;
}

}  // namespace calib8
