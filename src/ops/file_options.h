#pragma once

#include "container/tflite_schema_generated.h"
#include "ops/tflite_op.h"

namespace calib8 {

/// What several rows say when they write and read their tables of options.

/// The file's padding and fused activation, and back. Reading fails with ErrorCode::model on what calib8 must
/// not write again: TANH and SIGN_BIT, which LiteRT's integer kernels ignore silently, and numbers unknown.
schema::Padding to_schema(tflite::Padding padding);
schema::ActivationFunctionType to_schema(tflite::Activation activation);
tflite::Padding from_schema(schema::Padding padding);
tflite::Activation from_schema(schema::ActivationFunctionType activation);

/// A finished table as a row's `write` returns it.
template <class Table>
TfliteOp::WrittenOptions written(schema::BuiltinOptions type, flatbuffers::Offset<Table> table) {
  return {static_cast<std::uint8_t>(type), table.o};
}

[[noreturn]] void refuse_options_of_another(const schema::Operator& op);
[[noreturn]] void refuse_missing_options();

/// The operator's table of options; null where it has none, whose values are then as if all fields were
/// absent. Fails with ErrorCode::model where it has another operator's.
template <class Table>
const Table* options_table(const schema::Operator& op) {
  if (op.builtin_options_type() != schema::BuiltinOptions::NONE &&
      op.builtin_options_type() != schema::BuiltinOptionsTraits<Table>::enum_value) {
    refuse_options_of_another(op);
  }
  return op.builtin_options_as<Table>();
}
/// Likewise for operators that can't do without.
template <class Table>
const Table& required_table(const schema::Operator& op) {
  const Table* table = options_table<Table>(op);
  if (!table) refuse_missing_options();
  return *table;
}
/// The `read` of an operator without options.
template <class Op>
tflite::Options read_plain(const schema::Operator&) {
  return Op{};
}

}  // namespace calib8
