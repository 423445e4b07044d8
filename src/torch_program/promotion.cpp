#include "torch_program/promotion.h"

#include <algorithm>

namespace calib8 {
namespace {

/// bool, whole numbers, real numbers.
int kind_of(DType dtype) {
  return dtype == DType::boolean ? 0 : is_floating(dtype) ? 2 : 1;
}

DType type_of(const Scalar& scalar) {
  return is_float(scalar)                       ? DType::float32
         : std::holds_alternative<bool>(scalar) ? DType::boolean
                                                : DType::int64;
}

/// Of two whole types the one that holds both.
DType wider(DType a, DType b) {
  if (kind_of(a) != kind_of(b)) return kind_of(a) > kind_of(b) ? a : b;
  if (a == b || kind_of(a) != 1) return a;
  if (size_of(a) != size_of(b)) return size_of(a) > size_of(b) ? a : b;
  return size_of(a) == 1 ? DType::int16 : size_of(a) == 2 ? DType::int32 : DType::int64;
}

struct Promotion {
  std::optional<DType> arrays, points, numbers;

  static void add(std::optional<DType>& to, DType dtype) { to = to ? wider(*to, dtype) : dtype; }

  DType result() const {
    std::optional<DType> found = arrays;
    for (const auto& other : {points, numbers}) {
      if (other && (!found || kind_of(*other) > kind_of(*found))) found = other;
    }
    return found.value_or(DType::float32);
  }
};

}  // namespace

DType result_type(OperatorCall& call, std::initializer_list<std::string_view> names) {
  Promotion promotion;
  for (const std::string_view name : names) {
    if (call.is_tensor(name)) {
      const OnnxValueId value = call.tensor(name);
      Promotion::add(call.rank(value) == 0 ? promotion.points : promotion.arrays, call.dtype(value));
    } else if (const auto number = call.scalar(name)) {
      Promotion::add(promotion.numbers, type_of(*number));
    }
  }
  return promotion.result();
}

OnnxValueId operand(OperatorCall& call, std::string_view name, DType dtype) {
  if (call.is_tensor(name)) return call.cast(call.tensor(name), dtype);
  const auto number = call.scalar(name);
  if (!number) call.fail("has no '" + std::string(name) + "': the file is damaged, get it anew");
  return call.number_constant(*number, dtype);
}

Operands promoted(OperatorCall& call, std::string_view a, std::string_view b) {
  const DType dtype = result_type(call, {a, b});
  return {operand(call, a, dtype), operand(call, b, dtype), dtype};
}

}  // namespace calib8
