#include "image/system_library.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include "calib8/error.h"

namespace calib8 {

SystemLibrary::SystemLibrary(const char* file, const char* format, const std::string& where)
    : handle_(::dlopen(file, RTLD_NOW | RTLD_LOCAL)), file_(file) {
  if (handle_ != nullptr) return;
  throw Error(
      ErrorCode::dataset,
      fmt::format("is {}, which {} decodes, and that isn't installed: install it, or convert the picture",
                  format, file),
      where);
}

void* SystemLibrary::find(const char* name) const {
  if (void* const function = ::dlsym(handle_, name)) return function;
  throw Error(ErrorCode::dataset,
              fmt::format("has no {}: install the version that calib8 was built with", name), file_);
}

}  // namespace calib8
