#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "base/shape.h"
#include "base/shared_memory.h"
#include "runtime/litert_library.h"

namespace calib8 {

/// Which of LiteRT's CPU kernels run the model: XNNPACK where it has the op (what devices run), or TFLite's
/// own.
enum class Kernels { xnnpack, builtin };

struct InterpreterOptions {
  Kernels kernels = Kernels::xnnpack;
  int threads = 1;      ///< At least 1; results don't depend on it. Fewer where the system gives no more.
  std::string purpose;  ///< What the model is run for, in errors: "calibrating".
};

/// An input or output of the model, by its name in the signature.
struct TensorInfo {
  std::string name;
  DType dtype = DType::float32;
  Shape shape;

  bool operator==(const TensorInfo&) const = default;
};

/// A TFLite model made ready to run on LiteRT, in LiteRT's process; its inputs and outputs lie in memory that
/// both processes see. Several may be made and run at the same time, each used by one thread at a time.
///
/// Everything that runs fails with
///  - ErrorCode::model where LiteRT refuses the model, or crashes on it;
///  - ErrorCode::runtime where LiteRT's process was killed, doesn't answer (see patience_with()), or gets no
///  memory or
///    thread from the system;
///  - ErrorCode::interrupted at Ctrl-C.
/// After that it can't be run again, but where LiteRT itself has said that the run failed.
class Interpreter {
 public:
  /// `model` is the .tflite file. Fails where LiteRT refuses it, where a size of an input or output is
  /// dynamic, or a type has no DType.
  Interpreter(std::shared_ptr<const LiteRt> litert, const SharedFile& model, InterpreterOptions options = {});
  /// Returns when LiteRT has let go of the model's memory.
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

  /// Runs the model on the inputs as they stand; gives the time that it took. `sample` is for errors.
  std::chrono::nanoseconds run(std::optional<std::size_t> sample = {});

  /// The memory of an output, as the last run() left it; 64-byte aligned.
  std::span<const std::byte> output(std::size_t index) const;
  template <class T>
  std::span<const T> output_as(std::size_t index) const {
    const std::span<const std::byte> bytes = output(index);
    return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
  }

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace calib8
