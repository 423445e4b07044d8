#include "ops/file_options.h"

#include <string>

#include "calib8/error.h"

namespace calib8 {

schema::Padding to_schema(tflite::Padding padding) {
  return static_cast<schema::Padding>(padding);
}

schema::ActivationFunctionType to_schema(tflite::Activation activation) {
  return static_cast<schema::ActivationFunctionType>(activation);
}

void refuse_options_of_another(const schema::Operator& op) {
  const char* const name = schema::EnumNameBuiltinOptions(op.builtin_options_type());
  throw Error(ErrorCode::model,
              "its options are of another operator: " +
                  (*name != '\0' ? std::string(name)
                                 : "number " + std::to_string(static_cast<int>(op.builtin_options_type()))));
}

void refuse_missing_options() {
  throw Error(ErrorCode::model, "its options are missing");
}

tflite::Padding from_schema(schema::Padding padding) {
  if (padding == schema::Padding::SAME) return tflite::Padding::same;
  if (padding == schema::Padding::VALID) return tflite::Padding::valid;
  throw Error(ErrorCode::model,
              "padding " + std::to_string(static_cast<int>(padding)) + " is neither SAME nor VALID");
}

tflite::Activation from_schema(schema::ActivationFunctionType activation) {
  const int number = static_cast<int>(activation);
  if (number >= 0 && number <= 3) return static_cast<tflite::Activation>(number);
  throw Error(ErrorCode::model, "fused activation " + std::to_string(number) +
                                    " is not supported; use NONE, RELU, RELU_N1_TO_1 or RELU6");
}

}  // namespace calib8
