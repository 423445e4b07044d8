#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/bytes.h"
#include "worker/library.h"

namespace calib8::litert {

/// A handle of LiteRT's that destroys itself.
template <class Pointer>
using Owned = std::unique_ptr<std::remove_pointer_t<Pointer>, void (*)(Pointer)>;

/// Fails with ErrorCode::model, or ErrorCode::runtime where memory is out: "<what> (status 504, Compilation):
/// <messages>".
[[noreturn]] void fail(std::string_view what, Status status, std::string_view messages = {});

/// fail() unless the status is success.
void check(Status status, std::string_view what);

/// A model and what LiteRT made of it; destroyed in reverse order.
struct Compiled {
  Owned<Model> model{nullptr, nullptr};
  Owned<CompiledModel> compiled{nullptr, nullptr};
};

struct CompileOptions {
  bool builtin_kernels = false;  ///< TFLite's own in place of XNNPACK's.
  int threads = 1;
};

/// Makes the model ready to run; the bytes must outlive the result. A failure carries LiteRT's own messages.
Compiled compile_model(const Library& library, ByteView bytes, const CompileOptions& options);

}  // namespace calib8::litert
