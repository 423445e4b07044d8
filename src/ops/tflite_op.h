#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "ops/operator_view.h"
#include "ops/quantization_rule.h"
#include "ops/verify.h"

namespace flatbuffers {
class FlatBufferBuilder;
}

namespace calib8 {

namespace schema {
struct Operator;
}

/// How many tensors an operator reads; those behind the fewest may be omitted.
struct InputCount {
  static constexpr std::size_t any = 0x7fffffff;  ///< As `most`: a list, of which none may be omitted.
  std::size_t fewest = 1, most = 1;
};

/// What an operator does to signs: its output may be negative; never is; isn't where its first input is not;
/// isn't where none of its inputs is.
enum class SignEffect { any, never_negative, keeps, keeps_of_all };

/// All that calib8 knows about one TFLite operator. Facts: docs/tflite-int8.md.
struct TfliteOp {
  std::string_view name;  ///< "CONV_2D"
  InputCount inputs;
  /// Of any tensor that it reads or writes: what both of LiteRT's sets of kernels take.
  std::size_t most_dimensions = 8;
  /// Types and shapes of the outputs, as they follow from those of the inputs, from constants and options.
  /// Fails with ErrorCode::model, naming the operator, on what LiteRT's kernel refuses, or takes and goes
  /// astray with.
  std::vector<TensorType> (*infer)(const OperatorView&);
  /// Each element of the output comes from the inputs' elements at its place alone (inputs may broadcast),
  /// whatever the order of dimensions.
  bool is_elementwise = false;
  SignEffect sign = SignEffect::any;
  std::int32_t builtin_code;
  RowRule rule;
  /// The version that this operator, with its types, needs; 1 where the row names none.
  int (*version)(const TfliteGraph&, const TfliteOperator&) = nullptr;
  /// Writes the options table: its BuiltinOptions number and offset. Null: the operator has none.
  struct WrittenOptions {
    std::uint8_t type;
    std::uint32_t offset;
  };
  WrittenOptions (*write)(flatbuffers::FlatBufferBuilder&, const tflite::Options&) = nullptr;
  /// Reads them back (the verifier of the file has run); `op` may lack the table, then defaults hold.
  tflite::Options (*read)(const schema::Operator& op);
  /// True where LiteRT's XNNPACK delegate takes the operator as it stands in the graph.
  bool (*runs_on_xnnpack)(const TfliteGraph&, const TfliteOperator&);
  /// The first TensorFlow release whose runtime has this version, e.g. "1.14.0" (TFLite's runtime_version
  /// table).
  std::string_view (*minimum_runtime)(int version);
};

const TfliteOp& tflite_op(const tflite::Options& options);
/// The row by the schema's number; null where calib8 doesn't know it.
const TfliteOp* find_tflite_op(std::int32_t builtin_code);
std::span<const TfliteOp* const> all_tflite_ops();

/// Whether it reads or writes real numbers, quantized or not. Others (shapes, tokens, truth values) are no
/// matter of quantization.
bool has_real_numbers(const TfliteGraph& graph, const TfliteOperator& op);

/// What a quantized form of this operator must be like on a target.
inline QuantizationRule quantization_rule(const TfliteGraph& graph, const TfliteOperator& op,
                                          const TargetTraits& target) {
  if (!has_real_numbers(graph, op)) return {.output = OutputRange::no_range};
  return tflite_op(op.options).rule(graph, op, target);
}

}  // namespace calib8
