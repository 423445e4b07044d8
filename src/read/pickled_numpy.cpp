#include "read/pickled_numpy.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/dtype.h"
#include "base/shape.h"
#include "read/pickled_objects.h"

namespace calib8 {
namespace {

using Json = nlohmann::json;

constexpr std::size_t largest_rank = 64;  // NumPy's own limit

/// The type of an element: kind 'b' bool, 'i' signed, 'u' unsigned, 'f' floating, and its size in bytes.
struct ElementType {
  char kind = 0;
  std::size_t size = 0;
  bool big_endian = false;
  std::string_view code;  // e.g. "f8"
};

struct Array {
  ElementType type;
  Shape shape;
  std::string bytes;
  bool column_major = false;
};

/// numpy.dtype("f8", False, True) with the state (3, "<", ...).
std::optional<ElementType> type_in(const Pickle& pickle, PickleId id) {
  const auto& arguments = arguments_of(pickle, id);
  if (!is_made_by(pickle, id, "numpy", "dtype") || arguments.empty()) return std::nullopt;
  const auto code = string_in(pickle, arguments[0]);
  if (!code || code->size() < 2) return std::nullopt;
  ElementType type{code->front(), 0, false, *code};
  const char* end = code->data() + code->size();
  if (std::from_chars(code->data() + 1, end, type.size).ptr != end) return std::nullopt;
  const bool known = type.kind == 'b'   ? type.size == 1
                     : type.kind == 'f' ? type.size == 2 || type.size == 4 || type.size == 8
                     : type.kind == 'i' || type.kind == 'u'
                         ? type.size == 1 || type.size == 2 || type.size == 4 || type.size == 8
                         : false;
  if (!known) return std::nullopt;
  const auto& state = pickle.get_if<PickleObject>(id)->state;
  const auto* fields = state ? items_in(pickle, *state) : nullptr;
  if (fields && fields->size() > 1) type.big_endian = string_in(pickle, (*fields)[1]) == ">";
  return type;
}

Json read_element(const ElementType& type, std::string_view bytes) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < type.size; ++i) {
    const std::size_t place = type.big_endian ? type.size - 1 - i : i;
    bits |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * place);
  }
  if (type.kind == 'b') return bits != 0;
  if (type.kind == 'u') return bits;
  if (type.kind == 'i') {
    const std::size_t unused = 64 - 8 * type.size;
    return static_cast<std::int64_t>(bits << unused) >> unused;
  }
  if (type.size == 2) return static_cast<double>(half_to_float(static_cast<std::uint16_t>(bits)));
  if (type.size == 4) {
    const auto narrow = static_cast<std::uint32_t>(bits);
    float value;
    std::memcpy(&value, &narrow, sizeof(value));
    return static_cast<double>(value);
  }
  double value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

std::optional<Shape> shape_in(const Pickle& pickle, PickleId id) {
  const auto* items = items_in(pickle, id);
  if (!items || items->size() > largest_rank) return std::nullopt;
  Shape shape;
  for (const PickleId item : *items) {
    const auto size = integer_in(pickle, item);
    if (!size || *size < 0) return std::nullopt;
    shape.push_back(*size);
  }
  return shape;
}

/// Puts the parts together where they agree and are not more than `limit` elements.
std::optional<Array> make_array(const Pickle& pickle, PickleId type, std::optional<Shape> shape,
                                PickleId bytes, std::size_t limit) {
  const auto element = type_in(pickle, type);
  const auto count = shape ? element_count(*shape) : std::nullopt;
  if (!element || !count || static_cast<std::uint64_t>(*count) > limit) return std::nullopt;
  const std::size_t size = static_cast<std::size_t>(*count) * element->size;
  auto content = bytes_in(pickle, bytes, size);
  if (!content || content->size() != size) return std::nullopt;
  return Array{*element, std::move(*shape), std::move(*content), false};
}

/// The three ways in which NumPy pickles: scalar(dtype, bytes); _reconstruct(...) with the state (version,
/// shape, dtype, column major, bytes); _frombuffer(bytes, dtype, shape, order).
std::optional<Array> array_in(const Pickle& pickle, PickleId id, std::size_t limit) {
  const auto& arguments = arguments_of(pickle, id);
  const std::string_view name = maker_of(pickle, id)->name;
  if (name == "scalar" && arguments.size() == 2)
    return make_array(pickle, arguments[0], Shape(), arguments[1], limit);
  if (name == "_frombuffer" && arguments.size() == 4) {
    auto array = make_array(pickle, arguments[1], shape_in(pickle, arguments[2]), arguments[0], limit);
    if (array) array->column_major = string_in(pickle, arguments[3]) == "F";
    return array;
  }
  const auto& state = pickle.get_if<PickleObject>(id)->state;
  const auto* fields = name == "_reconstruct" && state ? items_in(pickle, *state) : nullptr;
  if (!fields || fields->size() != 5) return std::nullopt;
  auto array = make_array(pickle, (*fields)[2], shape_in(pickle, (*fields)[1]), (*fields)[4], limit);
  if (array) array->column_major = integer_in(pickle, (*fields)[3]) == 1;
  return array;
}

/// The elements from `first` on along `axis`, `stride` elements apart. At most largest_rank calls deep.
Json nest(const Array& array, std::size_t axis, std::size_t first, std::size_t stride) {
  if (axis == array.shape.size())
    return read_element(array.type,
                        std::string_view(array.bytes).substr(first * array.type.size, array.type.size));
  const auto size = static_cast<std::size_t>(array.shape[axis]);
  Json values = Json::array();
  for (std::size_t i = 0; i < size; ++i) {
    if (array.column_major) {
      values.push_back(nest(array, axis + 1, first + i * stride, stride * size));
    } else {
      const std::size_t inner = stride / size;
      values.push_back(nest(array, axis + 1, first + i * inner, inner));
    }
  }
  return values;
}

}  // namespace

std::optional<NumpyValues> read_pickled_numpy(const Pickle& pickle, PickleId id, std::size_t limit) {
  if (const auto type = type_in(pickle, id)) return NumpyValues{std::string(type->code), 1};
  const auto array = array_in(pickle, id, limit);
  if (!array) return std::nullopt;
  const std::size_t count = array->bytes.size() / array->type.size;
  if (count == 0) return NumpyValues{Json::array(), 0};
  return NumpyValues{nest(*array, 0, 0, array->column_major ? 1 : count), count};
}

}  // namespace calib8
