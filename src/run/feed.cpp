#include "run/feed.h"

#include <cstring>

#include "calib8/error.h"

namespace calib8 {
namespace {

const Tensor& array_for(const TensorInfo& input, std::size_t input_count,
                        const std::map<std::string, Tensor>& arrays) {
  auto found = arrays.find(input.name);
  if (found == arrays.end() && input_count == 1) found = arrays.find("");
  if (found == arrays.end())
    throw Error(ErrorCode::dataset, "a sample has no array for the input", "'" + input.name + "'");
  return found->second;
}

std::string describe(DType dtype, const Shape& shape) {
  return std::string(name_of(dtype)) + to_string(shape);
}

}  // namespace

void feed(Interpreter& interpreter, const std::map<std::string, Tensor>& arrays) {
  for (std::size_t i = 0; i < interpreter.inputs().size(); ++i) {
    const TensorInfo& input = interpreter.inputs()[i];
    const Tensor& array = array_for(input, interpreter.inputs().size(), arrays);
    if (array.dtype != input.dtype || array.shape != input.shape) {
      throw Error(ErrorCode::dataset,
                  "a sample is " + describe(array.dtype, array.shape) + ", the model takes " +
                      describe(input.dtype, input.shape),
                  "input '" + input.name + "'");
    }
    std::memcpy(interpreter.input(i).data(), array.data.bytes().data(), array.data.size());
  }
}

}  // namespace calib8
