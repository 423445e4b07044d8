#pragma once

#include <memory>
#include <string_view>
#include <type_traits>

#include "base/bytes.h"
#include "runtime/interpreter.h"
#include "runtime/litert_library.h"

namespace calib8::litert {

/// A handle of LiteRT's that destroys itself.
template <class Pointer>
using Owned = std::unique_ptr<std::remove_pointer_t<Pointer>, void (*)(Pointer)>;

/// Fails with ErrorCode::runtime: "<what> (status 504, Compilation): <messages>".
[[noreturn]] void fail(std::string_view what, Status status, std::string_view messages = {});

/// fail() unless the status is success.
void check(Status status, std::string_view what);

/// A model and what LiteRT made of it; destroyed in reverse order.
struct Compiled {
  Owned<Model> model{nullptr, nullptr};
  Owned<CompiledModel> compiled{nullptr, nullptr};
};

/// Makes the model ready to run; the bytes must outlive the result. A failure carries LiteRT's own messages.
Compiled compile_model(const LiteRt& litert, ByteView bytes, const InterpreterOptions& options);

}  // namespace calib8::litert
