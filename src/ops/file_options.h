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

/// The `read` of an operator without options.
template <class Op>
tflite::Options read_plain(const schema::Operator&) {
  return Op{};
}

}  // namespace calib8
