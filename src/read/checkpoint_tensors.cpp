#include "read/checkpoint_tensors.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "calib8/error.h"
#include "read/pickled_objects.h"

namespace calib8 {
namespace {

constexpr std::size_t largest_rank = 64;  // PyTorch's own limit

/// What a rebuild call says, with nothing checked yet but the kinds of its arguments.
struct TensorClaim {
  PickleId storage{};
  std::int64_t offset = 0;  // elements
  Shape shape;
  Shape strides;  // elements
  std::optional<std::string_view> dtype;
};

struct StorageClaim {
  std::string_view key;
  std::string_view type;  // e.g. "FloatStorage"
  std::int64_t count = 0;
  std::int64_t view_offset = 0;  // elements, of views in legacy files
  std::int64_t view_count = 0;
};

struct TypeName {
  std::string_view storage;
  std::string_view torch;
  DType dtype;
};

constexpr TypeName type_names[] = {
    {"DoubleStorage", "float64", DType::float64},
    {"FloatStorage", "float32", DType::float32},
    {"HalfStorage", "float16", DType::float16},
    {"BFloat16Storage", "bfloat16", DType::bfloat16},
    {"LongStorage", "int64", DType::int64},
    {"IntStorage", "int32", DType::int32},
    {"ShortStorage", "int16", DType::int16},
    {"CharStorage", "int8", DType::int8},
    {"ByteStorage", "uint8", DType::uint8},
    {"BoolStorage", "bool", DType::boolean},
    {"", "uint16", DType::uint16},
    {"", "uint32", DType::uint32},
    {"", "uint64", DType::uint64},
};

bool is_rebuild(const PickleGlobal& maker) {
  return (maker.module == "torch._utils" || maker.module == "torch._tensor") &&
         maker.name.starts_with("_rebuild_");
}

std::optional<Shape> integers_in(const Pickle& pickle, PickleId id) {
  const auto* items = items_in(pickle, id);
  if (!items || items->size() > largest_rank) return std::nullopt;
  Shape integers;
  for (const PickleId item : *items) {
    const auto integer = integer_in(pickle, item);
    if (!integer) return std::nullopt;
    integers.push_back(*integer);
  }
  return integers;
}

std::optional<TensorClaim> claim_in(const Pickle& pickle, const std::vector<PickleId>& arguments,
                                    bool with_dtype) {
  if (arguments.size() < (with_dtype ? 7 : 4)) return std::nullopt;
  const auto offset = integer_in(pickle, arguments[1]);
  auto shape = integers_in(pickle, arguments[2]);
  auto strides = integers_in(pickle, arguments[3]);
  if (!offset || !shape || !strides) return std::nullopt;
  TensorClaim claim{arguments[0], *offset, std::move(*shape), std::move(*strides), std::nullopt};
  if (with_dtype) {
    const auto* dtype = pickle.get_if<PickleGlobal>(arguments[6]);
    if (!dtype || dtype->module != "torch") return std::nullopt;
    claim.dtype = dtype->name;
  }
  return claim;
}

/// Follows parameters and subclasses down to the rebuild of a plain tensor.
std::optional<TensorClaim> find_claim(const Pickle& pickle, PickleId id) {
  const PickleGlobal* maker = maker_of(pickle, id);
  if (!maker || !is_rebuild(*maker)) return std::nullopt;
  std::string_view name = maker->name;
  const std::vector<PickleId>* arguments = &arguments_of(pickle, id);
  if (name == "_rebuild_from_type_v2") {  // (function, type, its arguments, state)
    if (arguments->size() != 4) return std::nullopt;
    const auto* function = pickle.get_if<PickleGlobal>((*arguments)[0]);
    const auto* inner = pickle.get_if<PickleTuple>((*arguments)[2]);
    if (!function || !inner || function->module != "torch._utils") return std::nullopt;
    name = function->name;
    arguments = &inner->items;
  }
  if (name == "_rebuild_parameter" || name == "_rebuild_parameter_with_state") {
    // A parameter holds a plain tensor, never another parameter.
    if (arguments->empty()) return std::nullopt;
    const PickleId data = (*arguments)[0];
    maker = maker_of(pickle, data);
    if (!maker || !is_rebuild(*maker)) return std::nullopt;
    name = maker->name;
    arguments = &arguments_of(pickle, data);
  }
  if (name == "_rebuild_tensor_v3") return claim_in(pickle, *arguments, true);
  if (name == "_rebuild_tensor_v2" || name == "_rebuild_tensor") return claim_in(pickle, *arguments, false);
  return std::nullopt;
}

/// Reads ("storage", type, key, device, count[, view]); a legacy file's view is None or (key, offset, count).
std::optional<StorageClaim> find_storage(const Pickle& pickle, PickleId id) {
  const auto* persistent = pickle.get_if<PicklePersistent>(id);
  if (!persistent) return std::nullopt;
  const auto* fields = items_in(pickle, persistent->identity);
  if (!fields || fields->size() < 5 || string_in(pickle, (*fields)[0]) != "storage") return std::nullopt;
  const auto* type = pickle.get_if<PickleGlobal>((*fields)[1]);
  const auto key = string_in(pickle, (*fields)[2]);
  const auto count = integer_in(pickle, (*fields)[4]);
  if (!type || !type->module.starts_with("torch") || !key || !count || *count < 0) return std::nullopt;
  StorageClaim claim{*key, type->name, *count, 0, *count};
  if (fields->size() > 5 && !pickle.get_if<std::monostate>((*fields)[5])) {
    const auto* view = items_in(pickle, (*fields)[5]);
    if (!view || view->size() != 3) return std::nullopt;
    const auto offset = integer_in(pickle, (*view)[1]);
    const auto view_count = integer_in(pickle, (*view)[2]);
    if (!offset || !view_count || *offset < 0 || *view_count < 0 || *offset > *count ||
        *view_count > *count - *offset)
      return std::nullopt;
    claim.view_offset = *offset;
    claim.view_count = *view_count;
  }
  return claim;
}

std::optional<DType> dtype_of(const TensorClaim& tensor, const StorageClaim& storage) {
  for (const TypeName& type : type_names) {
    if (tensor.dtype ? type.torch == *tensor.dtype : !type.storage.empty() && type.storage == storage.type)
      return type.dtype;
  }
  return std::nullopt;
}

}  // namespace

bool is_pickled_tensor(const Pickle& pickle, PickleId id) {
  const PickleGlobal* maker = maker_of(pickle, id);
  return maker && is_rebuild(*maker);
}

TensorBuilder::TensorBuilder(const Pickle& pickle, const StorageLookup& storages, std::size_t file_size,
                             const std::string& where)
    : pickle_(pickle), storages_(storages), where_(where), reader_(file_size) {}

Tensor TensorBuilder::build(PickleId id, std::string_view name) {
  const auto fail = [&](const std::string& what) {
    return Error(ErrorCode::model, "tensor " + printable(name) + " " + what, where_);
  };
  auto claim = find_claim(pickle_, id);
  if (!claim) throw fail("is not described as torch.save does it: the file is damaged, get it anew");
  const auto claimed_storage = find_storage(pickle_, claim->storage);
  if (!claimed_storage) throw fail("has no proper storage: the file is damaged, get it anew");
  const auto dtype = dtype_of(*claim, *claimed_storage);
  if (!dtype)
    throw fail("has the type " + std::string(claim->dtype.value_or(claimed_storage->type)) +
               ", which calib8 doesn't read: convert it to float32 before saving");

  const std::size_t element_size = size_of(*dtype);
  // An UntypedStorage counts bytes, the typed ones elements.
  const std::size_t unit = claimed_storage->type == "UntypedStorage" ? 1 : element_size;
  if (static_cast<std::uint64_t>(claimed_storage->count) > (std::uint64_t{1} << 62) / unit)
    throw fail("has a storage of impossible size: the file is damaged, get it anew");
  const Data whole =
      storages_(claimed_storage->key, static_cast<std::uint64_t>(claimed_storage->count) * unit);
  const Data storage = whole.part(static_cast<std::size_t>(claimed_storage->view_offset) * unit,
                                  static_cast<std::size_t>(claimed_storage->view_count) * unit);
  return reader_.read(storage, *dtype, {claim->offset, std::move(claim->shape), std::move(claim->strides)},
                      fail);
}

}  // namespace calib8
