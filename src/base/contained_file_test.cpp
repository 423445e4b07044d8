#include "base/contained_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "base/test_folder.h"
#include "calib8/error.h"

namespace calib8 {
namespace {

namespace fs = std::filesystem;

class ContainedFile : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(root_ / "model/weights");
    write(root_ / "secret", "secret");
    write(root_ / "model/a.bin", "hello");
    write(root_ / "model/weights/b.bin", "world");
  }

  static void write(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }
  std::string read(std::string_view relative) const {
    const Data data = map_contained_file(root_ / "model", relative);
    return {reinterpret_cast<const char*>(data.bytes().data()), data.size()};
  }
  std::string refusal(std::string_view relative) const {
    try {
      read(relative);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::model);
      return error.what();
    }
    return "(none)";
  }

  test::TemporaryFolder folder_;
  const fs::path& root_ = folder_.path();
};

TEST_F(ContainedFile, ReadsWhatLiesInTheFolder) {
  EXPECT_EQ(read("a.bin"), "hello");
  EXPECT_EQ(read("./a.bin"), "hello");
  EXPECT_EQ(read("weights/b.bin"), "world");
  write(root_ / "model/empty", "");
  EXPECT_EQ(read("empty"), "");
}

TEST_F(ContainedFile, RefusesPathsThatLeaveIt) {
  EXPECT_THAT(refusal("../secret"), testing::HasSubstr("leads out"));
  EXPECT_THAT(refusal("weights/../../secret"), testing::HasSubstr("leads out"));
  EXPECT_THAT(refusal((root_ / "secret").string()), testing::HasSubstr("absolute"));
  EXPECT_THAT(refusal(""), testing::HasSubstr("no name"));
  EXPECT_THAT(refusal("./"), testing::HasSubstr("names no file"));
  EXPECT_THAT(refusal(std::string_view("a.bin\0x", 7)), testing::HasSubstr("character"));
  EXPECT_THAT(refusal("missing"), testing::HasSubstr("cannot open"));
}

TEST_F(ContainedFile, RefusesLinksAndWhatIsNoFile) {
  fs::create_symlink(root_ / "secret", root_ / "model/link");
  fs::create_directory_symlink(root_, root_ / "model/up");
  fs::create_hard_link(root_ / "secret", root_ / "model/hard");
  ASSERT_EQ(::mkfifo((root_ / "model/pipe").c_str(), 0600), 0);
  EXPECT_THAT(refusal("link"), testing::HasSubstr("symbolic link"));
  EXPECT_THAT(refusal("up/secret"), testing::HasSubstr("symbolic link"));
  EXPECT_THAT(refusal("hard"), testing::HasSubstr("hard link"));
  EXPECT_THAT(refusal("pipe"), testing::HasSubstr("not a regular file"));
  EXPECT_THAT(refusal("weights"), testing::HasSubstr("not a regular file"));
}

}  // namespace
}  // namespace calib8
