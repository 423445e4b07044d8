#pragma once

#include <string>

namespace calib8 {

/// A shared library that is opened where a picture first needs it. libheif and libavif bring 25 other
/// libraries with them, encoders among them: more to load than the rest of the program, for formats that few
/// data sets have.
class SystemLibrary {
 public:
  /// `file` is its versioned name, "libheif.so.1"; the loader finds it. Fails with ErrorCode::dataset, about
  /// the picture at `where`, where it isn't installed.
  SystemLibrary(const char* file, const char* format, const std::string& where);

  /// `function = library.get<decltype(function)>("its_name")`. Fails as above where the library lacks it.
  template <class Function>
  Function get(const char* name) const {
    return reinterpret_cast<Function>(find(name));
  }

 private:
  void* find(const char* name) const;

  void* handle_;  ///< Never closed: codecs keep threads and tables.
  std::string file_;
};

}  // namespace calib8
