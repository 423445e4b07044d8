#include "runtime/litert_library.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gnu/libc-version.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "calib8/error.h"

namespace calib8 {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// Sets an environment variable for the life of the object; nullptr unsets it.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    set(value);
  }
  ~Variable() { set(old_ ? old_->c_str() : nullptr); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  void set(const char* value) const {
    if (value == nullptr) {
      unsetenv(name_);
    } else {
      setenv(name_, value, 1);
    }
  }
  const char* name_;
  std::optional<std::string> old_;
};

class LiteRtLibrary : public testing::Test {
 protected:
  LiteRtLibrary() {
    std::string pattern = (fs::temp_directory_path() / "calib8_XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~LiteRtLibrary() override { fs::remove_all(folder_); }

  fs::path write(const fs::path& path, std::string_view text = "") const {
    fs::create_directories((folder_ / path).parent_path());
    std::ofstream(folder_ / path) << text;
    return folder_ / path;
  }

  fs::path folder_;
};

TEST_F(LiteRtLibrary, IsInstalledForTheTests) {
  const auto library = find_litert();
  ASSERT_TRUE(library) << "libLiteRt.so was not found: set CALIB8_LITERT, or VIRTUAL_ENV to an environment "
                          "with ai-edge-litert";
  EXPECT_EQ(open_litert_at(*library)->library(), *library);
  ASSERT_TRUE(litert_version(*library));
  EXPECT_THAT(*litert_version(*library), HasSubstr("."));
}

TEST_F(LiteRtLibrary, IsFoundWhereTheVariableSays) {
  const fs::path library = write("site-packages/ai_edge_litert/libLiteRt.so");
  for (const fs::path& path : {library, library.parent_path(), library.parent_path().parent_path()}) {
    const Variable variable("CALIB8_LITERT", path.c_str());
    EXPECT_EQ(find_litert(), library);
  }
  const Variable variable("CALIB8_LITERT", folder_.c_str());
  try {
    find_litert();
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::runtime);
    EXPECT_EQ(error.where(), folder_.string());
  }
}

TEST_F(LiteRtLibrary, IsFoundInTheVirtualEnvironment) {
  const Variable unset("CALIB8_LITERT", nullptr);
  const Variable variable("VIRTUAL_ENV", folder_.c_str());
  EXPECT_EQ(find_litert(), std::nullopt);
  const fs::path library = write("lib/python3.11/site-packages/ai_edge_litert/libLiteRt.so");
  EXPECT_EQ(find_litert(), library);
}

TEST_F(LiteRtLibrary, ReadsTheVersionNextToIt) {
  const fs::path library = write("ai_edge_litert/libLiteRt.so", "not a library");
  EXPECT_EQ(litert_version(library), std::nullopt);
  write("numpy-2.0.dist-info/METADATA");
  write("ai_edge_litert_nightly-2.4.0.dev20261026.dist-info/METADATA");
  EXPECT_EQ(litert_version(library), "2.4.0.dev20261026");
}

TEST_F(LiteRtLibrary, RefusesWhatIsTooOldOrNoLibrary) {
  const fs::path library = write("ai_edge_litert/libLiteRt.so", "not a library");
  const auto message = [&] {
    try {
      open_litert_at(library);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::runtime);
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(message(), HasSubstr("cannot be loaded"));
  const fs::path information = write("ai_edge_litert-2.1.5.dist-info/METADATA");
  EXPECT_THAT(message(), HasSubstr("is of ai-edge-litert 2.1.5, calib8 needs 2.1.6 or later"));
  fs::rename(information.parent_path(), folder_ / "ai_edge_litert-2.1.6.dist-info");
  EXPECT_THAT(message(), HasSubstr("cannot be loaded"));
}

TEST_F(LiteRtLibrary, RefusesALibraryWithoutItsFunctions) {
  try {
    Dl_info c_library{};
    ASSERT_NE(dladdr(reinterpret_cast<const void*>(&::gnu_get_libc_version), &c_library), 0);
    open_litert_at(c_library.dli_fname);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::runtime);
    EXPECT_THAT(error.what(), HasSubstr("LiteRtCreateEnvironment"));
  }
}

}  // namespace
}  // namespace calib8
