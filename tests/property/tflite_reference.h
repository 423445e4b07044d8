#pragma once

#include <functional>
#include <vector>

#include "arrays.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8::property {

/// What a TFLite operator computes over real numbers by the definition of its kernel; QUANTIZE and DEQUANTIZE
/// pass them on. Operands are null where an input is omitted. Throws std::logic_error where it doesn't know
/// the operator.
std::vector<Array> evaluate(const TfliteOperator& op, const std::vector<const Array*>& operands);
/// A family's own part of that; nothing where the operator is of another.
std::vector<Array> evaluate_choice(const TfliteOperator& op, const std::vector<const Array*>& operands);
/// The same; throws std::logic_error where the shapes that it works out aren't the graph's.
std::vector<Array> evaluate(const TfliteGraph& graph, const TfliteOperator& op,
                            const std::vector<const Array*>& operands);

/// True for operators whose kernels move numbers without computing any.
bool moves_bytes(const TfliteOperator& op);

}  // namespace calib8::property
