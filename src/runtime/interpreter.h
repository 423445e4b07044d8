#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/dtype.h"
#include "base/shape.h"
#include "runtime/litert_library.h"
#include "runtime/profile.h"

namespace calib8 {

/// Which of LiteRT's CPU kernels run the model: XNNPACK where it has the op (what devices run), or TFLite's
/// own.
enum class Kernels { xnnpack, builtin };

struct InterpreterOptions {
  Kernels kernels = Kernels::xnnpack;
  int threads = 1;       ///< At least 1; results don't depend on it.
  bool profile = false;  ///< Times each op, which profile() needs; costs a little at every run.
};

/// An input or output of the model, by its name in the signature.
struct TensorInfo {
  std::string name;
  DType dtype = DType::float32;
  Shape shape;

  bool operator==(const TensorInfo&) const = default;
};

/// A TFLite model made ready to run on LiteRT, with its inputs and outputs in memory of its own. Several may
/// run at the same time, each used by one thread at a time. All failures are ErrorCode::runtime.
class Interpreter {
 public:
  /// `model` is the .tflite file, mapped or in memory; it is kept alive. Fails where LiteRT refuses it, where
  /// a size of an input or output is dynamic, or a type has no DType.
  Interpreter(std::shared_ptr<const LiteRt> litert, Data model, InterpreterOptions options = {});
  ~Interpreter();
  Interpreter(Interpreter&&) noexcept;
  Interpreter& operator=(Interpreter&&) noexcept;

  /// Of the first signature, in its order; of the first subgraph, by the tensors' names, where there is no
  /// signature.
  const std::vector<TensorInfo>& inputs() const;
  const std::vector<TensorInfo>& outputs() const;

  /// The memory of an input, to be filled before run(): row-major, 64-byte aligned, zero at first, kept
  /// between runs.
  std::span<std::byte> input(std::size_t index);
  template <class T>
  std::span<T> input_as(std::size_t index) {
    const std::span<std::byte> bytes = input(index);
    return {reinterpret_cast<T*>(bytes.data()), bytes.size() / sizeof(T)};
  }

  /// Runs the model on the inputs as they stand.
  void run();

  /// The memory of an output, as the last run() left it; 64-byte aligned.
  std::span<const std::byte> output(std::size_t index) const;
  template <class T>
  std::span<const T> output_as(std::size_t index) const {
    const std::span<const std::byte> bytes = output(index);
    return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
  }

  /// Whether a delegate (XNNPACK) runs every op.
  bool fully_accelerated() const;

  /// The ops of the runs so far, in order, and their times; needs InterpreterOptions::profile.
  std::vector<ProfiledOp> profile() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace calib8
